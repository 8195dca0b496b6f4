"""The endpoints as the service describes them: what each does, its fields, an example that is really answered."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from docutils import nodes
from fastapi.testclient import TestClient
from openapi_fields import fields_table, parts_of
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata
from tables import words

from llm_calc.api.app import create_app
from llm_calc.api.settings import Settings
from tools.examples import asked, curl_command, example_body

SHOWN_LINES = 30
BRIEF_LINES = 4
"""Lines of an answer that is no JSON."""


@cache
def service() -> TestClient:
    """Return the service, in this process."""
    return TestClient(create_app(Settings()))


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what is logged of requests out of the build's output."""
    logging.disable(logging.INFO)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def description() -> Any:
    """Return what the service says of itself."""
    return service().app.openapi()


class Endpoints(SphinxDirective):
    """All operations, each with its fields, its example request and the beginning of the answer."""

    def run(self) -> list[nodes.Node]:
        """Return a section an operation."""
        return [
            _section(path, method, operation)
            for path, methods in description()["paths"].items()
            for method, operation in methods.items()
        ]


class RequestParts(SphinxDirective):
    """The types that requests are made of."""

    def run(self) -> list[nodes.Node]:
        """Return a section a type."""
        return [self._part(name) for name in parts_of(description())]

    def _part(self, name: str) -> nodes.section:
        schema = description()["components"]["schemas"][name]
        section = nodes.section(ids=[nodes.make_id(f"part {name}")])
        section += nodes.title(text=name)
        text = schema.get("description", "")
        section += [words(each) for each in text.split("\n\n") if each]
        section += fields_table(schema)
        return section


def _section(path: str, method: str, operation: Any) -> nodes.section:
    """Return what there is to say of one operation."""
    title = f"{method.upper()} {path}"
    section = nodes.section(ids=[nodes.make_id(title)])
    section += nodes.title(text=title)
    section += [words(text) for text in operation["description"].split("\n\n")]
    section += list(_request(operation))
    body = example_body(description(), operation)
    command = curl_command(method.upper(), path, body)
    section += nodes.literal_block(command, command, language="shell")
    section += _answer(method.upper(), path, operation, body)
    return section


def _request(operation: Any) -> Iterator[nodes.Node]:
    """Yield the fields of the body."""
    media = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if media is not None:
        name = media["schema"]["$ref"].rpartition("/")[2]
        yield fields_table(description()["components"]["schemas"][name])


def _answer(method: str, path: str, operation: Any, body: Any) -> nodes.literal_block:
    """Return the beginning of the recorded answer, or of what is answered now where no answer is recorded."""
    media = operation["responses"]["200"].get("content", {}).get("application/json", {})
    if "example" in media:
        lines = json.dumps(media["example"], indent=2, ensure_ascii=False).splitlines()
        return _block(lines, SHOWN_LINES)
    with quiet():
        answer = asked(service(), method, path, body)
    return _block(answer.text.splitlines(), BRIEF_LINES)


def _block(lines: list[str], most: int) -> nodes.literal_block:
    shown = "\n".join([*lines[:most], *(["…"] if len(lines) > most else [])])
    return nodes.literal_block(shown, shown, language="text")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the directives ``endpoints`` and ``request-parts``."""
    app.add_directive("endpoints", Endpoints)
    app.add_directive("request-parts", RequestParts)
    return {"parallel_read_safe": True}
