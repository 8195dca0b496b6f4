"""Running one operation from the command line: errors to sentences and exit codes, answers to tables or JSON.

==========  =================================================================
exit code   means
==========  =================================================================
0           answered
1           a fault of the program
2           the request cannot be right; the message names the field
3           answered, and the answer is no: it does not fit, or no plan holds
4           a file cannot be read
==========  =================================================================
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from llm_calc import library
from llm_calc.adapters.operations import Body
from llm_calc.cli.sources import UnreadableError
from llm_calc.cli.tables import facts, remarks
from llm_calc.core.errors import CalcError, RefusedError

INVALID, REFUSED, UNREADABLE = 2, 3, 4
console = Console()
errors = Console(stderr=True)


@contextmanager
def told_errors() -> Iterator[None]:
    """Expected refusals as one sentence on standard error, with their exit code."""
    try:
        yield
    except UnreadableError as error:
        _leave(str(error), UNREADABLE)
    except RefusedError as error:
        _leave(error.message, REFUSED)
    except CalcError as error:
        _leave(error.message, INVALID)


def _leave(message: str, code: int) -> None:
    errors.print(f"error: {message}", highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(code)


def engine_flags(given: list[str] | None) -> Body:
    """``name=value`` pairs as the engine's own options; values are read as JSON where they are.

    Raises:
        UnreadableError: a pair without ``=``.
    """
    return dict(_flag(each) for each in given or ())


def _flag(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator:
        raise UnreadableError(f"--engine-option {text}: must be name=value")
    words = {"true": True, "false": False, "null": None}
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            continue
    return name, words.get(value, value)


def tell(
    operation: str,
    body: Body,
    *,
    as_json: bool,
    table: Callable[[Mapping[str, Any]], Table] | None = None,
) -> dict[str, Any]:
    """Asks, and prints the answer: as JSON, or as a table with its warnings and assumptions."""
    answer = library.ask(operation, body)
    content: dict[str, Any] = answer.model_dump(mode="json")
    if as_json:
        typer.echo(answer.model_dump_json(indent=2))
        return content
    console.print(table(content) if table else facts(operation, content))
    remarks(console, content)
    return content
