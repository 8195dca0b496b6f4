"""The command ``llm-calc``, also as ``python -m llm_calc``."""

import sys

HELP = {"-h", "--help"}


def main() -> None:
    """Run the command that was asked for."""
    _, *arguments = sys.argv
    if arguments[:1] == ["serve"] and HELP.isdisjoint(arguments):
        from llm_calc.cli.service import serve_at_once

        serve_at_once(arguments[1:])
    else:
        from llm_calc.cli.app import app

        app(prog_name="llm-calc")


if __name__ == "__main__":
    main()
