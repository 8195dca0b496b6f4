"""Bounded threads: refusals above the line, places held to the end, work that stops when nobody waits."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.exceptions import HTTPException

from llm_calc.adapters.stopping import StoppedError, checkpoint
from llm_calc.api.app import create_app
from llm_calc.api.pools import Pool
from llm_calc.api.settings import Settings

PLANS = {"model": {"name": "llama-3.1-8b"}, "workload": {"input_tokens": 512, "output_tokens": 128}}


async def test_work_above_the_line_is_refused_with_the_time_to_come_back() -> None:
    pool, done = Pool("test", threads=1, waiting=1), threading.Event()
    running = [asyncio.ensure_future(pool.run(done.wait)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(HTTPException) as refusal:
        await pool.run(done.wait)
    assert refusal.value.status_code == 429
    assert int((refusal.value.headers or {})["Retry-After"]) >= 1
    assert pool.refused == 1
    done.set()
    assert await asyncio.gather(*running) == [True, True]
    await places_free(pool)


async def places_free(pool: Pool) -> None:
    for _ in range(1000):
        if pool.taken == 0:
            return
        await asyncio.sleep(0.005)
    raise AssertionError(pool.taken)


async def test_a_place_is_held_until_the_thread_has_ended_though_nobody_waits() -> None:
    pool, begun, go_on = Pool("test", threads=1, waiting=0), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        go_on.wait()

    waiting = asyncio.ensure_future(pool.run(work))
    await asyncio.to_thread(begun.wait)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert pool.taken == 1
    with pytest.raises(HTTPException):
        pool.admit()
    go_on.set()
    await places_free(pool)


async def test_work_that_nobody_waits_for_stops_at_its_next_checkpoint() -> None:
    pool, begun = Pool("test", threads=1, waiting=0), threading.Event()
    stopped = threading.Event()

    def endless() -> None:
        begun.set()
        try:
            while True:
                checkpoint()
        except StoppedError:
            stopped.set()
            raise

    waiting = asyncio.ensure_future(pool.run(endless))
    await asyncio.to_thread(begun.wait)
    waiting.cancel()
    await asyncio.to_thread(stopped.wait, 30)
    assert stopped.is_set()
    await places_free(pool)


def test_elsewhere_nothing_stops() -> None:
    checkpoint()


@pytest.fixture(scope="module")
def full() -> Iterator[TestClient]:
    """An application that has no place for a heavy question."""
    with TestClient(create_app(Settings(heavy_threads=1, heavy_waiting=0))) as client:
        app: Any = client.app
        app.state.pools["heavy"].taken = 1
        yield client


@pytest.mark.parametrize(
    "path", ["deployment_plans", "recommend_gpus", "fit", "models_for", "compare", "calibrate", "sweep"]
)
def test_heavy_questions_are_refused_where_there_is_no_place(path: str, full: TestClient) -> None:
    app: Any = full.app
    example = app.openapi()["paths"][f"/api/{path}"]["post"]["requestBody"]["content"]["application/json"]
    body = (example.get("examples") or app.openapi()["components"]["schemas"][_name(example)]["examples"])[0]
    answer = full.post(f"/api/{path}", json=body)
    assert answer.status_code == 429
    assert answer.json()["error"].startswith("request: the service is busy")
    assert int(answer.headers["retry-after"]) >= 1


def test_light_questions_are_answered_where_there_is_no_place_for_heavy_ones(full: TestClient) -> None:
    assert full.post("/api/calculate", json={"model_name": "llama2-7b"}).status_code == 200
    memory = {"model": {"name": "llama-3.1-8b"}, "hardware": {"gpu": "l4"}}
    assert full.post("/api/memory_plan", json=memory).status_code == 200


def _name(media: dict[str, Any]) -> str:
    return str(media["schema"]["$ref"]).rpartition("/")[2]


async def test_a_search_stops_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    app = create_app(Settings(request_time_limit_s=2.0))
    begun = threading.Event()

    def endless(*_: object) -> None:
        begun.set()
        while True:
            checkpoint()

    monkeypatch.setattr("llm_calc.adapters.planning.plans.answer_deployment_plans", endless)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.post("/api/deployment_plans", json=PLANS)
    assert answer.status_code == 503
    assert begun.is_set()
    await places_free(app.state.pools["heavy"])


async def test_a_search_stops_when_its_caller_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    app = create_app()
    begun = threading.Event()

    def endless(*_: object) -> None:
        begun.set()
        while True:
            checkpoint()

    monkeypatch.setattr("llm_calc.adapters.planning.plans.answer_deployment_plans", endless)
    sent = await ask_and_leave(app, begun)
    assert sent == []
    await places_free(app.state.pools["heavy"])


async def ask_and_leave(app: FastAPI, begun: threading.Event) -> list[Any]:
    """Ask for plans, leave once the search has begun, and return what was answered."""
    body = httpx.Request("POST", "http://test", json=PLANS).content
    sent: list[Any] = []
    asked = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Any:
        message = next(asked, None)
        if message is None:
            await asyncio.to_thread(begun.wait)
            return {"type": "http.disconnect"}
        return message

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/api/deployment_plans",
        "raw_path": b"/api/deployment_plans",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"content-type", b"application/json"), (b"host", b"test")],
        "client": ("test", 1),
        "server": ("test", 80),
    }
    await asyncio.wait_for(app(scope, receive, send), timeout=30)
    return sent
