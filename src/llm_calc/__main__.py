"""The command ``llm-calc``, also as ``python -m llm_calc``."""

from llm_calc.cli.app import app


def main() -> None:
    """Run the command that was asked for."""
    app(prog_name="llm-calc")


if __name__ == "__main__":
    main()
