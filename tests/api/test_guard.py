"""What every request passes first, and the headers that every answer has."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from llm_calc.api.app import create_app
from llm_calc.api.settings import Settings, unknown_variables


def test_hosts_that_are_not_named_are_refused() -> None:
    with TestClient(create_app(Settings(allowed_hosts="calc.example, localhost"))) as client:
        for host in ("calc.example", "calc.example:8000", "LOCALHOST"):
            assert client.get("/api/version", headers={"host": host}).status_code == 200
        refused = client.get("/api/version", headers={"host": "evil.example"})
        assert (refused.status_code, refused.json()["error"].partition(":")[0]) == (400, "Host")
        assert client.get("/healthz", headers={"host": "10.0.0.7:8000"}).status_code == 200


def test_any_host_is_accepted_where_none_is_named(client: TestClient) -> None:
    assert client.get("/api/version", headers={"host": "any.example"}).status_code == 200


def test_requests_above_the_bound_are_refused_but_health_is_not() -> None:
    app = create_app(Settings(max_in_flight=1))
    with TestClient(app) as client:
        assert client.get("/api/version").status_code == 200
        guard = _layer(app.middleware_stack, "Guard")
        guard.in_flight = 1
        refused = client.post("/api/calculate", json={"model_name": "llama2-7b"})
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        assert [client.get(path).status_code for path in ("/healthz", "/readyz", "/metrics")] == [200] * 3


def _layer(app: Any, name: str) -> Any:
    while type(app).__name__ != name:
        app = app.app
    return app


def test_answers_are_neither_guessed_at_nor_kept(client: TestClient) -> None:
    asked = client.post("/api/calculate", json={"model_name": "llama2-7b"})
    wrong = client.post("/api/calculate", json={})
    for answer in (asked, wrong):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert client.get("/api/version").headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_answers_head(client: TestClient, path: str) -> None:
    assert client.head(path).status_code == 200


def test_a_service_that_is_being_stopped_is_not_ready() -> None:
    app = create_app()
    with TestClient(app) as client:
        app.state.draining = True
        assert client.get("/readyz").status_code == 503
        assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip"])
def test_packed_bodies_are_415(client: TestClient, encoding: str) -> None:
    headers = {"content-type": "application/json", "content-encoding": encoding}
    answer = client.post("/api/calculate", content=b"\x1f\x8b", headers=headers)
    assert answer.status_code == 415
    assert answer.json()["error"].startswith("Content-Encoding: ")


def test_variables_that_are_no_settings_are_named() -> None:
    given = {"LLM_CALC_MAX_BODY_BYTE": "5", "LLM_CALC_PORT": "1", "PATH": "/"}
    (sentence,) = unknown_variables(given)
    assert sentence.startswith("LLM_CALC_MAX_BODY_BYTE: ")
    assert sentence.endswith("LLM_CALC_MAX_BODY_BYTES")


def test_log_levels_may_be_written_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_CALC_LOG_LEVEL", "INFO")
    assert Settings().log_level == "info"
