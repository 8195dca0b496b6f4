"""The service, its client, the library and the command line give one answer to one request."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from typer.testing import CliRunner

import llm_calc
from llm_calc.adapters.operations import OPERATIONS
from llm_calc.adapters.request_fields import (
    CalculateFields,
    CalibrateFields,
    CompareFields,
    EstimateFields,
    InspectFields,
    MemoryPlanFields,
    PlanFields,
    RecommendFields,
    SweepFields,
)
from llm_calc.adapters.wire.sweep import SweepRequest
from llm_calc.cli.app import app as command

NAMES = {
    "calculate": "calculate",
    "inspect_model": "inspect_model",
    "memory_plan": "memory_plan",
    "serving_estimate": "estimate",
    "deployment_plans": "plan",
    "recommend_gpus": "recommend",
    "compare": "compare",
    "calibrate": "calibrate",
}
COMMANDS = {**NAMES, "inspect_model": "inspect", "memory_plan": "memory"}
FIELDS: dict[str, Any] = {
    "calculate": CalculateFields,
    "inspect_model": InspectFields,
    "memory_plan": MemoryPlanFields,
    "serving_estimate": EstimateFields,
    "deployment_plans": PlanFields,
    "recommend_gpus": RecommendFields,
    "compare": CompareFields,
    "calibrate": CalibrateFields,
}
REQUESTS = [
    pytest.param(operation, example, id=f"{operation.name}-{index}")
    for operation in OPERATIONS
    for index, example in enumerate(operation.request.model_config["json_schema_extra"]["examples"])
]
SWEEP: dict[str, Any] = {
    "target": "memory_plan",
    "base": {"model": {"name": "llama-3.1-8b"}, "hardware": {"gpu": "l4"}},
    "grid": {"precision.weights": ["bf16", "fp8"], "workload.concurrency": {"start": 1, "stop": 3}},
}


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


def test_a_sweep_has_the_same_rows_everywhere(client: TestClient, app: FastAPI) -> None:
    async def rows(started: llm_calc.Client) -> list[dict[str, Any]]:
        return [row async for row in started.sweep(**SWEEP)]

    served = client.post("/api/sweep", json=SWEEP).content
    expected = [json.loads(line) for line in served.splitlines()]
    assert len(expected) == 6
    assert list(llm_calc.sweep(**SWEEP)) == expected
    assert asked(app, rows) == expected
    printed = CliRunner().invoke(command, ["sweep", "--request", "-", "--json"], input=json.dumps(SWEEP))
    assert printed.stdout_bytes == served


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
