"""Made-up configurations, links, grids, traces, arguments of tools, examples with a fault: nothing breaks.

The inputs are the same on every run. ``FUZZ_CASES=5000`` in the environment searches longer.
"""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.links import requests_of
from llm_calc.adapters.operations import OPERATIONS
from llm_calc.api.app import create_app
from llm_calc.core.errors import CalcError

CASES = int(os.environ.get("FUZZ_CASES", "40"))
FUZZ = settings(
    max_examples=CASES,
    derandomize=CASES < 1000,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
MODELS = ["llama-3.1-8b", "deepseek-v3", "gpt-oss-120b", "qwen3.5-397b-a17b", "gemma-3-27b"]
NUMBERS: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from([0, 1, -1, 2**31, 2**63, 10**30, -(10**30), 0.5, 1e-300, 1e300, 7]),
    st.integers(0, 200_000),
)
SCALARS: st.SearchStrategy[Any] = st.one_of(
    NUMBERS,
    st.booleans(),
    st.none(),
    st.sampled_from(["", "auto", "bf16", "fp8", "e5", "\x00", "λ" * 50, "re:.*"]),
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["a", "type", "0", "full_attention"]), inner, max_size=4),
    ),
    max_leaves=8,
)
PATHS = [
    "workload.concurrency", "workload.input_tokens", "workload.batch", "workload.request_rate", "hardware.count",
    "hardware.gpu", "precision.weights", "engine.max_model_len", "parallelism.tensor", "model.name", "x.y",
]  # fmt: skip
RANGES = st.fixed_dictionaries(
    {"start": NUMBERS, "stop": NUMBERS},
    optional={"count": NUMBERS, "step": NUMBERS, "spacing": st.sampled_from(["log", "linear", "cubic"])},
)
AXES = st.one_of(st.lists(SCALARS, max_size=5), RANGES)
KEYS = [
    "m",
    "w",
    "kv",
    "g",
    "n",
    "mem",
    "tp",
    "pp",
    "dp",
    "ep",
    "e",
    "len",
    "util",
    "i",
    "o",
    "load",
    "c",
    "r",
    "px",
    "v",
]
TEXTS = st.one_of(
    st.sampled_from(
        ["e5", "1e5", ".5", "1,000", "1,00", "-0", "+", "inf", "nan", "1e999", "%", "vllm", "c", "r", "²"]
    ),
    st.text(max_size=8),
)
ARGUMENTS = {
    "memory_plan": {"model": "llama-3.1-8b", "hardware": "h100-80gb-sxm"},
    "serving_estimate": {"model": "llama-3.1-8b", "hardware": "h100-80gb-sxm"},
    "search_catalog": {"text": "llama"},
    "inspect_model": {"model": "llama-3.1-8b"},
    "estimate_from_link": {"link": "http://127.0.0.1:8000/?v=1&m=llama-3.1-8b"},
}


@pytest.fixture(scope="module")
def served() -> Iterator[TestClient]:
    with TestClient(create_app(), raise_server_exceptions=False) as client:
        yield client


def answered(client: TestClient, path: str, body: Any) -> None:
    answer = client.post(path, json=body)
    assert answer.status_code in (200, 400), answer.text[:500]
    if answer.status_code == 400:
        assert answer.json()["error"]


@FUZZ
@given(data=st.data())
def test_configurations(served: TestClient, data: st.DataObject) -> None:
    config = dict(load_catalogs().model(data.draw(st.sampled_from(MODELS))).config)
    keys = data.draw(
        st.lists(st.sampled_from([*config, "quantization_config", "text_config", "made_up"]), max_size=4)
    )
    for key in keys:
        config[key] = data.draw(VALUES)
    answered(served, "/api/inspect_model", {"model": {"hf_config": config}})


@FUZZ
@given(
    grid=st.dictionaries(st.sampled_from(PATHS), AXES, min_size=1, max_size=3),
    form=st.sampled_from(["csv", "ndjson"]),
)
def test_grids(served: TestClient, grid: dict[str, Any], form: str) -> None:
    base = {"model": {"name": "llama-3.1-8b"}, "hardware": {"gpu": "h100-80gb-sxm"}}
    target = "serving_estimate" if "workload.request_rate" in grid else "memory_plan"
    body = {"target": target, "base": base, "grid": grid, "format": form, "method": "closed_form"}
    answer = served.post("/api/sweep", json=body)
    assert answer.status_code in (200, 400), answer.text[:500]


COLUMNS = [
    "timestamp", "timestamp_s", "arrival", "arrival_s", "arrival_ms", "input_tokens", "input_length",
    "output_tokens", "output_length", "hash_ids", "session_id", "TIMESTAMP", "ContextTokens", "GeneratedTokens", "x",
]  # fmt: skip
CELLS = st.one_of(
    st.sampled_from(
        [
            "0",
            "1",
            "-1",
            "1e400",
            "nan",
            "1e18",
            "2026-01-01T00:00:00Z",
            "2026-13-01",
            "[1,2]",
            "1 2",
            '"',
            "9" * 400,
        ]
    ),
    st.integers(0, 10_000).map(str),
    st.text(max_size=6),
)
TABLES = st.lists(st.sampled_from(COLUMNS), min_size=1, max_size=5).flatmap(
    lambda names: st.lists(st.lists(CELLS, min_size=len(names), max_size=len(names)), max_size=5).flatmap(
        lambda rows: st.sampled_from([",", ";", "\t"]).map(
            lambda comma: "\n".join(comma.join(cells) for cells in [names, *rows])
        )
    )
)
LINES = st.lists(st.dictionaries(st.sampled_from(COLUMNS), VALUES, max_size=5), min_size=1, max_size=4).map(
    lambda rows: "\n".join(json.dumps(row) for row in rows)
)


@FUZZ
@given(text=st.one_of(TABLES, LINES, st.text(min_size=1, max_size=60)), speed=NUMBERS)
def test_traces(served: TestClient, text: str, speed: Any) -> None:
    trace = {"text": text, "speed": speed if isinstance(speed, int | float) and 0 < speed < 1e6 else 1}
    body = {
        "model": {"name": "llama-3.1-8b"},
        "hardware": {"gpu": "h100-80gb-sxm"},
        "workload": {"trace": trace},
    }
    answered(served, "/api/serving_estimate", body)


QUICK = [each for each in OPERATIONS if each.name not in ("deployment_plans", "recommend_gpus", "models_for")]
"""Searches take seconds of a core with a part of the limits that the example sets."""
EXAMPLES = [
    (each.path, json.dumps(example))
    for each in QUICK
    for example in each.request.model_json_schema()["examples"]
]


def places_of(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value within a value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        yield (*path, key)
        yield from places_of(each, (*path, key))


@FUZZ
@given(data=st.data())
def test_examples_with_faults(served: TestClient, data: st.DataObject) -> None:
    path, text = data.draw(st.sampled_from(EXAMPLES))
    body = json.loads(text)
    for _ in range(data.draw(st.integers(1, 3))):
        *before, last = data.draw(st.sampled_from(list(places_of(body))))
        parent = body
        for step in before:
            parent = parent[step]
        parent[last] = data.draw(VALUES)
    answered(served, path, body)


@FUZZ
@given(fields=st.dictionaries(st.sampled_from(KEYS), TEXTS, max_size=5))
def test_links(fields: dict[str, str]) -> None:
    link = "http://127.0.0.1:8000/?" + "&".join(f"{key}={text}" for key, text in fields.items())
    with suppress(CalcError):
        assert requests_of(link)


@FUZZ
@given(
    name=st.sampled_from(sorted(ARGUMENTS)),
    more=st.dictionaries(st.text(max_size=5), VALUES, max_size=2),
    data=st.data(),
)
def test_arguments_of_tools(served: TestClient, name: str, more: dict[str, Any], data: st.DataObject) -> None:
    arguments: dict[str, Any] = {**ARGUMENTS[name], **more}
    if data.draw(st.booleans()):
        arguments[data.draw(st.sampled_from(sorted(arguments)))] = data.draw(VALUES)
    call = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": name, "arguments": arguments},
    }
    answer = served.post("/mcp", json=call, headers={"accept": "application/json, text/event-stream"})
    assert answer.status_code == 200, answer.text[:500]
    assert "Traceback" not in answer.text
    found = answer.json()
    assert found.get("result") or found.get("error"), found
