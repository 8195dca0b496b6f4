"""``llm-calc serve`` without what only the other commands need: the service starts a tenth of a second sooner."""

import argparse
import gc
import sys
from collections.abc import Sequence


def serve_at_once(arguments: Sequence[str]) -> None:
    """Serve as the arguments after ``serve`` say."""
    parser = argparse.ArgumentParser(prog="llm-calc serve", allow_abbrev=False)
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    given = parser.parse_args(arguments)
    serve(given.host, given.port)


def serve(host: str | None, port: int | None) -> None:
    """Answer requests until the process is told to stop; what is None is as the environment says.

    Raises:
        SystemExit: with a sentence where a setting cannot be right.
    """
    # What is imported and loaded at start stays: looking through it for garbage costs a sixth of the start.
    gc.disable()
    from pydantic import ValidationError

    from llm_calc.api.server import serve as answer_requests
    from llm_calc.api.settings import Settings

    given = {"host": host, "port": port}
    try:
        settings = Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        sys.exit("\n".join(f"LLM_CALC_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors()))
    answer_requests(settings)
