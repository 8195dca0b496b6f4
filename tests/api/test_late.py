"""A service that loads most of its routes with the first request for one of them."""

import asyncio
import gc
import subprocess
import sys

import httpx
import pytest
from fastapi.testclient import TestClient

from llm_calc.api import late as late_module
from llm_calc.api.app import create_app
from llm_calc.api.late import load_rest
from llm_calc.api.settings import Settings
from tests.process import running

CALCULATION = {"model_name": "llama2-7b", "gpu": "a100-80gb"}
DEPLOYED = {"model": {"name": "llama-3.1-8b"}, "hardware": {"gpu": "h100-80gb-sxm"}}
NOT_YET = (
    "llm_calc.adapters.serving",
    "llm_calc.adapters.planning.plans",
    "llm_calc.core.engines.vllm",
    "numpy",
)
BEGIN = f"""
import sys
from fastapi.testclient import TestClient
from llm_calc.adapters.all_catalogs import load_all_catalogs
load_all_catalogs()
if len(sys.argv) > 1:
    from llm_calc.api.app import create_app
    from llm_calc.api.settings import Settings
    with TestClient(create_app(Settings(), late=True)) as client:
        client.get("/healthz").raise_for_status()
        client.post("/api/calculate", json={CALCULATION!r}).raise_for_status()
    print([name for name in {NOT_YET!r} if name in sys.modules])
"""


def test_a_service_that_only_calculates_loads_nothing_else(tmp_path_factory: pytest.TempPathFactory) -> None:
    cache = {"XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache"))}
    subprocess.run((sys.executable, "-c", BEGIN), env=cache, check=True)
    ended = subprocess.run(
        (sys.executable, "-c", BEGIN, "serve"), env=cache, capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == "[]"


def test_it_is_described_as_one_that_loads_everything_at_once() -> None:
    with TestClient(create_app(Settings(), late=True)) as late:
        assert late.get("/openapi.json").json() == create_app(Settings()).openapi()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/calculate"),
        ("POST", "/healthz"),
        ("GET", "/nothing"),
        ("POST", "/api/memory_plan"),
        ("GET", "/"),
        ("HEAD", "/readyz"),
        ("GET", "/static/nothing.js"),
        ("PUT", "/mcp"),
    ],
)
def test_the_first_request_is_answered_as_any_other(method: str, path: str) -> None:
    with TestClient(create_app(Settings(), late=True)) as late, TestClient(create_app(Settings())) as whole:
        first, usual = late.request(method, path), whole.request(method, path)
        again = late.request(method, path)
        assert first.status_code == usual.status_code == again.status_code
        assert first.content == usual.content == again.content


def test_many_first_requests_at_once_are_all_answered_and_counted_by_their_routes() -> None:
    async def ask(url: str) -> list[int]:
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            heavy = [client.post("/api/memory_plan", json=DEPLOYED) for _ in range(8)]
            light = [client.post("/api/calculate", json=CALCULATION) for _ in range(8)]
            return [answer.status_code for answer in await asyncio.gather(*heavy, *light)]

    with running() as service:
        assert asyncio.run(ask(service.url)) == [200] * 16
        text = httpx.get(f"{service.url}/metrics").text
    for path in ("/api/memory_plan", "/api/calculate"):
        assert f'llm_calc_requests_total{{method="POST",route="{path}",status="200"}} 8.0' in text


def test_what_could_not_be_loaded_is_loaded_with_the_next_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first try fails as a full disk or a lack of memory makes it fail."""
    tries = []

    def first_fails() -> None:
        tries.append(1)
        if len(tries) == 1:
            raise MemoryError
        load_rest()

    monkeypatch.setattr(late_module, "load_rest", first_fails)
    with TestClient(create_app(Settings(), late=True), raise_server_exceptions=False) as late:
        assert late.post("/api/memory_plan", json=DEPLOYED).status_code == 500
        assert late.post("/api/memory_plan", json=DEPLOYED).status_code == 200
    assert gc.isenabled()
