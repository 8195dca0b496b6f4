"""The endpoints as the service describes them: method, path, what it does, an example that is really answered."""

import json
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from llm_calc.api.app import create_app
from llm_calc.api.settings import Settings
from tools.examples import example_body

SHOWN_LINES = 40


class Endpoints(SphinxDirective):
    """All operations, each with its example request."""

    def run(self) -> list[nodes.Node]:
        """Return a section an operation."""
        description = create_app(Settings()).openapi()
        return [
            _section(description, path, method, operation)
            for path, methods in description["paths"].items()
            for method, operation in methods.items()
        ]


def _section(description: Any, path: str, method: str, operation: Any) -> nodes.section:
    """Return what there is to say of one operation."""
    title = f"{method.upper()} {path}"
    section = nodes.section(ids=[nodes.make_id(title)])
    section += nodes.title(text=title)
    section += [nodes.paragraph(text=text) for text in operation["description"].split("\n\n")]
    body = example_body(description, operation)
    if body is not None:
        command = (
            f"curl -s localhost:8000{path} -H 'content-type: application/json' \\\n  -d '{json.dumps(body)}'"
        )
        section += nodes.literal_block(command, command, language="shell")
    section += list(_answer(operation))
    return section


def _answer(operation: Any) -> Iterator[nodes.Node]:
    """Yield the beginning of the recorded answer, where there is one."""
    media = operation["responses"]["200"].get("content", {}).get("application/json", {})
    if "example" in media:
        lines = json.dumps(media["example"], indent=2, ensure_ascii=False).splitlines()
        shown = "\n".join([*lines[:SHOWN_LINES], *(["…"] if len(lines) > SHOWN_LINES else [])])
        yield nodes.literal_block(shown, shown, language="text")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the directive ``endpoints``."""
    app.add_directive("endpoints", Endpoints)
    return {"parallel_read_safe": True}
