"""The tools for language models, asked by a real client over standard input and output."""

import sys
from typing import Any

import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from llm_calc import library

SERVER = StdioServerParameters(command=sys.executable, args=["-m", "llm_calc", "mcp"])


async def asked(tool: str, arguments: dict[str, Any]) -> Any:
    async with stdio_client(SERVER) as (reading, writing), ClientSession(reading, writing) as session:
        await session.initialize()
        return await session.call_tool(tool, arguments)


async def test_tools_are_described() -> None:
    async with stdio_client(SERVER) as (reading, writing), ClientSession(reading, writing) as session:
        await session.initialize()
        tools = {tool.name: tool for tool in (await session.list_tools()).tools}
    assert set(tools) == {
        "inspect_model",
        "memory_plan",
        "serving_estimate",
        "deployment_plans",
        "recommend_gpus",
        "compare",
        "catalog_names",
    }
    assert all(tool.description and tool.output_schema for tool in tools.values())


async def test_a_tool_answers_what_the_library_answers() -> None:
    result = await asked("serving_estimate", {"model": "llama-3.1-8b", "gpu": "h100-80gb", "concurrency": 4})
    own = library.estimate("llama-3.1-8b", "h100-80gb", concurrency=4)
    assert not result.is_error
    assert result.structured_content["ttft_s"] == pytest.approx(own.ttft_s)
    assert result.structured_content["interval"] == own.interval.model_dump(mode="json")


async def test_a_refusal_is_the_tools_error() -> None:
    result = await asked("inspect_model", {"model": "lama2-7b"})
    assert result.is_error
    assert "llama2-7b" in result.content[0].text


async def test_names_can_be_looked_up() -> None:
    result = await asked("catalog_names", {"kind": "gpus", "search": "h200"})
    assert "h200-141gb-sxm" in result.structured_content["result"]
