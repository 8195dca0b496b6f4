"""From options to the printed answer."""

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from llm_calc.cli.exits import Exit
from llm_calc.cli.options import FieldOptions

if TYPE_CHECKING:
    from pydantic import BaseModel
    from rich.console import Console

    from llm_calc.adapters.operations import Operation
    from llm_calc.cli.bodies import Body

AnswerT = TypeVar("AnswerT", bound="BaseModel")
PIPED_COLUMNS = 200
"""Width of tables that go into a file or another program."""


def answer(operation: "Operation[Any, AnswerT]", body: "Body") -> AnswerT:
    """What the service would answer to a body."""
    from llm_calc.adapters.all_catalogs import chosen_catalogs as catalogs

    return operation.answered(body, catalogs())


def present(found: AnswerT, show: "Callable[[Console, AnswerT], None]", *, as_json: bool) -> None:
    """Print an answer, as JSON or as tables."""
    if as_json:
        print(found.model_dump_json(), flush=True)
    else:
        show(console(), found)


def answer_and_present(
    operation: "Operation[Any, AnswerT]",
    options: FieldOptions,
    paths: dict[str, str],
    show: "Callable[[Console, AnswerT], None]",
) -> AnswerT:
    """Ask what the options say, and print the answer."""
    from llm_calc.cli.bodies import body_of

    found = answer(operation, body_of(options, paths))
    present(found, show, as_json=options.as_json)
    return found


def end(*, yes: bool) -> None:
    """End with the exit code of an answer that is no."""
    if not yes:
        sys.exit(Exit.NO)


def console() -> "Console":
    """The terminal; what goes elsewhere is as wide as its rows need."""
    from rich.console import Console

    class Terminal(Console):
        """A console that leaves closed pipes to ``exit_codes``."""

        def on_broken_pipe(self) -> None:
            """Pass it on."""
            raise BrokenPipeError

    is_wide = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Terminal(highlight=False, width=PIPED_COLUMNS if is_wide else None)
