"""A TypeScript client of the OpenAPI description type-checks strictly and gets answers."""

import subprocess
from pathlib import Path

from tests.clients.conftest import VENV, tool
from tests.process import Service

USE = """
import createClient from "openapi-fetch";
import type { paths } from "./schema";

export async function ask(baseUrl: string): Promise<string> {
  const client = createClient<paths>({ baseUrl });
  const question = {
    model: { name: "llama-3.1-8b" },
    hardware: { gpu: "h100-80gb-sxm" },
    engine: { name: "vllm" as const },
  };
  const plan = await client.POST("/api/memory_plan", { body: question });
  const workload = { input_tokens: 1000, output_tokens: 100, concurrency: 4 };
  const estimate = await client.POST("/api/serving_estimate", { body: { ...question, workload } });
  if (!plan.data || !estimate.data) throw new Error(JSON.stringify([plan.error, estimate.error]));
  return `${plan.data.fits} ${estimate.data.tpot_s > 0}`;
}
"""
MAIN = 'import { ask } from "./use.js"; console.log(await ask(process.argv[2]));'
OPTIONS = ("--strict", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler")


def run(*command: str, cwd: Path) -> str:
    """Run a command and return what it prints."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_openapi_typescript_calls_the_service(openapi: Path, service: Service, tmp_path: Path) -> None:
    generator, compiler = (
        tool("node", "node_modules", ".bin", name) for name in ("openapi-typescript", "tsc")
    )
    (tmp_path / "node_modules").symlink_to(VENV / "node" / "node_modules")
    run(generator, str(openapi), "--output", "schema.d.ts", cwd=tmp_path)
    for name, text in (("use.ts", USE), ("main.js", MAIN), ("package.json", '{"type": "module"}')):
        (tmp_path / name).write_text(text, encoding="utf-8")
    run(compiler, *OPTIONS, "use.ts", "schema.d.ts", cwd=tmp_path)
    assert run("node", "main.js", service.url, cwd=tmp_path) == "true true\n"
