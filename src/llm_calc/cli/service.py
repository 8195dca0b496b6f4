"""``llm-calc serve`` without what only the other commands need: the service starts a tenth of a second sooner."""

import argparse
import gc
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import NoReturn

REFUSED = 2
COUNTS = "PROMETHEUS_MULTIPROC_DIR"
_WORDS = {"invalid": "must be a whole number", "expecte": "needs a value"}


def serve_at_once(arguments: Sequence[str]) -> None:
    """Serve as the arguments after ``serve`` say."""
    parser = _Parser(prog="llm-calc serve", allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    parser.add_argument("--workers", type=int)
    try:
        given, rest = parser.parse_known_args(arguments)
    except argparse.ArgumentError as error:
        parser.error(f"{error.argument_name}: {_WORDS.get(error.message[:7], error.message)}")
    if rest:
        what = (
            "is not a known option" if rest[0].startswith("-") else "one argument more than the command takes"
        )
        parser.error(f"{rest[0]}: {what}")
    serve(given.host, given.port, given.workers)


class _Parser(argparse.ArgumentParser):
    """Refuses a command line in the words of the other commands."""

    def error(self, message: str) -> NoReturn:
        """End with a sentence and exit code 2."""
        print(f"Error: {message}\nTry: {self.prog} --help", file=sys.stderr)
        sys.exit(REFUSED)


def serve(host: str | None, port: int | None, workers: int | None = None) -> None:
    """Answer requests until the process is told to stop; what is None is as the environment says.

    Raises:
        SystemExit: with a sentence where a setting cannot be right.
    """
    # What is imported and loaded at start stays: looking through it for garbage costs a sixth of the start.
    gc.disable()
    from pydantic import ValidationError

    from llm_calc.api.settings import Settings

    given = {"host": host, "port": port, "workers": workers}
    try:
        settings = Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        for each in error.errors():
            name = str(each["loc"][0])
            where = f"--{name}" if given.get(name) is not None else f"LLM_CALC_{name.upper()}"
            print(f"Error: {where}: {each['msg'].replace('Input should', 'must')}", file=sys.stderr)
        sys.exit(REFUSED)
    with _folder_of_counts(settings.workers):
        with _models_built_when_needed():
            import fastapi  # noqa: F401
        from llm_calc.api.server import serve as answer_requests

        answer_requests(settings)


@contextmanager
def _models_built_when_needed() -> Iterator[None]:
    """The framework's models of an API description are built with the first description, not while it is loaded."""
    from pydantic import BaseModel, ConfigDict

    usual = BaseModel.model_config
    BaseModel.model_config = ConfigDict(defer_build=True)
    try:
        yield
    finally:
        BaseModel.model_config = usual


@contextmanager
def _folder_of_counts(workers: int) -> Iterator[None]:
    """Where several processes keep what they count; named before the library that counts is loaded."""
    if workers == 1 or COUNTS in os.environ:
        yield
        return
    with TemporaryDirectory(prefix="llm-calc-", ignore_cleanup_errors=True) as folder:
        os.environ[COUNTS] = folder
        yield
