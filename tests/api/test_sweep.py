"""The sweep's stream over HTTP: headers, progress, limits, and callers who leave."""

import asyncio
import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.sweep.run import Rows, Sweep, ready_sweep
from llm_calc.adapters.sweep.writers import written
from llm_calc.adapters.wire.sweep import SWEEP_EXAMPLES, SweepRequest
from llm_calc.api.app import create_app
from llm_calc.api.settings import Settings

BASE = {"model": {"name": "llama-3.1-8b"}, "hardware": {"gpu": "h100-80gb-sxm"}}
LARGE = {
    "target": "memory_plan",
    "base": BASE,
    "grid": {
        "workload.input_tokens": {"start": 1, "stop": 2000},
        "workload.concurrency": {"start": 1, "stop": 500},
    },
}


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("ndjson", "application/x-ndjson"), ("csv", "text/csv; charset=utf-8"),
     ("parquet", "application/vnd.apache.parquet")],
)  # fmt: skip
def test_streams_say_what_they_are(client: TestClient, name: str, media_type: str) -> None:
    body: Any = SWEEP_EXAMPLES[0]
    response = client.post("/api/sweep", json={**body, "format": name})
    assert response.status_code == 200
    assert response.headers["content-type"] == media_type
    assert response.headers["x-total-rows"] == "12"
    assert response.headers["content-encoding"] == "identity"


def test_progress_lines_count_to_the_end(client: TestClient) -> None:
    grid = {"workload.input_tokens": {"start": 1, "stop": 40_000}}
    body = {"target": "memory_plan", "base": BASE, "grid": grid, "progress": True}
    lines = [json.loads(line) for line in client.post("/api/sweep", json=body).text.splitlines()]
    progress = [line["progress"] for line in lines if "progress" in line]
    assert [each["rows"] for each in progress] == [16_384, 32_768, 40_000]
    assert {each["of"] for each in progress} == {40_000}
    assert len(lines) == 40_003
    assert [each.get("complete") for each in progress] == [None, None, True]


def test_csv_says_that_it_is_complete_where_progress_is_asked_for(client: TestClient) -> None:
    body: Any = {**SWEEP_EXAMPLES[0], "format": "csv"}  # type: ignore[dict-item]
    plain = client.post("/api/sweep", json=body).text
    assert (
        client.post("/api/sweep", json={**body, "progress": True}).text == plain + "# complete: 12 rows\r\n"
    )


def test_grids_above_the_limit_are_refused() -> None:
    with TestClient(create_app(Settings(sweep_max_rows=1000))) as small:
        response = small.post("/api/sweep", json=LARGE)
    assert response.status_code == 400
    assert (
        response.json()["error"] == "grid: makes 2000 x 500 = 1000000 rows; at most 1000 are accepted at once"
    )


def test_faults_come_before_the_stream(client: TestClient) -> None:
    response = client.post("/api/sweep", json={**LARGE, "grid": {"workload.people": [1]}})
    assert response.status_code == 400
    assert "workload.people" in response.json()["error"]


def test_the_evaluation_stops_when_the_caller_leaves(
    app: FastAPI, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get("/readyz").status_code == 200
    evaluated: list[int] = []
    evaluate = Sweep.batch

    def counted(self: Sweep, index: int, catalogs: Any) -> list[Rows]:
        evaluated.append(index)
        return evaluate(self, index, catalogs)

    monkeypatch.setattr(Sweep, "batch", counted)
    asyncio.run(ask_and_leave(app, json.dumps(LARGE).encode()))
    assert 1 <= len(evaluated) <= 3


async def ask_and_leave(app: FastAPI, body: bytes) -> None:
    """Send a request and leave after the first part of the answer."""
    left = asyncio.Event()
    asked = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Any:
        message = next(asked, None)
        if message is not None:
            return message
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body" and message.get("body"):
            left.set()
            await asyncio.sleep(0.05)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/api/sweep",
        "raw_path": b"/api/sweep",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"content-type", b"application/json"), (b"host", b"test")],
        "client": ("test", 1),
        "server": ("test", 80),
    }
    await asyncio.wait_for(app(scope, receive, send), timeout=20)


@pytest.mark.parametrize("name", ["ndjson", "csv", "parquet"])
def test_memory_does_not_grow_with_the_rows(name: str) -> None:
    def peak_bytes(stop: int) -> int:
        grid = {"workload.input_tokens": {"start": 1, "stop": stop}, "workload.concurrency": [1, 2, 3, 4]}
        body = {"target": "memory_plan", "base": BASE, "grid": grid, "format": name}
        sweep = ready_sweep(SweepRequest.model_validate(body), load_catalogs(), 10**7)
        tracemalloc.start()
        try:
            drain(written(sweep, sweep.batches(load_catalogs())))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak_bytes(5_000)
    assert peak_bytes(40_000) < 1.3 * peak_bytes(20_000)


def drain(parts: Iterator[bytes]) -> None:
    for _ in parts:
        pass
