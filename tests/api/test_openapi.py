"""The OpenAPI description is complete and says what the service really does."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator

from llm_calc.api.json_body import JsonRoute
from llm_calc.api.openapi import SUMMARIES
from llm_calc.api.routers import ROUTERS
from tests.api.described import described

OPENAPI: dict[str, Any] = described()
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, methods in OPENAPI["paths"].items()
    for method, operation in methods.items()
}
UNIT_SUFFIXES = (
    *("_bytes", "_bits", "_s", "_ms", "_tokens", "_tokens_per_s", "_flops", "_flops_per_s", "_bytes_per_s"),
    *("_usd", "_usd_per_hour", "_w", "_j", "_fraction", "_gb", "_pct", "_tflops"),
)
SCHEMAS = OPENAPI["components"]["schemas"]


def json_media(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the JSON parts of a request's or an answer's content."""
    yield from (media for kind, media in content.items() if kind == "application/json")


def examples_of(media: dict[str, Any]) -> list[Any]:
    """Return the examples of a request or an answer: its own, else those of its schema."""
    own = [example["value"] for example in media.get("examples", {}).values()]
    name = media.get("schema", {}).get("$ref", "").rpartition("/")[2]
    return own or ([media["example"]] if "example" in media else SCHEMAS.get(name, {}).get("examples", []))


def contents() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every JSON request and answer with a name for it."""
    for name, operation in OPERATIONS.items():
        for media in json_media(operation.get("requestBody", {}).get("content", {})):
            yield f"{name} request", media
        for status, answer in operation["responses"].items():
            for media in json_media(answer.get("content", {})):
                yield f"{name} {status}", media


CONTENTS = dict(contents())


def test_422_is_nowhere() -> None:
    assert all("422" not in operation["responses"] for operation in OPERATIONS.values())
    assert not {"HTTPValidationError", "ValidationError"} & set(SCHEMAS)
    assert "HTTPValidationError" not in str(OPENAPI)


@pytest.mark.parametrize("name", OPERATIONS)
def test_errors_are_documented(name: str) -> None:
    documented = OPERATIONS[name]["responses"]
    needed = {"404", "405", "500", "503"} | ({"400", "413", "415"} if name.startswith("POST") else set())
    assert needed <= set(documented)
    for status in set(documented) - {"200"}:
        (media,) = json_media(documented[status]["content"])
        assert media["schema"] == {"$ref": "#/components/schemas/Error"}


def test_operation_ids_make_good_client_names() -> None:
    ids = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in ids)
    assert not [name for name in ids if name.startswith(("get_", "post_")) or "api" in name]


def test_every_operation_has_a_known_tag_and_a_description() -> None:
    known = {tag["name"] for tag in OPENAPI["tags"]}
    for name, operation in OPERATIONS.items():
        assert set(operation["tags"]) <= known, name
        assert operation["tags"], name
        assert operation["description"], name


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_field_has_a_description(name: str) -> None:
    fields = SCHEMAS[name].get("properties", {})
    assert [field for field, schema in fields.items() if not schema.get("description")] == []


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_parameter_has_a_description(name: str) -> None:
    for parameter in OPERATIONS[name].get("parameters", []):
        assert parameter.get("description"), parameter["name"]


@pytest.mark.parametrize("name", CONTENTS)
def test_every_request_and_answer_has_examples_that_fit_their_schema(name: str) -> None:
    media = CONTENTS[name]
    examples = examples_of(media)
    assert examples
    schema = {**media["schema"], "components": OPENAPI["components"]}
    for example in examples:
        Draft202012Validator(schema).validate(example)


@pytest.mark.parametrize("name", SCHEMAS)
def test_numbers_say_their_unit(name: str) -> None:
    """A float whose name carries no unit, as in the documented fields, has it in its description."""
    unclear = [
        field
        for field, schema in SCHEMAS[name].get("properties", {}).items()
        if schema.get("type") == "number" and not field.endswith(UNIT_SUFFIXES)
        if not re.search(r"\[.+\]", schema["description"])
    ]
    assert unclear == []


def test_bodies_are_read_in_one_way() -> None:
    for router in ROUTERS:
        for route in router.routes:
            if getattr(route, "body_field", None) is not None:
                assert isinstance(route, JsonRoute), route


def test_the_description_is_made_once(app: FastAPI) -> None:
    assert app.openapi() is app.openapi()
    assert "2^30 bytes" in app.openapi()["info"]["description"]


def test_generators_of_clients_find_nothing_that_they_drop() -> None:
    """Object defaults, schemas of one title and module paths in names cost operations in generated clients."""
    titles = [schema["title"] for schema in SCHEMAS.values() if "title" in schema]
    fields = [field for schema in SCHEMAS.values() for field in schema.get("properties", {}).values()]
    assert len(set(titles)) == len(titles)
    assert not [name for name in SCHEMAS if "__" in name]
    assert not [field for field in fields if isinstance(field.get("default"), (dict, list))]


def test_summaries_read_as_sentences() -> None:
    assert {operation["operationId"] for operation in OPERATIONS.values()} == set(SUMMARIES)
    assert all(
        operation["summary"] == SUMMARIES[operation["operationId"]] for operation in OPERATIONS.values()
    )
