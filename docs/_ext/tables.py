"""Tables as document nodes; cells are texts, links or nodes."""

import re
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from docutils import nodes

Cell: TypeAlias = str | nodes.Node
Cells: TypeAlias = Sequence[Cell]

LONG = 60
"""Texts of more characters get a column that is wide enough to read them."""
_COMMIT = re.compile(r"([\w.-]+/[\w.-]+)@([0-9a-f]{7,40})")
"""A repository with the commit that was read."""


def table(header: Cells, rows: Iterable[Cells]) -> nodes.table:
    """Return a table with a heading row."""
    group = nodes.tgroup(cols=len(header))
    group += [nodes.colspec(colwidth=1) for _ in header]
    group += nodes.thead("", _row(header))
    group += nodes.tbody("", *map(_row, rows))
    return nodes.table("", group, classes=["catalog"])


def link(text: str, address: str) -> nodes.paragraph:
    """Return a cell that links to another host."""
    return nodes.paragraph("", "", nodes.reference("", text, refuri=address))


def words(text: str) -> nodes.paragraph:
    """Return a text in which what stands between backticks is literal."""
    paragraph = nodes.paragraph()
    for index, part in enumerate(text.replace("``", "`").split("`")):
        paragraph += nodes.literal(text=part) if index % 2 else nodes.Text(part)
    return paragraph


def sourced(text: str) -> nodes.paragraph:
    """Return a cell in which each repository links to the commit that was read."""
    paragraph, after = nodes.paragraph(classes=["long"]), 0
    for found in _COMMIT.finditer(text):
        address = f"https://github.com/{found[1]}/tree/{found[2]}"
        paragraph += [nodes.Text(text[after : found.start()]), nodes.reference("", found[0], refuri=address)]
        after = found.end()
    paragraph += nodes.Text(text[after:])
    return paragraph


def number(value: float | None) -> str:
    """Return a number without needless digits; nothing where it is not known."""
    return "" if value is None else f"{value:g}"


def _row(cells: Cells) -> nodes.row:
    return nodes.row("", *(nodes.entry("", _node(cell)) for cell in cells))


def _node(cell: Cell) -> nodes.Node:
    if isinstance(cell, str):
        return nodes.paragraph(text=cell, classes=["long"] if len(cell) > LONG else [])
    return cell
