"""Write the example answers of the API description: what the service answers to its own example requests.

``make examples`` after a change that alters answers; a test fails while they differ.
"""

import json
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient

from llm_calc.api.app import create_app
from llm_calc.api.openapi import EXAMPLES

ENTRIES_SHOWN = 2
EXAMPLE_TIME = "2026-01-01T12:00:00+00:00"
FIXED = {"timestamp": EXAMPLE_TIME, "data_version": "2026-01-01-0123abcd"}
"""Fields that change with the clock or with any file of the catalogs, and what examples show instead."""

Json = Any


def example_requests(app: FastAPI) -> dict[str, tuple[str, str, Json]]:
    """Return method, path and example body of every operation that answers JSON, by operation id."""
    description = app.openapi()
    found = {}
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            if "application/json" in operation["responses"]["200"].get("content", {}):
                body = example_body(description, operation)
                found[operation["operationId"]] = (method.upper(), path, body)
    return found


def example_body(description: Json, operation: Json) -> Json:
    """Return the first example of an operation's body; None where it has no body."""
    media = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if media is None:
        return None
    if "example" in media:
        return media["example"]
    name = media["schema"]["$ref"].rpartition("/")[2]
    examples = description["components"]["schemas"][name].get("examples")
    assert examples, f"{name}: the request has no example"
    return examples[0]


def example_answer(client: TestClient, method: str, path: str, body: Json) -> Json:
    """Ask the service and shorten its answer as the description shows it."""
    answer = client.request(method, path, json=body) if body is not None else client.request(method, path)
    answer.raise_for_status()
    return shortened(answer.json())


def shortened(answer: Json) -> Json:
    """Keep the first entries of a list of catalog entries; replace what changes with every run by something fixed."""
    if isinstance(answer, list):
        return answer[:ENTRIES_SHOWN]
    return _with_fixed(answer)


def _with_fixed(answer: Json) -> Json:
    """Replace every field that ``FIXED`` names."""
    if isinstance(answer, list):
        return [_with_fixed(entry) for entry in answer]
    if isinstance(answer, dict):
        return {key: FIXED.get(key) or _with_fixed(entry) for key, entry in answer.items()}
    return answer


def main() -> None:
    """Write one file an operation and remove those of operations that are gone."""
    app = create_app()
    EXAMPLES.mkdir(exist_ok=True)
    for old in EXAMPLES.glob("*.json"):
        old.unlink()
    with TestClient(app) as client:
        for name, (method, path, body) in example_requests(app).items():
            answer = example_answer(client, method, path, body)
            text = json.dumps(answer, indent=1, ensure_ascii=False)
            (EXAMPLES / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
