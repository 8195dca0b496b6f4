"""Limits of connections and headers, on a real server with short ones."""

import json
import signal
import socket
import time
from collections.abc import Iterator

import pytest

from tests.process import Service, running

SHORT = {
    "LLM_CALC_HEADER_TIME_LIMIT_S": "2",
    "LLM_CALC_MAX_CONNECTIONS": "24",
    "LLM_CALC_DRAIN_S": "4",
}
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: test\r\n"


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with running(environment=SHORT) as started:
        yield started


def connected(service: Service) -> socket.socket:
    return socket.create_connection(("127.0.0.1", service.port), timeout=30)


def read_all(connection: socket.socket) -> bytes:
    """Everything until the other side closes, a reset included."""
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def asked(service: Service, *parts: bytes) -> tuple[int, dict[str, str]]:
    """Status and body of what is answered to these bytes; the connection must be closed after it."""
    with connected(service) as connection:
        for part in parts:
            try:
                connection.sendall(part)
            except OSError:
                break
        head, _, body = read_all(connection).partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


@pytest.mark.parametrize(
    "header", [b"x: " + b"a" * 3_000_000, b"\r\n".join(b"x%d: 1" % each for each in range(150))]
)
def test_large_headers_are_431(service: Service, header: bytes) -> None:
    status, body = asked(service, HEALTH + header + b"\r\n\r\n")
    assert status == 431
    assert body["error"] == "headers: must have at most 65536 bytes in at most 100 lines"


def test_a_request_without_a_host_is_400(service: Service) -> None:
    status, body = asked(service, b"GET /healthz HTTP/1.1\r\n\r\n")
    assert (status, body["error"].partition(":")[0]) == (400, "Host")


@pytest.mark.parametrize("part", [b"", b"GET /healthz HT", HEALTH])
def test_headers_that_do_not_come_end_the_connection(service: Service, part: bytes) -> None:
    status, body = asked(service, part)
    assert status == 408
    assert "within 2 s" in body["error"]


def test_a_body_that_nobody_waits_for_ends_the_connection(service: Service) -> None:
    with connected(service) as connection:
        connection.sendall(b"POST /nowhere HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\nx")
        began_s = time.monotonic()
        assert read_all(connection).startswith(b"HTTP/1.1 404 ")
        assert time.monotonic() - began_s < 20


def test_silent_connections_make_room_for_one_that_asks(service: Service) -> None:
    silent = [connected(service) for _ in range(40)]
    try:
        with connected(service) as connection:
            connection.sendall(HEALTH + b"Connection: close\r\n\r\n")
            assert read_all(connection).startswith(b"HTTP/1.1 200 ")
    finally:
        for each in silent:
            each.close()


def test_a_stop_first_says_so_and_loses_nothing(service: Service) -> None:
    with connected(service) as kept, connected(service) as late:
        kept.sendall(HEALTH + b"\r\n")
        assert kept.recv(65536).startswith(b"HTTP/1.1 200 ")
        service.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        kept.sendall(b"GET /readyz HTTP/1.1\r\nHost: test\r\n\r\n")
        answer = read_all(kept)
        assert b"HTTP/1.1 503 " in answer
        assert b"connection: close" in answer
        late.sendall(HEALTH + b"\r\n")
        assert read_all(late).startswith(b"HTTP/1.1 200 ")
    assert service.process.wait(30) == 0
