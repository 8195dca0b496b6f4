"""Tables and notes on the terminal."""

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

Row = tuple[str, ...]


def heading(console: Console, text: str, verdict: str = "") -> None:
    """What is answered, and in a word how."""
    console.print(f"\n[bold]{escape(text)}[/]{f'  {verdict}' if verdict else ''}")


def facts(console: Console, rows: Iterable[tuple[str, str]], title: str = "") -> None:
    """Names with their values."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), title_justify="left")
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(escape(name), escape(value))
    if title:
        console.print(f"\n[bold]{escape(title)}[/]")
    console.print(Padding(table, (0, 0, 0, 2), expand=False))


def listing(console: Console, columns: Sequence[str], rows: Iterable[Row], title: str = "") -> None:
    """Rows under headings; columns after the first are numbers unless their heading begins with a space."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), header_style="bold", pad_edge=False)
    for index, column in enumerate(columns):
        is_text = index == 0 or column.startswith(" ")
        table.add_column(column.strip(), justify="left" if is_text else "right", overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    if title:
        console.print(f"\n[bold]{escape(title)}[/]")
    console.print(table)


def notes(console: Console, warnings: Iterable[str], assumptions: Iterable[str]) -> None:
    """Warnings and assumptions, a line each."""
    for text in warnings:
        console.print(Padding(f"[yellow]⚠[/] {escape(text)}", (0, 0, 0, 2), expand=False))
    for text in assumptions:
        console.print(Padding(f"[dim]assumed: {escape(text)}[/]", (0, 0, 0, 2), expand=False))
