"""The client against a real service, and against services that fail."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import httpx
import pytest

from llm_calc import CalcError, Client, ServiceError
from tests.adapters.gguf_files import llama_parameters, write_llama
from tests.process import running


def failing(status: int, body: bytes) -> httpx.MockTransport:
    return httpx.MockTransport(lambda _: httpx.Response(status, content=body))


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def test_a_running_service_is_asked(tmp_path: Path) -> None:
    file = write_llama(tmp_path / "tiny.gguf")

    async def main(url: str) -> None:
        async with Client(url) as client:
            inspected, listed = await asyncio.gather(client.inspect_model(model=file), client.gpus())
            assert inspected.parameters.total == llama_parameters()
            assert len(listed) > 50
            rows = client.sweep(
                target="calculate", base={"model_name": "llama2-7b"}, grid={"batch_size": [1, 2, 4]}
            )
            assert [row["batch_size"] async for row in rows] == [1, 2, 4]
            with pytest.raises(CalcError, match=r"base\.nothing"):
                _ = [row async for row in client.sweep(target="calculate", base={}, grid={"nothing": [1]})]

    with running() as service:
        run(main(service.url))


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (503, b'{"error": "request: took longer"}', "request: took longer"),
        (502, b"<html>", "answered 502 and no explanation"),
        (500, b'{"error": "internal error", "details": {"status": 7, "request_id": "a"}}', "internal error"),
    ],
)
def test_a_failure_is_no_refusal(status: int, body: bytes, said: str) -> None:
    async def main() -> None:
        async with Client(transport=failing(status, body)) as client:
            await client.calculate(model_name="llama2-7b")

    with pytest.raises(ServiceError, match=said) as found:
        run(main())
    assert found.value.status == status


def test_a_service_that_is_not_there_is_named() -> None:
    async def main() -> None:
        async with Client("http://127.0.0.1:1") as client:
            await client.models()

    with pytest.raises(
        ServiceError, match=r"http://127\.0\.0\.1:1/api/available_models does not answer"
    ) as found:
        run(main())
    assert found.value.status == 0
