"""A route that passes the framework by answers as one that does not."""

import json
import threading
from typing import Any

import pytest
from fastapi import Request, Response
from fastapi.testclient import TestClient
from pydantic import BaseModel, model_validator
from starlette.types import Message, Scope

from llm_calc.adapters.wire.documented_requests import CalculateRequest
from llm_calc.api.app import create_app
from llm_calc.api.json_body import LARGE_BYTES, DirectRoute, new_router
from llm_calc.api.responses import json_response
from llm_calc.api.settings import Settings

RIGHT = {"model_name": "llama2-7b", "gpu": "a100-80gb", "seq_length": 4096.0, "hf": 1}
JSON = {"content-type": "application/json"}


async def echoed(body: CalculateRequest, request: Request) -> Response:
    """What was understood."""
    return json_response({"body": body.model_dump(), "by": request.method})


@pytest.fixture(scope="module")
def client() -> TestClient:
    app, router = create_app(), new_router("test")
    router.add_api_route("/framework", echoed, methods=["POST"])
    router.add_api_route("/direct", echoed, methods=["POST"], route_class_override=DirectRoute)
    app.include_router(router)
    return TestClient(app)


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (json.dumps(RIGHT), JSON, 200),
        ("{}", {"content-type": "application/merge-patch+json; charset=utf-8"}, 200),
        (json.dumps({**RIGHT, "hf_config": {"a": float("nan")}}), JSON, 200),
        (json.dumps({**RIGHT, "batch_size": True}), JSON, 400),
        (json.dumps({**RIGHT, "overheads": {"weights": 0.5, "system": "1"}}), JSON, 400),
        (json.dumps({**RIGHT, "efficiency_factor": float("inf")}), JSON, 400),
        ('{"batch_size": 1, "batch_size": 2}', JSON, 400),
        ('{"model_name": "\\ud800"}', JSON, 400),
        ("[1]", JSON, 400),
        ("null", JSON, 400),
        ("", JSON, 400),
        ("{", JSON, 400),
        ("{}", {"content-type": "text/plain"}, 415),
        ("{}", {}, 415),
        ("{}", {**JSON, "content-encoding": "gzip"}, 415),
        (" " * 40_000_000, JSON, 413),
    ],
)
def test_a_direct_route_answers_as_one_of_the_framework(
    client: TestClient, content: str, headers: dict[str, str], status: int
) -> None:
    answers = [client.post(path, content=content, headers=headers) for path in ("/framework", "/direct")]
    assert [answer.status_code for answer in answers] == [status, status]
    assert answers[0].content == answers[1].content


@pytest.mark.parametrize("path", ["/framework", "/direct", "/api/calculate", "/api/memory_plan"])
async def test_a_caller_who_leaves_within_the_body_is_no_error(
    client: TestClient, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    came: list[Message] = [
        {"type": "http.request", "body": b'{"model', "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return came.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "http_version": "1.1",
        "scheme": "http",
        "root_path": "",
        "client": None,
        "server": None,
        "headers": [(b"content-type", b"application/json"), (b"host", b"testserver")],
        "asgi": {"version": "3.0"},
    }
    await client.app(scope, receive, send)
    assert not sent
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


READ_IN: list[str] = []


class Witness(BaseModel):
    """A body that notes which thread read it."""

    text: str

    @model_validator(mode="before")
    @classmethod
    def _note(cls, data: object) -> object:
        if isinstance(data, dict):
            READ_IN.append(threading.current_thread().name)
        return data


async def witnessed(body: Witness) -> Response:
    """How long the text is."""
    return json_response(len(body.text))


async def witnessed_directly(body: Witness, request: Request) -> Response:
    """The same."""
    return json_response(len(body.text))


@pytest.mark.parametrize("path", ["/framework", "/direct"])
def test_large_bodies_are_read_once_by_a_thread_and_answered_as_small_ones(path: str) -> None:
    app, router = create_app(), new_router("test")
    router.add_api_route("/framework", witnessed, methods=["POST"])
    router.add_api_route("/direct", witnessed_directly, methods=["POST"], route_class_override=DirectRoute)
    app.include_router(router)
    client = TestClient(app)
    for size, by in ((10, False), (LARGE_BYTES, True)):
        READ_IN.clear()
        assert client.post(path, json={"text": "x" * size}).json() == size
        assert [name.startswith("llm-calc-light") for name in READ_IN] == [by]
    small, large = (client.post(path, json={"text": 1, "x": "x" * size}) for size in (10, LARGE_BYTES))
    assert (small.status_code, small.content) == (large.status_code, large.content)
    broken = client.post(path, content="[" * LARGE_BYTES + "]", headers=JSON)
    assert (broken.status_code, broken.json()["error"][:25]) == (400, "body: must be valid JSON ")


def test_a_configuration_has_its_place_among_light_questions() -> None:
    """Its author decides how long it takes: of ten thousand layers it would hold up the event loop."""
    with TestClient(create_app(Settings(light_threads=1, light_waiting=0))) as client:
        served: Any = client.app
        served.state.pools["light"].taken = 1
        config = {"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
                  "intermediate_size": 128, "vocab_size": 256}  # fmt: skip
        assert client.post("/api/calculate", json={"model_name": "llama2-7b"}).status_code == 200
        assert client.post("/api/calculate", json={"hf_config": config}).status_code == 429
        served.state.pools["light"].taken = 0
        assert client.post("/api/calculate", json={"hf_config": config}).status_code == 200
