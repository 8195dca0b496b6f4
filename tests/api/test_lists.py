"""Lists of the catalogs, what may be kept of them, and what language models read first."""

import pytest
from fastapi.testclient import TestClient

from llm_calc.adapters.operations import OPERATIONS
from llm_calc.api.app import create_app
from llm_calc.api.settings import Settings
from llm_calc.core.engines import ENGINES

LISTS = ["available_models", "available_gpus", "engines", "formats", "prices", "links"]


@pytest.mark.parametrize("path", [*(f"/api/{name}" for name in LISTS), "/", "/llms.txt"])
def test_what_a_caller_has_is_not_sent_again(client: TestClient, path: str) -> None:
    first = client.get(path)
    assert first.status_code == 200
    tag = first.headers["etag"]
    assert first.headers["cache-control"]
    for given in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        again = client.get(path, headers={"if-none-match": given})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert client.get(path, headers={"if-none-match": '"other"'}).content == first.content


def test_static_files_may_be_kept(client: TestClient) -> None:
    answer = client.get("/static/favicon.svg")
    assert answer.headers["etag"]
    assert answer.headers["cache-control"] == "public, max-age=300"


def test_every_engine_is_listed_with_its_options(client: TestClient) -> None:
    engines = {each["name"]: each for each in client.get("/api/engines").json()}
    assert set(engines) == {*ENGINES, "ollama"}
    options = {option["name"] for option in engines["vllm"]["releases"][-1]["options"]}
    assert "gpu_memory_utilization" in options
    assert all(release["sources"] for each in engines.values() for release in each["releases"])


def test_formats_prices_and_links_are_those_that_requests_take(client: TestClient) -> None:
    names = {each["name"] for each in client.get("/api/formats").json()}
    assert {"bf16", "fp8", "q4_k_m", "mxfp4"} <= names
    gpus = {each["id"] for each in client.get("/api/available_gpus").json()}
    assert {each["gpu"] for each in client.get("/api/prices").json()} <= gpus
    assert {"fast", "host", "network"} == {each["scope"] for each in client.get("/api/links").json()}


def test_language_models_are_told_every_question(client: TestClient) -> None:
    answer = client.get("/llms.txt")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text.startswith("# llm-calc\n")
    assert all(f"[{each.path}]" in answer.text for each in OPERATIONS)


def test_other_origins_may_ask_where_the_settings_say_so(client: TestClient) -> None:
    asked = {"origin": "https://page.example", "access-control-request-method": "POST"}
    assert "access-control-allow-origin" not in client.options("/api/calculate", headers=asked).headers
    with TestClient(create_app(Settings(cors_origins="https://page.example"))) as open_to_one:
        allowed = open_to_one.options("/api/calculate", headers=asked)
        assert allowed.headers["access-control-allow-origin"] == "https://page.example"
        other = open_to_one.options("/api/calculate", headers={**asked, "origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers


@pytest.mark.parametrize(
    "path",
    [
        "/api/engines",
        "/api/formats",
        "/api/prices",
        "/api/links",
        "/api/available_models",
        "/api/available_gpus",
    ],
)
def test_lists_answer_head_as_get_without_a_body(client: TestClient, path: str) -> None:
    got, head = client.get(path), client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == got.headers["etag"]
    assert "head" not in client.get("/openapi.json").json()["paths"][path]


def test_the_documentation_is_not_sent_twice(client: TestClient) -> None:
    first = client.get("/docs")
    assert "swagger" in first.text
    assert client.get("/docs", headers={"if-none-match": first.headers["etag"]}).status_code == 304
    assert client.head("/api/version").status_code == 200
