"""Tables and notes on the terminal, laid out so that nothing is cut off in a narrow one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

Row = tuple[str, ...]
GAP_CELLS = 3
"""Cells between two columns; together one less than these around all of them."""


@dataclass(frozen=True, slots=True)
class _Column:
    """A column: its heading, its cells, and whether it holds text, which may be broken at spaces."""

    heading: str
    cells: Row
    is_text: bool

    @property
    def widest(self) -> int:
        return max(map(cell_len, (self.heading, *self.cells)))

    @property
    def least(self) -> int:
        """As narrow as it gets without a broken word or number."""
        words = [word for cell in self.cells for word in (cell.split() if self.is_text else (cell,))]
        return max(map(cell_len, (*self.heading.split(), *words)), default=1)

    @property
    def is_constant(self) -> bool:
        return len(self.cells) > 1 and len(set(self.cells)) == 1


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


def listing(
    console: Console,
    columns: Sequence[str],
    rows: Iterable[Row],
    title: str = "",
    spare: Sequence[str] = (),
) -> None:
    """Rows under headings; columns after the first are numbers unless their heading begins with a space.

    Where the terminal is too narrow, headings and texts are broken at spaces; then what is the same in all rows is
    said once above them; then the ``spare`` columns are left out, which is said; then each row becomes a list.
    """
    whole = list(rows)
    found = [
        _Column(name.strip(), tuple(row[place] for row in whole), place == 0 or name.startswith(" "))
        for place, name in enumerate(columns)
    ]
    if title:
        console.print(f"\n[bold]{escape(title)}[/]")
    shown, same, left_out = _fitting(found, spare, console.width)
    widths = _widths(shown, console.width)
    if same:
        said = " · ".join(f"{each.heading} {each.cells[0]}" for each in same)
        _note(console, "[dim]in all rows:[/]", escape(said))
    if widths is None:
        for row in whole:
            facts(console, [(each.heading, cell) for each, cell in zip(found, row, strict=True)])
            console.print()
        return
    _print_table(console, shown, widths)
    if left_out:
        said = f"{', '.join(left_out)}; --json has all"
        _note(console, "[dim]too narrow for:[/]", f"[dim]{escape(said)}[/]")


def _fitting(
    columns: list[_Column], spare: Sequence[str], room: int
) -> tuple[list[_Column], list[_Column], list[str]]:
    """The columns to show, those to say once, and the names of those that are left out."""
    if _widths(columns, room) is not None:
        return columns, [], []
    same = [each for each in columns[1:] if each.is_constant]
    shown = [each for each in columns if each not in same]
    left_out: list[str] = []
    for name in spare:
        if _widths(shown, room) is not None:
            break
        left_out += [each.heading for each in shown if each.heading == name]
        shown = [each for each in shown if each.heading != name]
    return (shown, same, left_out) if _widths(shown, room) is not None else (columns, [], [])


def _widths(columns: Sequence[_Column], room: int) -> list[int] | None:
    """A width for each column in so many cells: numbers whole, texts narrowed from the widest; None: impossible."""
    widths = [each.widest for each in columns]
    least = [each.least for each in columns]
    excess = sum(widths) + GAP_CELLS * len(columns) - 1 - room
    while excess > 0:
        spare = [(width, place) for place, width in enumerate(widths) if width > least[place]]
        if not spare:
            return None
        widths[max(spare)[1]] -= 1
        excess -= 1
    return widths


def _print_table(console: Console, columns: Sequence[_Column], widths: Sequence[int]) -> None:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), header_style="bold", pad_edge=False)
    for each, width in zip(columns, widths, strict=True):
        justify = "left" if each.is_text else "right"
        table.add_column(escape(each.heading), justify=justify, width=width, vertical="top")  # type: ignore[arg-type]
    for row in zip(*(each.cells for each in columns), strict=True):
        table.add_row(*map(escape, row))
    console.print(table)


def notes(console: Console, warnings: Iterable[str], assumptions: Iterable[str]) -> None:
    """Warnings and assumptions, a line each."""
    for text in warnings:
        _note(console, "[yellow]⚠[/]", escape(text))
    for text in assumptions:
        _note(console, "[dim]assumed:[/]", f"[dim]{escape(text)}[/]")


def _note(console: Console, mark: str, text: str) -> None:
    """A mark, and a text that hangs beside it."""
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(mark, text)
    console.print(Padding(table, (0, 0, 0, 2), expand=False))
