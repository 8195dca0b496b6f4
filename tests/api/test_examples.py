"""The examples of the API description are what the service really answers."""

import json
from collections.abc import Iterator
from math import isclose
from typing import Any

import pytest
from fastapi.testclient import TestClient

from llm_calc.api.app import create_app
from llm_calc.api.openapi import EXAMPLES
from tools.examples import example_answer, example_requests

REQUESTS = example_requests(create_app())
# Processors differ in the last digits of powers and logarithms; simulated loads add many of them up.
RELATIVE = 1e-6


def differences(answer: Any, recorded: Any, path: str = "") -> Iterator[str]:
    """Yield the path of everything in which an answer differs from the recorded one."""
    if isinstance(answer, dict) and isinstance(recorded, dict) and answer.keys() == recorded.keys():
        for key, entry in answer.items():
            yield from differences(entry, recorded[key], f"{path}.{key}")
    elif isinstance(answer, list) and isinstance(recorded, list) and len(answer) == len(recorded):
        for index, entry in enumerate(answer):
            yield from differences(entry, recorded[index], f"{path}[{index}]")
    elif isinstance(answer, float) and isinstance(recorded, float):
        if not isclose(answer, recorded, rel_tol=RELATIVE):
            yield f"{path}: {answer} is not {recorded}"
    elif answer != recorded:
        yield f"{path}: {answer!r} is not {recorded!r}"


@pytest.mark.parametrize("name", REQUESTS)
def test_example_is_the_answer(client: TestClient, name: str) -> None:
    recorded = json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    found = list(differences(example_answer(client, *REQUESTS[name]), recorded))
    assert found == [], "run `make examples`"


def test_no_example_is_left_over() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.json")} == set(REQUESTS)
