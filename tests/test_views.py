"""HTTP, library, client and command line give the same answers to the same questions."""

import doctest
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel
from typer.testing import CliRunner

import llm_calc
from llm_calc import Client, ServiceError, library, scenario
from llm_calc.adapters.operations import OPERATIONS
from llm_calc.cli.app import app as commands

MODEL, GPU = "llama-3.1-8b", "h100-80gb-sxm"
OPTIONS: Any = {"weights": "fp8", "concurrency": 8, "input_tokens": 512, "output_tokens": 64}
DEPLOYMENT = scenario.deployment_body(MODEL, GPU, OPTIONS)
FLAGS = ["--weights", "fp8", "--concurrency", "8", "--input-tokens", "512", "--output-tokens", "64", "--json"]
LIMITS: Any = {"tpot_s": 0.02, "max_gpus": 2}

ASKED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "calculate": (
        {"model_name": "llama2-7b", "gpu": GPU, "precision": "bf16"},
        ["calculate", "llama2-7b", "--gpu", GPU, "--precision", "bf16", "--json"],
    ),
    "inspect_model": (
        scenario.inspection_body("mixtral-8x7b", {"weights": "bf16"}, [1000]),
        ["inspect", "mixtral-8x7b", "--weights", "bf16", "--context-tokens", "1000", "--json"],
    ),
    "memory_plan": (DEPLOYMENT, ["memory", MODEL, GPU, *FLAGS]),
    "serving_estimate": (DEPLOYMENT, ["estimate", MODEL, GPU, *FLAGS]),
    "deployment_plans": (
        scenario.plans_body(MODEL, LIMITS, {"gpus": ["l40s"], "objective": "cost", "concurrency": 2}),
        ["plan", MODEL, "--tpot", "0.02", "--max-gpus", "2", "--gpu", "l40s", "--concurrency", "2", "--json"],
    ),
    "recommend_gpus": (
        scenario.recommendation_body(MODEL, {"weights": "fp8", "max_gpus": 2, "gpus": ["l4", "a10"]}),
        ["recommend", MODEL, "--weights", "fp8", "--max-gpus", "2", "--gpu", "l4", "--gpu", "a10", "--json"],
    ),
}


def without_times(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer but for the moments at which its steps were taken."""
    return {name: value for name, value in answer.items() if name != "history"}


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[Client]:
    """The asynchronous client, of the application in this process."""
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with Client(http=httpx.AsyncClient(transport=transport, base_url="http://test")) as started:
            yield started


@pytest.mark.parametrize("name", ASKED)
async def test_all_views_answer_alike(app: FastAPI, client: Client, name: str) -> None:
    body, arguments = ASKED[name]
    with TestClient(app) as http:
        wire = http.post(OPERATIONS[name].path, json=body)
    assert wire.status_code == 200, wire.text
    said = CliRunner().invoke(commands, arguments)
    assert said.exit_code == 0, said.output
    answers: list[BaseModel] = [library.ask(name, body), await client.ask(name, body)]
    for other in [json.loads(said.output), *(each.model_dump(mode="json") for each in answers)]:
        assert without_times(other) == without_times(wire.json())


async def test_the_client_has_the_surface_of_the_library(client: Client) -> None:
    assert await client.estimate(MODEL, GPU, **OPTIONS) == library.estimate(MODEL, GPU, **OPTIONS)
    assert await client.memory_plan(MODEL, GPU, **OPTIONS) == library.memory_plan(MODEL, GPU, **OPTIONS)
    assert await client.inspect_model(MODEL) == library.inspect_model(MODEL)
    assert await client.models() == library.models()
    assert await client.gpus() == library.gpus()
    scenarios = [DEPLOYMENT, {**DEPLOYMENT, "hardware": {"gpu": "a100-80gb"}}]
    assert await client.compare(scenarios) == library.compare(scenarios)
    plans = {"gpus": ["l40s"], "concurrency": 2}
    assert await client.plan(MODEL, limits=LIMITS, **plans) == library.plan(MODEL, limits=LIMITS, **plans)
    assert await client.recommend(MODEL, gpus=["l4"]) == library.recommend(MODEL, gpus=["l4"])
    measured = [{**DEPLOYMENT, "measured": {"tpot_s": 0.01}}]
    assert await client.calibrate(measured) == library.calibrate(measured)
    assert (await client.calculate(model_name="gpt2")).vram == library.calculate(model_name="gpt2").vram
    asked: Any = ("calculate", {"model_name": "llama2-7b"}, {"batch_size": [1, 2, 3]})
    streamed = [piece async for piece in client.sweep(*asked)]
    assert b"".join(streamed) == b"".join(library.sweep(*asked))


async def test_refusals_are_one_sentence_everywhere(client: Client) -> None:
    with pytest.raises(llm_calc.CalcError) as refused:
        library.estimate("lama-3.1-8b", GPU)
    with pytest.raises(ServiceError) as answered:
        await client.estimate("lama-3.1-8b", GPU)
    assert answered.value.status == 400
    assert str(answered.value) == str(refused.value)
    assert str(refused.value).startswith("model.name: unknown model")
    with pytest.raises(llm_calc.CalcError, match=r"workload\.concurrency"):
        library.estimate(MODEL, GPU, concurrency=0)
    with pytest.raises(ServiceError, match="target"):
        async for _ in client.sweep("nothing", {}, {"x": [1]}):
            pass


def test_a_service_that_speaks_no_json_is_told() -> None:
    def handle(_: httpx.Request) -> httpx.Response:
        return httpx.Response(502, text="bad gateway")

    async def ask() -> None:
        http = httpx.AsyncClient(transport=httpx.MockTransport(handle), base_url="http://test")
        async with Client(http=http) as client:
            await client.models()

    import asyncio

    with pytest.raises(ServiceError, match="bad gateway"):
        asyncio.run(ask())


def test_examples_in_docstrings_hold() -> None:
    found = doctest.testmod(library)
    assert found.attempted >= 8
    assert found.failed == 0


def test_the_package_exports_what_it_says() -> None:
    assert sorted(llm_calc.__all__) == llm_calc.__all__
    assert all(getattr(llm_calc, name) is not None for name in llm_calc.__all__)
    with pytest.raises(AttributeError, match="nothing_like_this"):
        _ = llm_calc.nothing_like_this


def test_importing_the_package_loads_nothing_heavy() -> None:
    script = "import sys, llm_calc; print([m for m in ('numpy', 'pydantic', 'fastapi', 'typer') if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_operations_are_those_of_the_service(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    for name, operation in OPERATIONS.items():
        described = paths[operation.path]["post"]
        assert described["operationId"] == name
        schema = described["requestBody"]["content"]["application/json"]["schema"]
        assert schema["$ref"].endswith(operation.request.__name__)
