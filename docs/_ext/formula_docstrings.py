"""Docstrings of formulas as documentation: labelled lines become paragraphs, errors become links."""

import re
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.domains.python import PythonDomain
from sphinx.ext.napoleon import Config, GoogleDocstring
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata
from tables import table

from tools.formulas import LABELS, Formula, formulas

LABELLED = re.compile(rf"^(\s*)({'|'.join(LABELS)}):(?= )")
PAGE = re.compile(r"``docs/(\w+)\.md``")
RAISED = re.compile(r"^:raises (\w+):")
SETTINGS = Config(napoleon_use_rtype=False)


def rendered(lines: list[str], name: str = "", obj: Any = None) -> list[str]:
    """Return a docstring as reStructuredText.

    Sections in Google's style are napoleon's business. It takes the first line of a property for its type where
    that holds a colon, and so is told that everything is a function.
    """
    text = GoogleDocstring(_spaced(lines), SETTINGS, None, "function", name, obj).lines()
    linked = (PAGE.sub(r":doc:`/\1`", line) for line in text)
    return [RAISED.sub(r":raises ~llm_calc.core.errors.\1:", line) for line in linked]


def _spaced(lines: list[str]) -> list[str]:
    """Return the lines with each label in bold, at the beginning of a paragraph of its own."""
    found: list[str] = []
    for line in lines:
        if LABELLED.match(line):
            found.append("")
        found.append(LABELLED.sub(r"\1**\2:**", line))
    return found


def process(_app: Sphinx, _what: str, name: str, obj: Any, _options: Any, lines: list[str]) -> None:
    """Render one docstring in place, as autodoc asks."""
    lines[:] = rendered(lines, name, obj)


class Formulas(SphinxDirective):
    """A table of all formulas, each a link to its entry."""

    def run(self) -> list[nodes.Node]:
        """The table as document nodes."""
        rows = ([self._link(each), each.summary, each.unit, each.basis] for each in formulas())
        return [table(("formula", "gives", "unit", "basis"), rows)]

    def _link(self, formula: Formula) -> nodes.Node:
        shown = formula.name.removeprefix("llm_calc.core.")
        options = {"refdomain": PythonDomain.name, "reftype": "obj", "reftarget": formula.name}
        link = pending_xref(
            "", nodes.literal(text=shown), refdoc=self.env.docname, refexplicit=True, **options
        )
        return nodes.paragraph("", "", link)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Take part in autodoc; add the directive ``formulas``."""
    app.setup_extension("sphinx.ext.autodoc")
    app.add_directive("formulas", Formulas)
    app.connect("autodoc-process-docstring", process)
    return {"parallel_read_safe": True}
