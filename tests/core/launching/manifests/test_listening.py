"""Where a server of manifests listens: where its probes and its Service ask."""

from typing import Any

import pytest

import llm_calc
from llm_calc.adapters.passed_options import passed_options
from llm_calc.adapters.planning.launch_catalog import load_launch_rules
from llm_calc.core.errors import InvalidInputError


def pod(engine: dict[str, Any]) -> tuple[str, dict[str, Any], list[str]]:
    """The words of a container, the container, and the notes beside it."""
    asked: Any = {"model": "llama-3.1-8b", "gpus": ["l40s"], "manifests": ["kubernetes"]}
    first = llm_calc.recommend(engine=engine, **asked).recommendations[0]
    objects: Any = first.manifests
    found = objects["kubernetes"][1]["spec"]["template"]["spec"]["containers"][0]
    return " ".join([*found.get("command", ()), *found["args"]]), found, first.notes


@pytest.mark.parametrize(
    ("engine", "left_out", "hosts"),
    [
        ({"name": "vllm", "host": "127.0.0.1"}, ["host"], 0),
        ({"name": "vllm", "uds": "/tmp/vllm.sock"}, ["uds"], 0),
        (
            {"name": "vllm", "ssl_certfile": "c.pem", "ssl_keyfile": "k.pem"},
            ["ssl_certfile", "ssl_keyfile"],
            0,
        ),
        ({"name": "sglang", "host": "127.0.0.1", "ssl_certfile": "c.pem"}, ["host", "ssl_certfile"], 1),
        ({"name": "trtllm", "host": "127.0.0.1"}, ["host"], 1),
        (
            {"name": "llama.cpp", "host": "::1", "ssl_key_file": "k", "api_prefix": "/v"},
            ["host", "ssl_key_file", "api_prefix"],
            1,
        ),
    ],
)
def test_probes_ask_where_the_server_listens(engine: dict[str, Any], left_out: list[str], hosts: int) -> None:
    words, found, notes = pod(engine)
    assert words.count("--host") == hosts
    assert words.count("0.0.0.0") == hosts
    assert not any(str(engine[name]) in words.split() for name in left_out)
    note = next(line for line in notes if "probes and the Service ask the server by HTTP" in line)
    assert all(f"engine.{name}" in note for name in left_out)
    assert found["readinessProbe"]["httpGet"]["port"] == "http"


@pytest.mark.parametrize("port", [9000, "9000"])
@pytest.mark.parametrize("engine", ["vllm", "sglang", "llama.cpp", "trtllm"])
def test_a_port_is_the_same_in_command_and_probes(engine: str, port: int | str) -> None:
    words, found, notes = pod({"name": engine, "port": port})
    assert "--port 9000" in words
    assert found["ports"] == [{"name": "http", "containerPort": 9000}]
    assert not any("probes and the Service" in line for line in notes)


@pytest.mark.parametrize("port", ["http", 0, 65_536, True, [9000], -1, "9000.0", "١"])
def test_what_is_no_port_is_refused(port: object) -> None:
    with pytest.raises(InvalidInputError, match="must be a whole number from 1 to 65535") as refused:
        llm_calc.estimate(model="llama-3.1-8b", hardware="l40s", engine={"name": "vllm", "port": port})
    assert refused.value.field == "engine.port"


@pytest.mark.parametrize("engine", sorted(load_launch_rules()))
def test_the_options_left_out_are_ones_that_are_passed_on(engine: str) -> None:
    found = load_launch_rules()[engine].container
    assert set(() if found is None else found.own) <= set(passed_options(engine).passed)
