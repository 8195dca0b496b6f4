"""vLLM's own cache planner: installed at its pinned release, run on the catalog's caches."""

import json
import subprocess
import venv
from pathlib import Path

from tools.conformance.record import Row
from tools.conformance.vllm_cases import RELEASE, Case, cases, planned_case

NEEDED = (
    *(
        "torch",
        "regex",
        "cachetools",
        "psutil",
        "sentencepiece",
        "numpy",
        "requests",
        "tqdm",
        "blake3",
        "py-cpuinfo",
    ),
    *(
        "transformers>=5.16.1,<5.21",
        "protobuf",
        "fastapi",
        "aiohttp",
        "openai",
        "pydantic",
        "orjson",
        "pillow",
    ),
    *(
        "prometheus_client",
        "prometheus-fastapi-instrumentator",
        "tiktoken",
        "partial-json-parser",
        "jsonschema",
    ),
    *(
        "pyzmq",
        "msgspec",
        "mistral_common",
        "einops",
        "compressed-tensors==0.17.0",
        "depyf==0.20.0",
        "cloudpickle",
    ),
    *(
        "watchfiles",
        "python-json-logger",
        "pybase64",
        "cbor2",
        "ijson",
        "setproctitle",
        "anthropic",
        "mcp",
        "numba",
    ),
    *("opencv-python-headless", "llguidance", "lark", "uvloop", "xgrammar"),
)
"""What vLLM's planner imports; kernels and everything else of its requirements are left out."""
ALONE = (f"vllm=={RELEASE}", "oss-harmony>=0.0.11")
"""Installed without what they ask for."""
SCRIPT = Path(__file__).with_name("vllm_planner.py")


def results(folder: Path) -> list[Row]:
    """The planner's answer to every case."""
    python = _environment(folder)
    asked = list(cases())
    questions, answers = folder / "cases.json", folder / "answers.json"
    questions.write_text(json.dumps([case.asked for case in asked]), encoding="utf-8")
    subprocess.run([python, "-P", SCRIPT, questions, answers], check=True)
    found = json.loads(answers.read_text(encoding="utf-8"))
    return [
        {"release": RELEASE, **case.key, **answer}
        for case, answer in zip(asked, found, strict=True)
        if "error" not in answer
    ]


def _environment(folder: Path) -> Path:
    """The interpreter of an environment that holds the release; made where there is none."""
    python = folder / "venv" / "bin" / "python"
    if not python.exists():
        venv.create(folder / "venv", with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *NEEDED], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", *ALONE], check=True)
    return python


def recorded_case(row: dict[str, str]) -> Case:
    """The product's answer to a recorded case."""
    return planned_case(
        row["model"],
        row["gpu"],
        int(row["tensor"]),
        int(row["pipeline"]),
        row["kv_cache"],
        int(row["memory_bytes"]),
        int(row["max_model_len"]),
    )
