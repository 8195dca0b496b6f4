"""Size and time limits, as plain ASGI and inside the application."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.responses import StreamingResponse

from llm_calc.api.app import create_app
from llm_calc.api.json_body import new_router
from llm_calc.api.pools import Pool
from llm_calc.api.settings import Settings


@pytest.fixture
async def slow() -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application with short limits and slow routes."""
    router = new_router("test")

    @router.get("/sleep/{seconds}")
    async def sleep(seconds: float) -> str:
        await asyncio.sleep(seconds)
        return "done"

    @router.get("/thread/{seconds}")
    async def thread(seconds: float) -> str:
        import time

        await Pool("test", threads=1, waiting=0).run(lambda: time.sleep(seconds))
        return "done"

    @router.get("/stream/{seconds}")
    async def stream(seconds: float) -> StreamingResponse:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"begun"
            await asyncio.sleep(seconds)
            yield b" done"

        return StreamingResponse(chunks())

    app = create_app(Settings(request_time_limit_s=1.0, stream_time_limit_s=2.5, max_body_bytes=1024))
    app.include_router(router)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        await client.get("/healthz")
        yield client


@pytest.mark.parametrize("kind", ["sleep", "thread"])
async def test_answers_that_begin_too_late_are_503(slow: httpx.AsyncClient, kind: str) -> None:
    response = await slow.get(f"/{kind}/2.5")
    assert response.status_code == 503
    assert response.json()["error"] == "request: took longer than the limit of 1 s; ask for less at once"


@pytest.mark.parametrize("kind", ["sleep", "thread"])
async def test_answers_in_time_are_left_alone(slow: httpx.AsyncClient, kind: str) -> None:
    response = await slow.get(f"/{kind}/0.001")
    assert (response.status_code, response.json()) == (200, "done")


async def test_a_stream_may_take_longer_once_it_has_begun(slow: httpx.AsyncClient) -> None:
    response = await slow.get("/stream/1.3")
    assert (response.status_code, response.text) == (200, "begun done")


async def test_a_stream_is_cut_at_its_own_limit(slow: httpx.AsyncClient) -> None:
    with pytest.raises(TimeoutError):
        await slow.get("/stream/9")


async def test_a_body_of_exactly_the_limit_is_read(slow: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/json"}
    at_limit = await slow.post("/api/calculate", content=b" " * 1024, headers=headers)
    above = await slow.post("/api/calculate", content=b" " * 1025, headers=headers)
    assert (at_limit.status_code, above.status_code) == (400, 413)


async def test_a_body_that_never_ends_is_503(slow: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.05)

    headers = {"content-type": "application/json"}
    response = await slow.post("/api/calculate", content=endless(), headers=headers)
    assert response.status_code == 503
