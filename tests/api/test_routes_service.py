"""Health, readiness, the documentation's files, compression."""

import hashlib
import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from llm_calc.api.app import create_app
from llm_calc.api.pages import STATIC

VENDORED = json.loads((STATIC / "vendor" / "versions.json").read_text(encoding="utf-8"))


def test_health(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


def test_readiness_counts_the_catalogs(client: TestClient) -> None:
    answer = client.get("/readyz").json()
    assert answer["status"] == "ready"
    assert answer["gpus"] >= 113
    assert answer["models"] >= 120


def test_an_application_that_was_made_has_its_catalogs() -> None:
    """They are read, and refused where they are broken, before there is an application to ask."""
    assert TestClient(create_app()).get("/readyz").status_code == 200


def test_a_server_without_start_up_events_reads_the_catalogs_at_the_first_request() -> None:
    client = TestClient(create_app())
    assert client.get("/api/available_gpus").status_code == 200
    assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize("path", ["/docs", "/favicon.ico", "/static/docs/start.js", "/openapi.json"])
def test_documentation_files_are_served(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/", "/docs", "/favicon.ico", "/static/docs/start.js", "/openapi.json"])
def test_pages_and_their_files_answer_the_headers_alone(client: TestClient, path: str) -> None:
    whole = client.get(path, headers={"accept-encoding": "identity"})
    head = client.head(path, headers={"accept-encoding": "identity"})
    assert (head.status_code, head.content) == (200, b"")
    names = ("content-type", "content-length", "etag", "content-security-policy", "cache-control")
    assert [head.headers.get(name) for name in names] == [whole.headers.get(name) for name in names]


def test_pages_forbid_foreign_files(client: TestClient) -> None:
    policy = client.get("/docs").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy


@pytest.mark.parametrize("folder", VENDORED)
def test_third_party_files_are_those_recorded(folder: str) -> None:
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (STATIC / "vendor" / folder).iterdir()
    }
    assert found == VENDORED[folder]["sha256"]
    assert VENDORED[folder]["integrity"].startswith("sha512-")
    assert VENDORED[folder]["licence"]


def test_all_third_party_folders_are_recorded() -> None:
    """In one file for what is shipped as it came, beside the bundle for what was bundled."""
    folders = [path for path in Path(STATIC / "vendor").iterdir() if path.is_dir()]
    bundled = {path.name for path in folders if (path / "libraries.json").exists()}
    assert {path.name for path in folders} - bundled == set(VENDORED)


def test_long_answers_are_compressed_when_asked_for(client: TestClient) -> None:
    compressed = client.get("/openapi.json", headers={"accept-encoding": "gzip"})
    plain = client.get("/openapi.json", headers={"accept-encoding": "identity"})
    assert compressed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert compressed.json() == plain.json()
