"""Request ids, access log, metrics, and unexpected errors."""

import json
import logging
import re

import pytest
from fastapi.testclient import TestClient

from llm_calc.api.app import create_app
from llm_calc.api.json_body import new_router
from llm_calc.api.logs import JsonFormatter, set_up_logging


@pytest.fixture
def failing() -> TestClient:
    """A client of an application with a route that fails."""
    router = new_router("test")

    @router.get("/fail")
    async def fail() -> None:
        raise RuntimeError("a secret of the inside")

    app = create_app()
    app.include_router(router)
    return TestClient(app)


def test_an_unexpected_error_is_500_without_its_trace(
    failing: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    response = failing.get("/fail", headers={"x-request-id": "abc-1"})
    assert response.status_code == 500
    assert response.json()["details"] == {"request_id": "abc-1"}
    assert response.headers["x-request-id"] == "abc-1"
    assert "secret" not in response.text
    (record,) = [record for record in caplog.records if record.name == "llm_calc.error"]
    assert "a secret of the inside" in json.loads(JsonFormatter().format(record))["trace"]


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "é", "<script>"])
def test_unsound_request_ids_are_replaced(client: TestClient, given: str) -> None:
    answered = client.get("/healthz", headers=[(b"x-request-id", given.encode())]).headers["x-request-id"]
    assert re.fullmatch(r"[0-9a-f]{32}", answered)


def test_each_request_has_its_own_id(client: TestClient) -> None:
    assert len({client.get("/healthz").headers["x-request-id"] for _ in range(5)}) == 5


def test_the_access_log_is_one_json_object_a_request(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "llm_calc.access"):
        client.get("/healthz", headers={"x-request-id": "abc-2"})
    (record,) = [record for record in caplog.records if record.name == "llm_calc.access"]
    line = json.loads(JsonFormatter().format(record))
    assert line["request_id"] == "abc-2"
    assert (line["method"], line["path"], line["route"]) == ("GET", "/healthz", "/healthz")
    assert (line["status"], line["answer_bytes"]) == (200, len('{"status":"ok"}'))
    assert 0 < line["duration_s"] < 10


def test_log_lines_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before, level = root.handlers, root.level
    try:
        set_up_logging("warning")
        logging.getLogger("any").info("not written")
        logging.getLogger("any").warning("written %s", "once")
    finally:
        root.handlers, root.level = before, level
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["message"] == "written once"


def metric(text: str, name: str, **labels: str) -> float:
    """Return the value of one metric, 0 where it is not there."""
    for line in text.splitlines():
        if line.startswith(name) and all(f'{key}="{value}"' in line for key, value in labels.items()):
            return float(line.rpartition(" ")[2])
    return 0.0


def test_metrics_count_requests_by_route_and_status(failing: TestClient) -> None:
    for path in ("/healthz", "/healthz", "/fail", "/nowhere"):
        failing.get(path)
    text = failing.get("/metrics").text
    assert metric(text, "llm_calc_requests_total", method="GET", route="/healthz", status="200") == 2
    assert metric(text, "llm_calc_requests_total", method="GET", route="/fail", status="500") == 1
    assert metric(text, "llm_calc_requests_total", method="GET", route="unmatched", status="404") == 1
    assert metric(text, "llm_calc_request_duration_seconds_count", route="/healthz") == 2
    assert metric(text, "llm_calc_requests_in_flight") == 1
    assert metric(text, "process_resident_memory_bytes") > 1e6


def test_methods_that_nobody_defined_share_one_label(failing: TestClient) -> None:
    for method in ("BREW", "WHEN"):
        assert failing.request(method, "/healthz").status_code == 405
    text = failing.get("/metrics").text
    assert metric(text, "llm_calc_requests_total", method="other", status="405") == 2
    assert "BREW" not in text
