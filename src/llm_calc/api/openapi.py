"""The OpenAPI description: errors as they really are, 400 instead of the framework's 422, real examples."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

Schema = dict[str, Any]

EXAMPLES = Path(__file__).with_name("examples")
"""What the service answers to the example requests, a file an operation; written by ``make examples``."""

DESCRIPTION = """
Parameters, memory, FLOPs, latency, throughput and cost of running large language models.

**Units.** `GB` in the fields of `/api/calculate`, `/api/model_scaling_analysis` and the two analysis methods
is 2^30 bytes, the unit in which drivers and engines report GPU memory. All other fields carry their unit in the
name: `_bytes`, `_s` (seconds), `_tokens`, `_tokens_per_s`, `_flops` (a multiply-add is 2), `_flops_per_s`,
`_usd`, `_w`, `_fraction` (0 to 1).

**Errors.** Every error is `{"error": "…"}`: a sentence that names the field and says what is accepted;
`details` may follow. Invalid input is 400. An unknown path is 404, a method that a path does not have is 405.
"""
TAGS = [
    {"name": "calculator", "description": "Requirements, scaling and analysis of a model"},
    {"name": "planning", "description": "What a model is, what engines do with it, and what to deploy"},
    {
        "name": "catalog",
        "description": "What the service knows: models, GPUs, engines, formats, prices, links",
    },
    {"name": "service", "description": "Health, metrics and versions of the process"},
]
SUMMARIES = {
    "calculate": "Size, memory, FLOPs and flat-roofline timing of a model",
    "list_models": "List the models that can be named",
    "list_gpus": "List the GPUs that can be named",
    "list_engines": "List the engines with their releases and what they run on",
    "list_formats": "List the number formats that can be named",
    "list_prices": "List what GPUs cost to rent",
    "list_links": "List the links between GPUs and hosts",
    "analyze_scaling": "Compare ways to split a model over GPUs",
    "analyze_model_by_name": "Analyse a model on arithmetic alone",
    "analyze_model_on_gpu": "Analyse a model on one kind of GPU",
    "inspect_model": "Say what a model is: parameters, weights, cache, FLOPs",
    "memory_plan": "Plan the memory of each GPU under an engine",
    "serving_estimate": "Estimate latency and throughput under a load",
    "deployment_plans": "Search the best ways to serve a workload",
    "recommend_gpus": "Find the GPUs that hold a model",
    "fit": "Find the quantization that fits",
    "models_for": "Find the models that run on a machine",
    "compare": "Compare scenarios side by side",
    "calibrate": "Fit efficiencies to measurements of your own",
    "sweep": "Evaluate a grid of requests as a stream of rows",
    "health": "Say whether the process answers",
    "readiness": "Say whether the service takes requests",
    "metrics": "Show the metrics of the process",
    "version": "Say which version of program and data answers",
}
"""What an operation does, as lists of operations show it."""
ERROR_SCHEMA: Schema = {
    "type": "object",
    "description": "An error: what is wrong and what is accepted",
    "properties": {
        "error": {"type": "string", "description": "A sentence that names the field and what is accepted"},
        "details": {
            "type": "object",
            "additionalProperties": True,
            "description": "The same and more for programs: field paths, nearest names, numbers",
        },
    },
    "required": ["error"],
    "additionalProperties": False,
}
_ALWAYS = {
    "404": (
        "There is no such path",
        "path: nothing is found at '/api'; /docs and /openapi.json list what is there",
    ),
    "405": (
        "The path does not have that method",
        "method: DELETE is not allowed for /api/calculate; accepted: POST",
    ),
    "500": (
        "The calculation failed",
        "internal error: the calculation failed; please report it with the request id",
    ),
    "503": ("The request took too long", "request: took longer than the limit of 30 s; ask for less at once"),
}
_WITH_INPUT = {"400": ("Invalid input", "batch_size: must be greater than or equal to 1")}
_WITH_BODY = {
    "429": (
        "The service is busy",
        "request: the service is busy with 10 questions of this kind; ask again in 5 s",
    ),
    "413": ("The body is too large", "body: must have at most 8388608 bytes"),
    "415": ("The body is not declared as JSON", "Content-Type: must be application/json; got 'text/plain'"),
}


def operation_id(route: APIRoute) -> str:
    """Return the name of the route's function: it becomes the method name of generated clients."""
    return route.name


def set_up_openapi(app: FastAPI) -> None:
    """Make ``app.openapi()`` describe the errors as they really are."""
    describe: Callable[[], Schema] = app.openapi

    def openapi() -> Schema:
        if app.openapi_schema is None:
            app.openapi_schema = _with_real_errors(describe())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _with_real_errors(schema: Schema) -> Schema:
    """Replace what the framework assumes of errors by what the service answers."""
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    for assumed in ("HTTPValidationError", "ValidationError"):
        schemas.pop(assumed, None)
    schemas["Error"] = ERROR_SCHEMA
    for described in schemas.values():
        for field in described.get("properties", {}).values():
            _say_default(field)
            _part_mixed_choices(field)
    for operation in _operations(schema):
        operation["summary"] = SUMMARIES.get(operation["operationId"], operation["summary"])
        responses = operation["responses"]
        responses.pop("422", None)
        for status, (description, sentence) in _errors_of(operation).items():
            responses.setdefault(status, _error_answer(description, sentence))
        _add_example(operation)
    return schema


def _say_default(field: Schema) -> None:
    """Tell a default in words: generators give up on objects, and make a field required that has a default."""
    if "default" in field and "const" not in field:
        absent = json.dumps(field.pop("default"))
        field["description"] = f"{field.get('description', '')} (absent: {absent})".lstrip()


def _part_mixed_choices(field: Schema) -> None:
    """Make words and numbers in one list of choices choices of their own: generators know lists of one type."""
    for choice in [
        each for each in field.get("anyOf", []) if len({type(value) for value in each.get("enum", [])}) > 1
    ]:
        at = field["anyOf"].index(choice)
        field["anyOf"][at : at + 1] = [{"const": value} for value in choice["enum"]]


def _operations(schema: Schema) -> Iterator[Schema]:
    """Yield every operation of every path."""
    for path in schema.get("paths", {}).values():
        yield from path.values()


def _add_example(operation: Schema) -> None:
    """Add the recorded answer of an operation, where there is one."""
    path = EXAMPLES / f"{operation['operationId']}.json"
    if path.exists():
        media = operation["responses"]["200"]["content"]["application/json"]
        media["example"] = json.loads(path.read_text(encoding="utf-8"))


def _errors_of(operation: Schema) -> dict[str, tuple[str, str]]:
    """Return the errors that an operation can answer: description and example by status."""
    has_body = "requestBody" in operation
    return {
        **(_WITH_INPUT if has_body or operation.get("parameters") else {}),
        **(_WITH_BODY if has_body else {}),
        **_ALWAYS,
    }


def _error_answer(description: str, sentence: str) -> Schema:
    """Return the description of one error answer."""
    media = {"schema": {"$ref": "#/components/schemas/Error"}, "example": {"error": sentence}}
    return {"description": description, "content": {"application/json": media}}
