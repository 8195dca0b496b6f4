"""Starting the service, for the command and its shortcut."""

import gc
import sys


def start_service(*, host: str | None, port: int | None) -> None:
    """Answer requests over HTTP until told to stop.

    Raises:
        SystemExit: a setting cannot be right; names it.
    """
    # What is imported and loaded at start stays: looking through it for garbage costs a sixth of the start.
    gc.disable()
    from pydantic import ValidationError

    from llm_calc.api.server import serve
    from llm_calc.api.settings import Settings

    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    try:
        settings = Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        sys.exit("\n".join(f"LLM_CALC_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors()))
    serve(settings)
