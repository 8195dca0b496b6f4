"""The client against a real service, and against services that fail."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from inspect import signature
from pathlib import Path
from typing import Any

import httpx
import pytest

import llm_calc
from llm_calc import CalcError, Client, ServiceError
from tests.adapters.gguf_files import llama_parameters, write_llama
from tests.process import Service


def failing(status: int, body: bytes) -> httpx.MockTransport:
    return httpx.MockTransport(lambda _: httpx.Response(status, content=body))


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def test_a_running_service_is_asked(tmp_path: Path, service: Service) -> None:
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


@pytest.mark.parametrize("body", [b"<html>", b"{}", b"[1]", b'"rows"'])
def test_what_is_no_answer_is_a_failure_in_a_sentence(body: bytes) -> None:
    async def asked(ask: Callable[[Client], Coroutine[Any, Any, Any]]) -> None:
        async with Client(transport=failing(200, body)) as client:
            await ask(client)

    async def rows(client: Client) -> list[Any]:
        return [row async for row in client.sweep(target="calculate", base={}, grid={}) if "error" in row]

    questions: list[Callable[[Client], Coroutine[Any, Any, Any]]] = [
        lambda client: client.models(),
        lambda client: client.gpus(),
        lambda client: client.memory_plan(model="llama2-7b", hardware="l4"),
    ]
    for ask in questions if body == b"{}" else [*questions, rows]:
        with pytest.raises(ServiceError, match="its answer is none that this version knows") as found:
            run(asked(ask))
        assert found.value.status == 200


def test_a_newer_service_may_answer_more() -> None:
    answer = llm_calc.memory_plan(model="llama2-7b", hardware="l4")
    newer = {**answer.model_dump(), "new": 1, "per_gpu": {**answer.per_gpu.model_dump(), "new_bytes": 2}}

    async def main() -> Any:
        async with Client(transport=failing(200, json.dumps(newer).encode())) as client:
            return await client.memory_plan(model="llama2-7b", hardware="l4")

    assert run(main()) == answer


def test_a_service_that_is_too_slow_is_left_after_the_limit() -> None:
    async def main(port: int) -> None:
        async with Client(f"http://127.0.0.1:{port}", time_limit_s=0.2) as client:
            await client.gpus()

    said = r"available_gpus did not answer within 0\.2 s"
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(ServiceError, match=said) as found,
    ):
        run(main(silent.getsockname()[1]))
    assert found.value.status == 0


def test_an_address_without_a_scheme_is_refused_in_a_sentence() -> None:
    async def main() -> None:
        async with Client("localhost:8000") as client:
            await client.models()

    with pytest.raises(ServiceError, match="unsupported protocol"):
        run(main())


def test_a_sweep_arrives_row_by_row() -> None:
    seen = []

    async def lines() -> AsyncIterator[bytes]:
        for place in range(3):
            seen.append(f"sent {place}")
            yield b'{"row": %d}\n' % place

    class Streaming(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, content=lines())

    async def main() -> None:
        async with Client(transport=Streaming()) as client:
            rows = client.sweep(target="calculate", base={}, grid={"batch_size": [1]})
            assert (await anext(rows))["row"] == 0
            seen.append("read 0")
            assert [row["row"] async for row in rows] == [1, 2]

    run(main())
    assert seen.index("read 0") < seen.index("sent 2")


def test_the_client_has_the_functions_of_the_library() -> None:
    functions = [name for name in llm_calc.__all__ if name[0].islower()]
    assert len(functions) == 17
    for name in functions:
        own, remote = signature(getattr(llm_calc, name)), signature(getattr(Client, name))
        assert list(remote.parameters)[1:] == list(own.parameters), name
        for parameter in own.parameters.values():
            assert parameter == remote.parameters[parameter.name], name
        if name != "sweep":
            assert remote.return_annotation == own.return_annotation, name
    public = {name for name in vars(Client) if not name.startswith("_")}
    assert public == {*functions, "aclose"}


@pytest.mark.parametrize(
    ("header", "seconds"), [({"Retry-After": "7"}, 7), ({}, None), ({"Retry-After": "soon"}, None)]
)
def test_a_busy_service_says_when_to_ask_again(header: dict[str, str], seconds: int | None) -> None:
    busy = httpx.MockTransport(lambda _: httpx.Response(429, json={"error": "busy"}, headers=header))

    async def ask() -> None:
        async with Client(transport=busy) as client:
            await client.inspect_model(model={"name": "llama2-7b"})

    with pytest.raises(ServiceError, match="busy") as found:
        asyncio.run(ask())
    assert found.value.retry_after_s == seconds
