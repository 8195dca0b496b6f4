"""The command ``llm-calc``, also as ``python -m llm_calc``."""

import argparse
import gc
import sys


def main() -> None:
    """Run the command that was asked for."""
    parser = argparse.ArgumentParser(prog="llm-calc")
    commands = parser.add_subparsers(dest="command", required=True)
    serve_command = commands.add_parser("serve", help="answer requests over HTTP")
    serve_command.add_argument("--host")
    serve_command.add_argument("--port", type=int)
    arguments = parser.parse_args()

    # What is imported and loaded at start stays: looking through it for garbage costs a sixth of the start.
    gc.disable()
    from pydantic import ValidationError

    from llm_calc.api.server import serve
    from llm_calc.api.settings import Settings

    given = {key: value for key, value in vars(arguments).items() if key != "command" and value is not None}
    try:
        settings = Settings(**given)
    except ValidationError as error:
        sys.exit("\n".join(f"LLM_CALC_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors()))
    serve(settings)


if __name__ == "__main__":
    main()
