"""The same tools over streamable HTTP at ``/mcp``."""

import json
import pickle
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from mcp import Client

from llm_calc.adapters.catalog import Catalogs, load_catalogs
from llm_calc.adapters.operations import FIT, OPERATIONS
from llm_calc.api import mcp_http
from llm_calc.api.app import create_app
from llm_calc.api.beside import Beside
from llm_calc.api.settings import Settings
from llm_calc.api.tasks import Called, Task
from llm_calc.mcp_server.server import HEAVY
from llm_calc.mcp_server.tools import TOOLS
from tests.process import running

HEADERS = {"accept": "application/json, text/event-stream", "host": "test"}
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
PLAN = {"model": "llama-3.1-8b", "hardware": "h100-80gb-sxm"}


def call(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {
        "jsonrpc": "2.0",
        "id": 2,
        "method": "tools/call",
        "params": {"name": name, "arguments": arguments},
    }


async def test_a_client_of_the_protocol_is_answered() -> None:
    with running() as service:
        async with Client(f"{service.url}/mcp") as tools:
            listed = await tools.list_tools()
            assert {tool.name for tool in listed.tools} == {function.__name__ for function in TOOLS}
            answer = await tools.call_tool("memory_plan", PLAN)
            assert not answer.is_error
            assert answer.structured_content is not None
            assert answer.structured_content["fits"] is True
        assert service.stop() == 0


def test_what_is_heavy_for_the_service_is_heavy_for_tools() -> None:
    assert {function.__name__ for function in TOOLS} >= HEAVY
    assert {operation.name for operation in OPERATIONS if operation.takes_long} | {"sweep"} == HEAVY


def test_heavy_tools_are_answered_beside_the_service() -> None:
    """The process is sent the call, not its answer, and loads nothing of the protocol for it."""
    sent: list[Task] = []

    class Seen(Beside):
        def pieces(self, task: Task, catalogs: Catalogs) -> Iterator[Any]:
            sent.append(task)
            return super().pieces(pickle.loads(pickle.dumps(task)), catalogs)

    with TestClient(create_app()) as client:
        app: Any = client.app
        app.state.mcp.beside = Seen()
        asked = {"model": "llama-3.1-8b", "hardware": "rtx-4090"}
        found = client.post("/mcp", json=call("fit", asked), headers=HEADERS).json()["result"]
        light = client.post("/mcp", json=call("memory_plan", PLAN), headers=HEADERS).json()["result"]
    assert not light.get("isError")
    expanded_body = {"model": {"name": "llama-3.1-8b"}, "hardware": {"gpu": "rtx-4090"}}
    direct = FIT.answered(expanded_body, load_catalogs()).model_dump(mode="json", by_alias=True)
    assert found["structuredContent"] == direct
    (task,) = sent
    assert isinstance(task, Called)
    assert (task.module, task.name) == ("llm_calc.mcp_server.tools", "fit")
    program = "import sys, llm_calc.mcp_server.tools; sys.exit('mcp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_one_request_needs_no_session() -> None:
    with TestClient(create_app()) as client:
        listed = client.post("/mcp", json=LIST, headers=HEADERS)
        assert listed.status_code == 200
        assert len(listed.json()["result"]["tools"]) == len(TOOLS)
        result = client.post("/mcp", json=call("memory_plan", PLAN), headers=HEADERS).json()["result"]
        assert result["structuredContent"]["fits"] is True


def test_arguments_that_say_a_key_twice_are_refused() -> None:
    text = json.dumps(call("memory_plan", PLAN)).replace('"model":', '"model": "qwen3-8b", "model":')
    with TestClient(create_app()) as client:
        answer = client.post("/mcp", content=text, headers={**HEADERS, "content-type": "application/json"})
        assert answer.status_code == 400
        assert answer.json()["error"].startswith(
            'params.arguments.model: is said twice, as "qwen3-8b" in line 1 and as "llama-3.1-8b" in line 1'
        )


def test_more_than_any_question_needs_is_refused(client: TestClient) -> None:
    """Validation would hold up every other answer while it tells of each."""
    many = call(
        "memory_plan", {**PLAN, "engine": {"name": "vllm", **{f"z{place}": 0 for place in range(1001)}}}
    )
    found = client.post("/mcp", json=many, headers=HEADERS).json()["result"]
    assert found["isError"]
    assert found["content"][0]["text"].startswith("body: an object has 1002 keys, the last is 'z1000'")
    lists = json.dumps(call("memory_plan", {"model": []})).replace("[]", f"[{'[],' * 1_000_000}[]]")
    answer = client.post("/mcp", content=lists, headers={**HEADERS, "content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]) == (400, "body: must hold at most 1000000 values")


def test_tools_share_the_line_of_the_service() -> None:
    with TestClient(create_app(Settings(heavy_threads=1, heavy_waiting=0))) as client:
        app: Any = client.app
        app.state.pools["heavy"].taken = 1
        heavy = call("recommend_gpus", {"model": "llama-3.1-8b"})
        refused = client.post("/mcp", json=heavy, headers=HEADERS).json()["result"]
        assert refused["isError"]
        assert "the service is busy" in refused["content"][0]["text"]
        light = client.post("/mcp", json=call("memory_plan", PLAN), headers=HEADERS).json()["result"]
        assert not light.get("isError")


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://test", 200), ("https://page.example", 200), ("https://evil.example", 403), ("null", 403)],
)
def test_pages_of_other_origins_are_refused(origin: str, status: int) -> None:
    with TestClient(create_app(Settings(cors_origins="https://page.example"))) as client:
        answer = client.post("/mcp", json=LIST, headers={**HEADERS, "origin": origin})
        assert answer.status_code == status


def test_other_methods_are_405(client: TestClient) -> None:
    answer = client.put("/mcp", json=LIST)
    assert answer.status_code == 405
    assert "accepted: POST" in answer.json()["error"]


def test_without_the_library_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> None:
        raise ModuleNotFoundError

    monkeypatch.setattr(mcp_http, "import_module", missing)
    with TestClient(create_app()) as client:
        answer = client.post("/mcp", json=LIST, headers=HEADERS)
    assert (answer.status_code, answer.json()["error"]) == (501, mcp_http.MISSING)
