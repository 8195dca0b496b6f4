"""Clients that Python generators make of the OpenAPI description hold every operation and get answers."""

import json
import subprocess
from pathlib import Path

from tests.clients.conftest import tool
from tests.process import Service

USE = """
import sys
from llm_calc_client import Client
from llm_calc_client.api.planning import memory_plan, serving_estimate
from llm_calc_client.models import MemoryPlanRequest, MemoryPlanAnswer, ServingEstimateRequest, ServingEstimateAnswer
from llm_calc_client.models import ModelPart

client = Client(base_url=sys.argv[1], timeout=60)
question = {
    "model": {"name": "llama-3.1-8b"},
    "hardware": {"gpu": "h100-80gb-sxm"},
    "engine": {"name": "vllm", "max_model_len": "auto"},
}
assert ModelPart(name="llama-3.1-8b").to_dict() == question["model"]
plan = memory_plan.sync(client=client, body=MemoryPlanRequest.from_dict(question))
assert isinstance(plan, MemoryPlanAnswer), plan
load = {"input_tokens": 1000, "output_tokens": 100, "concurrency": 4}
estimate = serving_estimate.sync(client=client, body=ServingEstimateRequest.from_dict(question | {"workload": load}))
assert isinstance(estimate, ServingEstimateAnswer), estimate
print(plan.fits, estimate.tpot_s > 0)
"""
BUILD = """
import json, sys
import models

body = json.loads(sys.argv[1])
made = models.MemoryPlanRequest.model_validate(body)
print(made.model.name, made.hardware.count)
"""


def run(*command: str, cwd: Path) -> str:
    """Run a command and return what it prints; a warning of a generator is a failure of the description."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Warning(s)" not in done.stdout, done.stdout
    return done.stdout


def test_openapi_python_client_calls_the_service(openapi: Path, service: Service, tmp_path: Path) -> None:
    generator = tool("clients", "bin", "openapi-python-client")
    run(
        generator, "generate", "--path", str(openapi), "--output-path", "made", "--meta", "none", cwd=tmp_path
    )
    (tmp_path / "made").rename(tmp_path / "llm_calc_client")
    made = {path.stem for path in (tmp_path / "llm_calc_client" / "api").glob("*/*.py")} - {"__init__"}
    described = json.loads(openapi.read_text(encoding="utf-8"))["paths"]
    assert made == {operation["operationId"] for path in described.values() for operation in path.values()}
    assert run(tool("clients", "bin", "python"), "-c", USE, service.url, cwd=tmp_path) == "True True\n"


def test_datamodel_code_generator_takes_every_schema(openapi: Path, tmp_path: Path) -> None:
    generator = tool("clients", "bin", "datamodel-codegen")
    kind = ("--input-file-type", "openapi", "--output-model-type", "pydantic_v2.BaseModel")
    run(generator, "--input", str(openapi), *kind, "--output", "models.py", cwd=tmp_path)
    text = (tmp_path / "models.py").read_text(encoding="utf-8")
    names = json.loads(openapi.read_text(encoding="utf-8"))["components"]["schemas"]
    assert [name for name in names if f"class {name}(" not in text and f"\n{name} = " not in text] == []
    body = {"model": {"name": "llama-3.1-8b"}, "hardware": {"gpu": "h100-80gb-sxm", "count": 2}}
    made = run(tool("clients", "bin", "python"), "-c", BUILD, json.dumps(body), cwd=tmp_path)
    assert made == "llama-3.1-8b 2\n"
