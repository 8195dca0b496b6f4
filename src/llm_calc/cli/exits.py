"""How the command ends: its exit codes, and errors as sentences.

======  ===============================================================
code    meaning
======  ===============================================================
0       answered
1       failed: a fault of the program or of the machine
2       refused: a command line, a file or a field that cannot be right
3       answered, and the answer is no: it does not fit, nothing holds it
130     interrupted
======  ===============================================================
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from llm_calc.core.errors import CalcError, InvalidInputError, RefusedError


class Exit(IntEnum):
    """Exit codes of the command."""

    ANSWERED = 0
    FAILED = 1
    REFUSED = 2
    NO = 3
    INTERRUPTED = 130


class CommandLineError(InvalidInputError):
    """A command line that cannot be right. ``hint``: the command that helps on."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@contextmanager
def exit_codes(*, as_json: bool) -> Iterator[None]:
    """Turn expected refusals into a sentence and an exit code; with ``as_json`` into what the service would answer."""
    try:
        yield
        sys.stdout.flush()  # a full disk may show only now
    except CalcError as error:
        _say(error, as_json=as_json)
        sys.exit(Exit.NO if isinstance(error, RefusedError) else Exit.REFUSED)
    except KeyboardInterrupt:
        print("Interrupted", file=sys.stderr)
        sys.exit(Exit.INTERRUPTED)
    except BrokenPipeError:
        # Whoever reads has had enough.
        _stop_writing()
        sys.exit(Exit.ANSWERED)
    except OSError as error:
        _stop_writing()
        where = f"{error.filename}: " if error.filename else ""
        print(f"Error: {where}{error.strerror or error}", file=sys.stderr)
        sys.exit(Exit.FAILED)


def _stop_writing() -> None:
    """Nothing more may be written when the interpreter flushes."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(error: CalcError, *, as_json: bool) -> None:
    if not as_json:
        hint = f"\nTry: {error.hint}" if isinstance(error, CommandLineError) else ""
        print(f"Error: {error.message}{hint}", file=sys.stderr)
        return
    from pydantic_core import to_json

    body = {"error": error.message, **({"details": error.details} if error.details else {})}
    print(to_json(body, inf_nan_mode="null", serialize_unknown=True).decode(), flush=True)
