"""Write the example answers of the API description, and what the examples of the documentation print.

``make examples`` after a change that alters answers; a test fails while they differ.
"""

import json
import shlex
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient

from llm_calc.api.app import create_app
from llm_calc.api.openapi import EXAMPLES
from tests.process import running
from tools.doc_examples import rewrite_all

ENTRIES_SHOWN = 2
LONGEST_LINE = 80
EXAMPLE_TIME = "2026-01-01T12:00:00+00:00"
FIXED = {"timestamp": EXAMPLE_TIME, "data_version": "2026-01-01-0123abcd"}
"""Fields that change with the clock or with any file of the catalogs, and what examples show instead."""

Json = Any


def example_requests(app: FastAPI) -> dict[str, tuple[str, str, Json]]:
    """Return method, path and example body of every operation that answers JSON, by operation id."""
    return {
        operation["operationId"]: (method, path, body)
        for method, path, operation, body in all_requests(app)
        if "application/json" in operation["responses"]["200"].get("content", {})
    }


def all_requests(app: FastAPI) -> Iterator[tuple[str, str, Json, Json]]:
    """Yield method, path, description and example body of every operation."""
    description = app.openapi()
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation, example_body(description, operation)


def curl_command(method: str, path: str, body: Json) -> str:
    """Return an example request as it is typed into a shell."""
    if body is None and method == "GET":
        return f"curl -s localhost:8000{path}"
    data = json.dumps(body, ensure_ascii=False)
    if len(data) > LONGEST_LINE:
        data = json.dumps(body, ensure_ascii=False, indent=2)
    data = shlex.quote(data)
    return f"curl -s localhost:8000{path} -H 'content-type: application/json' \\\n  -d {data}"


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
    return shortened(asked(client, method, path, body).json())


def asked(client: TestClient, method: str, path: str, body: Json) -> Any:
    """Ask the service, which has to answer 200, and return the whole response."""
    answer = client.request(method, path, json=body) if body is not None else client.request(method, path)
    return answer.raise_for_status()


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
    """Write one file an operation, remove those of operations that are gone; write the pages' printed examples."""
    app = create_app()
    EXAMPLES.mkdir(exist_ok=True)
    for old in EXAMPLES.glob("*.json"):
        old.unlink()
    with TestClient(app) as client:
        for name, (method, path, body) in example_requests(app).items():
            answer = example_answer(client, method, path, body)
            text = json.dumps(answer, indent=1, ensure_ascii=False)
            (EXAMPLES / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    with running() as service:
        rewrite_all(service.url.removeprefix("http://"))


if __name__ == "__main__":
    main()
