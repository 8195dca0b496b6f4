"""The SDK's own client: over stdio what it is answered, in process what it is offered and how it is refused."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, TextContent

from llm_calc.adapters.operations import OPERATIONS
from llm_calc.adapters.wire.calibrate import CALIBRATE_EXAMPLES
from llm_calc.adapters.wire.compare import COMPARE_EXAMPLES
from llm_calc.adapters.wire.documented_requests import CALCULATE_EXAMPLES
from llm_calc.adapters.wire.fitting import FIT_EXAMPLES, MODELS_FOR_EXAMPLES
from llm_calc.adapters.wire.inspect import INSPECT_EXAMPLES
from llm_calc.adapters.wire.memory import MEMORY_PLAN_EXAMPLES
from llm_calc.adapters.wire.plans import PLANS_EXAMPLES
from llm_calc.adapters.wire.recommend import RECOMMEND_EXAMPLES
from llm_calc.adapters.wire.serving import SERVING_EXAMPLES
from llm_calc.adapters.wire.sweep import SWEEP_EXAMPLES
from llm_calc.mcp_server import new_server
from tests.test_same_answers import timeless

SERVER = StdioServerParameters(
    command=sys.executable, args=["-m", "llm_calc", "mcp"], env=dict(os.environ), cwd=Path(__file__).parent
)
EXAMPLES: dict[str, Any] = {
    "inspect_model": INSPECT_EXAMPLES[0],
    "memory_plan": MEMORY_PLAN_EXAMPLES[0],
    "serving_estimate": SERVING_EXAMPLES[0],
    "deployment_plans": PLANS_EXAMPLES[0],
    "recommend_gpus": RECOMMEND_EXAMPLES[0],
    "fit": FIT_EXAMPLES[0],
    "models_for": MODELS_FOR_EXAMPLES[0],
    "compare": COMPARE_EXAMPLES[0],
    "calibrate": CALIBRATE_EXAMPLES[0],
    "calculate": CALCULATE_EXAMPLES[0],
}
LINK = "http://127.0.0.1:8000/?v=1&m=llama-3.1-8b&n=1&b.g=l40s"
MOST_LISTED_BYTES = 88_000
"""What a client reads of all tools before its first question; a sixth of it is one tool's share [bytes]."""
SHORT = {"model": "llama-3.1-8b", "hardware": "2x h100-80gb-sxm", "precision": "fp8"}
LONG = {
    "model": {"name": "llama-3.1-8b"},
    "hardware": {"gpu": "h100-80gb-sxm", "count": 2},
    "precision": {"weights": "fp8"},
}


def text_of(result: CallToolResult) -> str:
    """What a language model reads."""
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


async def test_answers_are_those_of_the_service(client: TestClient) -> None:
    async with Client(SERVER, read_timeout_seconds=120) as tools:
        for name, example in EXAMPLES.items():
            result = await tools.call_tool(name, example)
            assert not result.is_error, text_of(result)
            expected = timeless(client.post(f"/api/{name}", json=example).json())
            assert timeless(result.structured_content) == expected, name
            assert timeless(json.loads(text_of(result))) == expected, name


async def test_the_other_tools_answer_as_the_service_too(client: TestClient) -> None:
    body = {
        "model": {"name": "llama-3.1-8b"},
        "precision": {"weights": "fp8", "kv_cache": "auto"},
        "hardware": {"gpu": "l40s", "count": 1},
        "engine": {"name": "vllm", "max_model_len": 16384},
        "workload": {"input_tokens": 1024, "output_tokens": 512, "concurrency": 32},
    }
    grid: Any = SWEEP_EXAMPLES[0]
    served = [json.loads(line) for line in client.post("/api/sweep", json=grid).iter_lines()]
    async with Client(SERVER, read_timeout_seconds=120) as tools:
        linked = await tools.call_tool("estimate_from_link", {"link": LINK, "scenario": "b"})
        said = {"link": f"{LINK}&zz=1&owner.years=4&owner.years=5"}
        idle = await tools.call_tool("estimate_from_link", said)
        rows = await tools.call_tool("sweep", grid)
        some = await tools.call_tool("sweep", {**grid, "most_rows": 5})
        found = await tools.call_tool("search_catalog", {"text": "llama2-7b"})
    assert linked.structured_content == client.post("/api/serving_estimate", json=body).json()
    assert idle.structured_content is not None
    warned = " ".join(idle.structured_content["warnings"])
    assert "zz=1: not known here" in warned
    assert "link: 'owner.years' is said again: '5' takes the place of '4'" in warned
    assert "owner.years: plans alone read it" in warned
    assert len(served) == 12
    assert rows.structured_content == {"rows": served, "rows_left_out": 0}
    assert some.structured_content == {"rows": served[:5], "rows_left_out": 7}
    assert found.structured_content is not None
    models = {each["name"]: each for each in client.get("/api/available_models").json()}
    assert found.structured_content["models"] == [models["llama2-7b"]]


async def test_fields_that_are_no_arguments_are_taken_as_further_ones(client: TestClient) -> None:
    plain: dict[str, Any] = {
        "model": {"name": "llama-3.1-8b"},
        "workload": {"input_tokens": 500, "output_tokens": 100, "request_rate": 2},
        "gpus": ["h100-80gb-sxm"],
    }
    further = {"rental": "spot", "manifests": ["kubernetes"], "day": {"trough_fraction": 0.2}}
    async with Client(SERVER, read_timeout_seconds=120) as tools:
        found = await tools.call_tool("deployment_plans", {**plain, "max_plans": 5, "further": further})
        twice = await tools.call_tool("deployment_plans", {**plain, "further": {"gpus": ["l4"]}})
        unknown = await tools.call_tool("deployment_plans", {**plain, "further": {"rentals": "spot"}})
    expected = client.post("/api/deployment_plans", json={**plain, "max_plans": 5, **further}).json()
    assert timeless(found.structured_content) == timeless(expected)
    assert twice.is_error
    assert text_of(twice) == "further.gpus: is an argument of its own"
    assert unknown.is_error
    assert "rentals: is not a known field" in text_of(unknown)


async def test_every_tool_says_what_it_takes_and_answers() -> None:
    async with Client(new_server()) as tools:
        offered = {tool.name: tool for tool in (await tools.list_tools()).tools}
    assert set(offered) == {"search_catalog", "list_catalog", "estimate_from_link", "sweep", *EXAMPLES}
    for name, tool in offered.items():
        assert tool.description, name
        assert tool.output_schema, name
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint, name
        assert all("description" in argument for argument in tool.input_schema["properties"].values()), name


async def test_what_a_client_reads_of_all_tools_is_short() -> None:
    async with Client(new_server()) as tools:
        offered = (await tools.list_tools()).tools
    listed = json.dumps(
        [tool.model_dump(by_alias=True, exclude_none=True, mode="json") for tool in offered],
        separators=(",", ":"),
    )
    assert len(listed.encode()) < MOST_LISTED_BYTES
    for tool in offered:
        assert '"title"' not in json.dumps([tool.input_schema, tool.output_schema]), tool.name
        assert len(tool.description or "") > 80, tool.name


async def test_schemas_accept_what_the_tools_take_and_answer(client: TestClient) -> None:
    async with Client(new_server()) as tools:
        offered = {tool.name: tool for tool in (await tools.list_tools()).tools}
    for name, example in {**EXAMPLES, "memory_plan": SHORT}.items():
        Draft202012Validator(offered[name].input_schema).validate(example)
    for name, example in EXAMPLES.items():
        schema = offered[name].output_schema
        assert schema is not None
        Draft202012Validator(schema).validate(client.post(f"/api/{name}", json=example).json())
        assert not Draft202012Validator(schema).is_valid({"error": "no"}), name


async def test_scenarios_and_measurements_have_short_forms() -> None:
    short = {"model": "llama-3.1-8b", "workload": {"concurrency": 4}}
    scenarios = [{**short, "hardware": gpu, "label": gpu} for gpu in ("l4", "2x l4")]
    measurement = {**short, "hardware": "l4", "measured": {"tpot_s": 0.07}}
    async with Client(new_server()) as tools:
        compared = await tools.call_tool("compare", {"scenarios": scenarios})
        fitted = await tools.call_tool("calibrate", {"measurements": [measurement]})
        refused = await tools.call_tool(
            "compare", {"scenarios": [{**scenarios[0], "hardware": 4}, scenarios[1]]}
        )
    assert compared.structured_content is not None
    assert [each["label"] for each in compared.structured_content["scenarios"]] == ["l4", "2x l4"]
    assert fitted.structured_content is not None
    assert fitted.structured_content["calibration"]["measurements"] == 1
    assert text_of(refused) == "scenarios[0].hardware: must be a JSON object"


@pytest.mark.parametrize(
    ("tool", "arguments", "sentence"),
    [
        ("estimate_from_link", {"link": "hello"}, "link: must be an address of the page, such as http"),
        ("estimate_from_link", {"link": f"{LINK}&usd=-1"}, "link: usd: must be 0 or more, not -1"),
        ("estimate_from_link", {"link": LINK, "scenario": "C"}, "scenario: the link has A, B, not 'C'"),
        (
            "sweep",
            {"target": "memory_plan", "base": SHORT, "grid": {"workload.people": [1]}},
            "grid.workload.people: is not a known field",
        ),
        ("sweep", {"target": "memory_plan", "base": SHORT, "grid": {}}, "grid: must not be empty"),
        ("calibrate", {"measurements": []}, "measurements: must not be empty"),
        ("calculate", {"model_name": "llama2-7"}, "model_name: unknown model 'llama2-7'; nearest: llama2-7b"),
        ("inspect_model", {}, "model: is required"),
        (
            "memory_plan",
            {**SHORT, "work_load": {}},
            "work_load: is not a known argument; did you mean workload?",
        ),
        ("memory_plan", {**SHORT, "xyzzy": 1}, "xyzzy: is not a known argument; known: model, hardware"),
        ("search_catalog", {"text": ""}, "text: must have at least 1 character"),
    ],
)
async def test_every_tool_refuses_in_sentences(tool: str, arguments: dict[str, Any], sentence: str) -> None:
    async with Client(new_server()) as tools:
        result = await tools.call_tool(tool, arguments)
    assert result.is_error
    assert sentence in text_of(result)


async def test_arguments_are_fields_of_the_requests() -> None:
    requests = {operation.name: operation.request for operation in OPERATIONS}
    async with Client(new_server()) as tools:
        for tool in (await tools.list_tools()).tools:
            if tool.name in requests:
                taken = {*tool.input_schema["properties"]}
                fields = {*requests[tool.name].model_fields}
                assert taken <= {*fields, "further"}, tool.name
                assert ("further" in taken) == bool(fields - taken), tool.name


async def test_parts_have_short_forms() -> None:
    async with Client(new_server()) as tools:
        short, long = [await tools.call_tool("memory_plan", body) for body in (SHORT, LONG)]
    assert not short.is_error, text_of(short)
    assert short.structured_content == long.structured_content


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"model": "llama-3.1-8bb"}, "model.name: unknown model 'llama-3.1-8bb'; nearest: llama-3.1-8b"),
        ({"model": {"nam": "x"}}, "model.nam: is not a known field; did you mean name?"),
        ({"hardware": {"gpu": "l4", "count": "2"}}, "hardware.count: must be a whole number"),
        ({"engine": {"name": "vlm"}}, "engine: name must be one of 'vllm'"),
        ({"workload": {"concurrency": 0}}, "workload.concurrency: must be greater than or equal to 1"),
    ],
)
async def test_refusals_are_sentences(change: dict[str, Any], sentence: str) -> None:
    async with Client(new_server()) as tools:
        result = await tools.call_tool("memory_plan", {**SHORT, **change})
    assert result.is_error
    assert text_of(result).startswith(sentence)


async def test_whole_numbers_may_be_written_with_a_point() -> None:
    async with Client(new_server()) as tools:
        result = await tools.call_tool("memory_plan", {**LONG, "hardware": {"gpu": "l4", "count": 2.0}})
    assert not result.is_error, text_of(result)


async def test_the_catalog_is_searched_by_any_name() -> None:
    async with Client(new_server()) as tools:
        found = await tools.call_tool("search_catalog", {"text": "H100"})
        everything = await tools.call_tool("search_catalog", {"text": "a"})
    assert found.structured_content is not None
    assert "h100-80gb-sxm" in [gpu["id"] for gpu in found.structured_content["gpus"]]
    assert found.structured_content["gpus_left_out"] == 0
    assert everything.structured_content is not None
    assert len(everything.structured_content["models"]) == 20
    assert everything.structured_content["models_left_out"] > 0
