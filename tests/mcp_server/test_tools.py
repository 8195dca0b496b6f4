"""The SDK's own client: over stdio what it is answered, in process what it is offered and how it is refused."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, TextContent

from llm_calc.adapters.operations import OPERATIONS
from llm_calc.adapters.wire.compare import COMPARE_EXAMPLES
from llm_calc.adapters.wire.inspect import INSPECT_EXAMPLES
from llm_calc.adapters.wire.memory import MEMORY_PLAN_EXAMPLES
from llm_calc.adapters.wire.plans import PLANS_EXAMPLES, RECOMMEND_EXAMPLES
from llm_calc.adapters.wire.serving import SERVING_EXAMPLES
from llm_calc.mcp_server import new_server

SERVER = StdioServerParameters(
    command=sys.executable, args=["-m", "llm_calc", "mcp"], env=dict(os.environ), cwd=Path(__file__).parent
)
EXAMPLES: dict[str, Any] = {
    "inspect_model": INSPECT_EXAMPLES[0],
    "memory_plan": MEMORY_PLAN_EXAMPLES[0],
    "serving_estimate": SERVING_EXAMPLES[0],
    "deployment_plans": PLANS_EXAMPLES[0],
    "recommend_gpus": RECOMMEND_EXAMPLES[0],
    "compare": COMPARE_EXAMPLES[0],
}
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
            expected = client.post(f"/api/{name}", json=example).json()
            assert result.structured_content == expected, name
            assert json.loads(text_of(result)) == expected, name


async def test_every_tool_says_what_it_takes_and_answers() -> None:
    async with Client(new_server()) as tools:
        offered = {tool.name: tool for tool in (await tools.list_tools()).tools}
    assert set(offered) == {"search_catalog", *EXAMPLES}
    for name, tool in offered.items():
        assert tool.description, name
        assert tool.output_schema, name
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint, name
        assert all("description" in argument for argument in tool.input_schema["properties"].values()), name


async def test_arguments_are_fields_of_the_requests() -> None:
    requests = {operation.name: operation.request for operation in OPERATIONS}
    async with Client(new_server()) as tools:
        for tool in (await tools.list_tools()).tools:
            if tool.name in requests:
                assert set(tool.input_schema["properties"]) <= set(requests[tool.name].model_fields), (
                    tool.name
                )


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
