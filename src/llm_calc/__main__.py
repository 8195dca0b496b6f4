"""The command ``llm-calc``, also as ``python -m llm_calc``."""

import sys


def main() -> None:
    """Run the command that was asked for; ``serve`` without help starts without loading the other commands."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["serve"] and not {"--help", "-h"} & set(arguments):
        _serve(arguments[1:])
        return
    from llm_calc.cli.app import app

    app(prog_name="llm-calc")


def _serve(arguments: list[str]) -> None:
    import argparse

    from llm_calc.starting import start_service

    parser = argparse.ArgumentParser(prog="llm-calc serve")
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    start_service(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    main()
