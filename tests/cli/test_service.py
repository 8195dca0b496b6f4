"""Starting the service is quick: it loads nothing of the other commands."""

import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from llm_calc.api.app import create_app
from tests.command import run
from tests.process import running

SERVE = """
import sys
from llm_calc.__main__ import main

sys.argv = ["llm-calc", "serve", "--port", "70000"]
try:
    main()
except SystemExit as end:
    print(end.code)
print(sorted({"mcp", "rich", "typer"} & set(sys.modules)))
"""


def test_the_service_starts_without_what_other_commands_need() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SERVE], capture_output=True, text=True, timeout=60, check=True
    )
    code, loaded = ended.stdout.splitlines()
    assert ended.stderr == "Error: --port: must be less than or equal to 65535\n"
    assert (code, loaded) == ("2", "[]")


def test_help_and_options_are_those_of_the_other_commands() -> None:
    shown = run("serve", "--help")
    assert shown.exit_code == 0
    assert "--host" in shown.output
    assert "--port" in shown.output


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--prot", "1"), "--prot: is not a known option"),
        (("--port", "x"), "--port: must be a whole number"),
        (("--port",), "--port: needs a value"),
        (("here",), "here: one argument more than the command takes"),
    ],
)
def test_a_command_line_is_refused_as_those_of_the_other_commands(given: tuple[str, ...], said: str) -> None:
    command = [sys.executable, "-m", "llm_calc", "serve", *given]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert ended.stderr == f"Error: {said}\nTry: llm-calc serve --help\n"


def test_a_setting_of_the_environment_is_called_by_its_name() -> None:
    command = [sys.executable, "-m", "llm_calc", "serve"]
    environment = {**os.environ, "LLM_CALC_PORT": "70000"}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert ended.stderr == "Error: LLM_CALC_PORT: must be less than or equal to 65535\n"


def test_an_address_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "llm_calc", "serve", "--port", str(port)]
        environment = {**os.environ, "LLM_CALC_LOG_LEVEL": "error"}
        ended = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
    assert ended.returncode == 1
    said = ended.stderr.splitlines()[-1]
    assert said == f"Error: 127.0.0.1:{port}: cannot listen there: Address already in use"
    assert ended.stdout == ""


def test_a_started_service_describes_itself_to_several_at_once() -> None:
    with running() as service:
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: httpx.get(f"{service.url}/openapi.json", timeout=60), range(4)))
        assert [answer.status_code for answer in answers] == [200] * 4
        refused = httpx.post(f"{service.url}/api/calculate", json={"seq_length": 0}, timeout=60)
    described = create_app().openapi()
    assert all(answer.json() == described for answer in answers)
    assert refused.status_code == 400
