"""Docstrings of formulas as documentation: labelled lines become paragraphs, errors become links."""

import re
from typing import Any

from sphinx.application import Sphinx
from sphinx.ext.napoleon import Config, GoogleDocstring
from sphinx.util.typing import ExtensionMetadata

from tools.formulas import LABELS

LABELLED = re.compile(rf"^(\s*)({'|'.join(LABELS)}):(?= )")
RAISED = re.compile(r"^:raises (\w+):")
SETTINGS = Config(napoleon_use_rtype=False)


def rendered(lines: list[str], name: str = "", obj: Any = None) -> list[str]:
    """Return a docstring as reStructuredText.

    Sections in Google's style are napoleon's business. It takes the first line of a property for its type where
    that holds a colon, and so is told that everything is a function.
    """
    text = GoogleDocstring(_spaced(lines), SETTINGS, None, "function", name, obj).lines()
    return [RAISED.sub(r":raises ~llm_calc.core.errors.\1:", line) for line in text]


def _spaced(lines: list[str]) -> list[str]:
    """Return the lines with each label in bold, at the beginning of a paragraph of its own."""
    found: list[str] = []
    for line in lines:
        if LABELLED.match(line):
            found.append("")
        found.append(LABELLED.sub(r"\1**\2.**", line))
    return found


def process(_app: Sphinx, _what: str, name: str, obj: Any, _options: Any, lines: list[str]) -> None:
    """Render one docstring in place, as autodoc asks."""
    lines[:] = rendered(lines, name, obj)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Take part in autodoc."""
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", process)
    return {"parallel_read_safe": True}
