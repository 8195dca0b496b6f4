"""Traces: only where the environment names a collector, and one span a request."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from llm_calc.api import tracing
from llm_calc.api.tracing import MISSING, Traced, tracer_from


class Spans:
    """A tracer that keeps what it was told."""

    def __init__(self) -> None:
        self.name = ""
        self.attributes: dict[str, Any] = {}

    @contextmanager
    def start_as_current_span(self, name: str, **given: Any) -> Iterator["Spans"]:
        self.name = name
        self.attributes = dict(given["attributes"])
        yield self

    def update_name(self, name: str) -> None:
        self.name = name

    def set_attribute(self, name: str, value: Any) -> None:
        self.attributes[name] = value


def test_nothing_is_traced_where_no_collector_is_named() -> None:
    assert tracer_from({}) is None


def test_without_the_extra_it_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def missing(_: str) -> None:
        raise ImportError

    monkeypatch.setattr(tracing, "import_module", missing)
    assert tracer_from({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector"}) is None
    assert MISSING in caplog.text


async def test_a_request_is_a_span_of_its_route(app: FastAPI) -> None:
    spans = Spans()
    transport = httpx.ASGITransport(app=Traced(app, spans))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        await client.get("/api/version", headers={"traceparent": "00-" + "1" * 32 + "-" + "2" * 16 + "-01"})
    assert spans.name == "GET /api/version"
    assert spans.attributes == {
        "http.request.method": "GET",
        "url.path": "/api/version",
        "http.route": "/api/version",
        "http.response.status_code": 200,
    }
