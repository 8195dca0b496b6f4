"""The service, its client, the library, the command line and the MCP server give one answer to one request."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from mcp import Client as ToolClient
from typer.testing import CliRunner

import llm_calc
from llm_calc.adapters.operations import OPERATIONS
from llm_calc.adapters.request_fields import (
    CalculateFields,
    CalibrateFields,
    CompareFields,
    EstimateFields,
    FitFields,
    InspectFields,
    MemoryPlanFields,
    ModelsForFields,
    PlanFields,
    RecommendFields,
    SweepFields,
)
from llm_calc.adapters.wire.sweep import SweepRequest
from llm_calc.cli.app import app as command
from llm_calc.mcp_server import new_server

NAMES = {
    "calculate": "calculate",
    "inspect_model": "inspect_model",
    "memory_plan": "memory_plan",
    "serving_estimate": "estimate",
    "deployment_plans": "plan",
    "recommend_gpus": "recommend",
    "fit": "fit",
    "models_for": "models_for",
    "compare": "compare",
    "calibrate": "calibrate",
}
COMMANDS = {**NAMES, "inspect_model": "inspect", "memory_plan": "memory", "models_for": "models-for"}
FIELDS: dict[str, Any] = {
    "calculate": CalculateFields,
    "inspect_model": InspectFields,
    "memory_plan": MemoryPlanFields,
    "serving_estimate": EstimateFields,
    "deployment_plans": PlanFields,
    "recommend_gpus": RecommendFields,
    "fit": FitFields,
    "models_for": ModelsForFields,
    "compare": CompareFields,
    "calibrate": CalibrateFields,
}
CONFIG = {
    "model_type": "qwen3_moe",
    "hidden_size": 512,
    "intermediate_size": 1024,
    "moe_intermediate_size": 256,
    "num_hidden_layers": 4,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "head_dim": 64,
    "num_experts": 8,
    "num_experts_per_tok": 2,
    "vocab_size": 5000,
    "max_position_embeddings": 8192,
}
SMALL: dict[str, Any] = {"model": {"hf_config": CONFIG}, "hardware": {"gpu": "mi300x", "count": 2}}
LARGE: dict[str, Any] = {
    "model": {"name": "deepseek-ai/DeepSeek-V3"},
    "precision": {"weights": "fp8", "kv_cache": "auto"},
    "hardware": {"gpu": "h200-141gb-sxm", "count": 8},
    "parallelism": {"tensor": 8, "expert": 8},
    "engine": {"name": "sglang", "mem_fraction_static": 0.9},
    "workload": {"input_tokens": 2048, "output_tokens": 256, "concurrency": 64},
}
NOT_FITTING: dict[str, Any] = {"model": {"name": "llama-3.1-70b"}, "hardware": {"gpu": "l4"}}
CUSTOM = {"hidden_dim": 2048, "ff_dim": 5632, "num_layers": 22, "vocab_size": 32000, "num_key_value_heads": 4}
POISSON = {"model": {"custom": CUSTOM}, "hardware": {"gpu": "l40s"}, "workload": {"request_rate": 3.5}}
MORE: dict[str, list[dict[str, Any]]] = {
    "calculate": [{"model_name": "mixtral-8x7b", "gpu": "h100-80gb", "precision": "bf16", "batch_size": 4}],
    "inspect_model": [{"model": {"hf_config": CONFIG}, "context_tokens": [1, 8192]}],
    "memory_plan": [SMALL, LARGE, NOT_FITTING],
    "serving_estimate": [SMALL, LARGE, POISSON, {**POISSON, "workload": {"offline": True}}, NOT_FITTING],
    "deployment_plans": [
        {"model": {"name": "qwen3-8b"}, "gpus": ["l4"], "limits": {"tpot_s": 1e-5}},
        {"model": {"name": "qwen3-8b"}, "gpus": ["l4", "mi300x"], "objective": "gpus", "max_plans": 2},
    ],
    "fit": [
        {"model": {"hf_config": CONFIG}, "hardware": {"gpu": "l4"}, "formats": ["q8_0"], "concurrency": 2}
    ],
    "models_for": [{"hardware": {"gpu": "l4"}, "family": "qwen", "max_models": 2}],
    "recommend_gpus": [{"model": {"name": "llama-3.1-70b"}, "gpus": ["l4"], "max_gpus": 1}],
    "compare": [{"scenarios": [{**SMALL, "label": "small"}, LARGE, POISSON]}],
    "calibrate": [{"measurements": [{**LARGE, "measured": {"output_tokens_per_s": 1800.0}}]}],
}
REQUESTS = [
    pytest.param(operation, example, id=f"{operation.name}-{index}")
    for operation in OPERATIONS
    for index, example in enumerate(
        [*operation.request.model_config["json_schema_extra"]["examples"], *MORE[operation.name]]
    )
]
SWEEPS: list[dict[str, Any]] = [
    {
        "target": "memory_plan",
        "base": {"model": {"name": "llama-3.1-8b"}, "hardware": {"gpu": "l4"}},
        "grid": {"precision.weights": ["bf16", "fp8"], "workload.concurrency": {"start": 1, "stop": 3}},
    },
    {
        "target": "serving_estimate",
        "base": SMALL,
        "grid": {"workload.input_tokens": [64, 128], "engine.name": ["vllm", "sglang", "generic"]},
        "method": "closed_form",
    },
    {
        "target": "calculate",
        "base": {"model_name": "llama2-7b", "gpu": "l4"},
        "grid": {"batch_size": {"start": 1, "stop": 32, "count": 6, "spacing": "log"}},
    },
]


def timeless(answer: Any) -> Any:
    """The answer without the times at which its steps were taken."""
    if isinstance(answer, dict):
        return {key: timeless(value) for key, value in answer.items() if key != "timestamp"}
    return [timeless(value) for value in answer] if isinstance(answer, list) else answer


def asked(app: FastAPI, ask: Callable[[llm_calc.Client], Coroutine[Any, Any, Any]]) -> Any:
    """What a client of the application in this process answers."""

    async def main() -> Any:
        transport = httpx.ASGITransport(app)
        async with llm_calc.Client("http://test", transport=transport) as started:
            return await ask(started)

    return asyncio.run(main())


def tool_answer(name: str, arguments: dict[str, Any]) -> Any:
    """What a client of the MCP server is answered."""

    async def main() -> Any:
        async with ToolClient(new_server()) as tools:
            result = await tools.call_tool(name, arguments)
        assert not result.is_error, result.content
        return result.structured_content

    return asyncio.run(main())


@pytest.mark.parametrize(("operation", "example"), REQUESTS)
def test_all_ways_in_answer_alike(client: TestClient, app: FastAPI, operation: Any, example: Any) -> None:
    response = client.post(operation.path, json=example)
    assert response.status_code == 200
    served = timeless(response.json())
    name = NAMES[operation.name]
    library = getattr(llm_calc, name)(**example)
    remote = asked(app, lambda started: getattr(started, name)(**example))
    assert timeless(json.loads(library.model_dump_json())) == served
    assert timeless(json.loads(remote.model_dump_json())) == served
    where = ["-"] if name == "calibrate" else ["--request", "-"]
    printed = CliRunner().invoke(
        command, [COMMANDS[operation.name], *where, "--json"], input=json.dumps(example)
    )
    assert timeless(json.loads(printed.output)) == served
    assert timeless(tool_answer(operation.name, example)) == served


@pytest.mark.parametrize("request_", SWEEPS, ids=[each["target"] for each in SWEEPS])
def test_a_sweep_has_the_same_rows_everywhere(
    client: TestClient, app: FastAPI, request_: dict[str, Any]
) -> None:
    async def rows(started: llm_calc.Client) -> list[dict[str, Any]]:
        return [row async for row in started.sweep(**request_)]

    served = client.post("/api/sweep", json=request_).content
    expected = [json.loads(line) for line in served.splitlines()]
    assert len(expected) == 6
    assert list(llm_calc.sweep(**request_)) == expected
    assert asked(app, rows) == expected
    printed = CliRunner().invoke(command, ["sweep", "--request", "-", "--json"], input=json.dumps(request_))
    assert printed.stdout_bytes == served
    assert tool_answer("sweep", request_) == {"rows": expected, "rows_left_out": 0}


@pytest.mark.parametrize(("name", "path"), [("models", "available_models"), ("gpus", "available_gpus")])
def test_lists_are_the_same(client: TestClient, app: FastAPI, name: str, path: str) -> None:
    served = client.get(f"/api/{path}").json()
    entries = [json.loads(entry.model_dump_json()) for entry in getattr(llm_calc, name)()]
    assert entries == served
    remote = asked(app, lambda started: getattr(started, name)())
    assert [json.loads(entry.model_dump_json()) for entry in remote] == served
    assert json.loads(CliRunner().invoke(command, [name, "--json"]).output) == served


REFUSED = {
    "model": {"name": "llama-3.1-8b"},
    "hardware": {"gpu": "h100-80gb-sxm", "count": "two"},
    "workload": {"conc": 1},
}


def test_a_refusal_has_the_same_words_everywhere(client: TestClient, app: FastAPI) -> None:
    served = client.post("/api/serving_estimate", json=REFUSED).json()
    assert "hardware.count: must be a whole number" in served["error"]
    with pytest.raises(llm_calc.InvalidInputError) as own:
        llm_calc.estimate(**REFUSED)  # type: ignore[arg-type]
    with pytest.raises(llm_calc.CalcError) as remote:
        asked(app, lambda started: started.estimate(**REFUSED))  # type: ignore[arg-type]
    for found in (own.value, remote.value):
        assert {"error": found.message, "details": found.details} == served
    printed = CliRunner().invoke(command, ["estimate", "-r", "-", "--json"], input=json.dumps(REFUSED))
    assert (json.loads(printed.output), printed.exit_code) == (served, 2)


def test_keyword_arguments_are_the_fields_of_the_requests() -> None:
    for operation in OPERATIONS:
        fields = FIELDS[operation.name].__annotations__
        assert set(fields) == set(operation.request.model_fields), operation.name
    assert set(SweepFields.__annotations__) == set(SweepRequest.model_fields) - {"format", "progress"}


def test_every_operation_has_its_route(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    assert {operation.path for operation in OPERATIONS} < set(paths)
