"""The real server process: ready line, graceful stop, what the protocol layer answers."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from llm_calc.adapters.catalog.files import catalog_root
from tests.process import SERVE, Service, running

BODY = json.dumps({"model_name": "llama2-7b"}).encode()
HEAD = (
    b"POST /api/calculate HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n" % len(BODY)
)


@pytest.fixture
def service() -> Iterator[Service]:
    with running() as started:
        yield started


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_finishes_the_request_in_flight(service: Service, number: signal.Signals) -> None:
    with socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection:
        connection.sendall(HEAD + BODY[:5])
        time.sleep(0.3)
        service.process.send_signal(number)
        time.sleep(0.5)
        assert service.process.poll() is None
        connection.sendall(BODY[5:])
        answer = connection.makefile("rb").read()
    status, _, rest = answer.partition(b"\r\n")
    assert status == b"HTTP/1.1 200 OK"
    assert json.loads(rest.partition(b"\r\n\r\n")[2])["model_name"] == "llama2-7b"
    assert service.process.wait(30) == 0


def test_nothing_is_accepted_once_it_stops(service: Service) -> None:
    assert httpx.get(f"{service.url}/readyz").status_code == 200
    assert service.stop() == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{service.url}/readyz")


def test_a_body_that_does_not_arrive_is_answered_503() -> None:
    with (
        running(environment={"LLM_CALC_REQUEST_TIME_LIMIT_S": "0.2"}) as service,
        socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection,
    ):
        connection.sendall(HEAD + BODY[:5])
        assert connection.recv(100).startswith(b"HTTP/1.1 503 ")


def test_what_is_no_http_is_answered_in_the_same_shape(service: Service) -> None:
    with socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection:
        connection.sendall(b"not http\r\n\r\n")
        head, _, body = connection.makefile("rb").read().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/json" in head
    assert json.loads(body)["error"].startswith("request: ")


@pytest.mark.parametrize(
    ("arguments", "variable", "said"),
    [
        (["--port", "70000"], {}, "--port"),
        ([], {"LLM_CALC_MAX_BODY_BYTES": "1"}, "LLM_CALC_MAX_BODY_BYTES"),
        ([], {"LLM_CALC_CATALOGS_PATH": "/nowhere"}, "/nowhere"),
    ],
)
def test_what_cannot_start_says_why_without_a_trace(
    arguments: list[str], variable: dict[str, str], said: str
) -> None:
    command = [*SERVE[:4], *arguments]
    ended = subprocess.run(command, env=variable, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode not in (0, None)
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("file", ["formats/numbers.toml", "engines/vllm.toml", "launch/vllm.toml"])
def test_a_wrong_file_of_any_catalog_is_named_at_start(file: str, tmp_path: Path) -> None:
    shutil.copytree(catalog_root(), tmp_path / "catalogs")
    with (tmp_path / "catalogs" / file).open("a", encoding="utf-8") as wrong:
        wrong.write("\n[nonsense]\n")
    ended = subprocess.run(
        [*SERVE[:4]],
        env={"LLM_CALC_CATALOGS_PATH": str(tmp_path / "catalogs"), "LLM_CALC_PORT": "0"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode not in (0, None)
    assert f"{file}: nonsense" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_package_is_a_command() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "llm_calc", "--help"], capture_output=True, text=True, timeout=60, check=True
    )
    assert "serve" in ended.stdout
