"""The command ``llm-calc``, also as ``python -m llm_calc``."""

import sys
from io import TextIOWrapper

INTERRUPTED = 130
HELP = {"-h", "--help"}


def main() -> None:
    """Run the command that was asked for."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A terminal that knows no ✓ shows a question mark; that is no reason to fail.
            stream.reconfigure(errors="replace")
    try:
        _run(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _run(arguments: list[str]) -> None:
    if arguments[:1] == ["serve"] and HELP.isdisjoint(arguments):
        from llm_calc.cli.service import serve_at_once

        serve_at_once(arguments[1:])
    else:
        from llm_calc.cli.app import app

        app(prog_name="llm-calc")


if __name__ == "__main__":
    main()
