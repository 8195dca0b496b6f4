"""The examples of the API description are what the service really answers."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from llm_calc.api.app import create_app
from llm_calc.api.openapi import EXAMPLES
from tools.examples import example_answer, example_requests

REQUESTS = example_requests(create_app())


@pytest.mark.parametrize("name", REQUESTS)
def test_example_is_the_answer(client: TestClient, name: str) -> None:
    recorded: Any = json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    assert example_answer(client, *REQUESTS[name]) == recorded, "run `make examples`"


def test_no_example_is_left_over() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.json")} == set(REQUESTS)
