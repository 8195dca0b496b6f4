"""Running the command in this process, as a shell would see it."""

from typer.testing import CliRunner, Result

from llm_calc.cli.app import app

COLUMNS = {"COLUMNS": "160"}


def run(*arguments: object, given: str | bytes | None = None) -> Result:
    """Run the command with arguments and, where given, standard input."""
    result = CliRunner().invoke(app, [str(each) for each in arguments], input=given, env=COLUMNS)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result
