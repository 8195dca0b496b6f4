"""The command line's own refusals and help, in the words and the shape of everything else.

Typer's parser says what is wrong in a frame and in words of its own; here it says it as the operations do:
``Error: --concurrency: must be a whole number``, with exit code 2, and as JSON where ``--json`` is given.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from llm_calc.adapters.token_counts import read_tokens
from llm_calc.cli.exits import CommandLineError, Exit, exit_codes

OUTPUT = "Output"
QUOTED = '; names of several words go in quotes: --gpu "h100 80gb"'
HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}
_USAGE_ERROR: type[Exception] = typer.BadParameter.__bases__[0]
_WORDS = (
    (re.compile(r"valid integer"), "must be a whole number"),
    (re.compile(r"valid number"), "must be a number"),
    (re.compile(r"requires an argument"), "needs a value"),
    (re.compile(r"does not take a value"), "takes no value"),
)


class Command(TyperCommand):
    """A command whose help names no type of its switches."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 - Typer's own context
        """The parameters, with the switches' type left out and the help beside the other output."""
        return _plain(super().get_params(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401
        """Write the help; a reader who has had enough ends it well."""
        with _closed_pipes():
            super().format_help(ctx, formatter)


class Group(TyperGroup):
    """The command ``llm-calc`` itself: it turns every refusal of the parser into a sentence."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401
        """As of a command."""
        return _plain(super().get_params(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401
        """As of a command."""
        with _closed_pipes():
            super().format_help(ctx, formatter)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401
        """The command of a name.

        Raises:
            CommandLineError: there is none of that name; offers the nearest.
        """
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            hint = nearest(args[0], self.commands)
            raise CommandLineError(f"{args[0]}: is not a known command{hint}", "llm-calc --help")
        return super().resolve_command(ctx, args)

    def main(  # type: ignore[override]  # what it takes beside goes on to Typer as it is
        self,
        args: Sequence[str] | None = None,
        *,
        standalone_mode: bool = True,  # noqa: ARG002 - it always ends with an exit code
        **extra: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        """Run the command that the arguments say, and end with its exit code."""
        given = sys.argv[1:] if args is None else list(args)
        with exit_codes(as_json="--json" in given):
            try:
                code = super().main(given, standalone_mode=False, **extra)
            except _USAGE_ERROR as error:
                command = given[0] if given and given[0] in self.commands else ""
                raise _refusal(error, command) from None
        sys.exit(code if isinstance(code, int) else Exit.ANSWERED)


@contextmanager
def _closed_pipes() -> Iterator[None]:
    """Help that is cut off by its reader is no failure; Rich ends the process with 1 there."""
    try:
        yield
    except SystemExit:
        raise typer.Exit(Exit.ANSWERED) from None


def nearest(name: str, known: Iterable[str]) -> str:
    """``; did you mean …?`` with the nearest known names, or nothing.

    >>> nearest("estmate", ["estimate", "memory"]), nearest("x", ["estimate"])
    ('; did you mean estimate?', '')
    """
    close = get_close_matches(name.lower(), list(known), n=2)
    return f"; did you mean {' or '.join(close)}?" if close else ""


def tokens(text: str) -> int:
    """A count of tokens as people type it: 65536, 64k, 32,768.

    Raises:
        BadParameter: it is none.
    """
    found = read_tokens(text)
    try:
        return int(text) if found is None else found
    except ValueError:
        raise typer.BadParameter("must be a whole number, such as 65536 or 64k (of 1,024)") from None


_TIME = re.compile(r"(?P<number>[\d.]+(?:e-?\d+)?)\s*(?P<unit>ms|s|min|h)?", re.IGNORECASE)
_SECONDS = {"s": 1, "min": 60, "h": 3600}


def seconds(text: str) -> float:
    """A time as people type it: 2, 2s, 500ms, 5 min.

    Raises:
        BadParameter: it is none.
    """
    found = _TIME.fullmatch(text.strip())
    try:
        number, unit = (float(found["number"]), found["unit"] or "s") if found else (float(text), "s")
        return number / 1000 if unit.lower() == "ms" else number * _SECONDS[unit.lower()]
    except ValueError:
        raise typer.BadParameter("must be a number of seconds, or a time such as 500ms or 2s") from None


def dollars(text: str) -> float:
    """A sum as people type it: 20, $20, 1,250.

    Raises:
        BadParameter: it is none.
    """
    grouped = re.fullmatch(r"\$?\s*(\d{1,3}(?:,\d{3})*(?:\.\d*)?)", text.strip())
    try:
        return float(grouped[1].replace(",", "") if grouped else text.strip().removeprefix("$"))
    except ValueError:
        raise typer.BadParameter("must be a number of US dollars, such as 20 or $20") from None


def _plain(params: list[Any]) -> list[Any]:
    for each in params:
        if isinstance(each, TyperOption) and each.is_flag:
            each.metavar = ""
            each.rich_help_panel = each.rich_help_panel or OUTPUT
        elif not isinstance(each, TyperOption):
            each.display_type_rich = lambda **_: None
    return params


def _refusal(error: Any, command: str) -> CommandLineError:  # noqa: ANN401 - Typer's own, private
    """What the parser refuses, as the operations would say it, and where to read on."""
    if type(error).__name__ == "NoArgsIsHelpError":
        sys.exit(Exit.REFUSED)
    context = getattr(error, "ctx", None)
    path = context.command_path if context else f"llm-calc {command}".strip()
    return CommandLineError(_sentence(error), f"{path} --help")


def _sentence(error: Any) -> str:  # noqa: ANN401
    param, option = getattr(error, "param", None), getattr(error, "option_name", None)
    if hasattr(error, "possibilities"):
        known = {
            name[2:]: name for each in error.ctx.command.params for name in each.opts if name.startswith("--")
        }
        close = get_close_matches(str(option).lstrip("-").lower(), known, n=2)  # dashes are no likeness
        hint = f"; did you mean {' or '.join(known[each] for each in close)}?" if close else ""
        return f"{option}: is not a known option{hint}"
    name = option or (param.opts[0] if isinstance(param, TyperOption) else param and param.display_name_raw)
    message = error.message.strip()
    if type(error).__name__ == "MissingParameter":
        return f"{name}: is required"
    for pattern, words in _WORDS:
        if name and pattern.search(message):
            return f"{name}: {words}"
    extra = re.fullmatch(r"Got unexpected extra argument(?:s|\(s\))? \((.*)\)", message)
    if extra:
        params = error.ctx.command.params if getattr(error, "ctx", None) else ()
        quoted = QUOTED if any("--gpu" in each.opts for each in params) else ""
        return f"{extra[1]}: one argument more than the command takes{quoted}"
    return f"{name}: {message}" if name else message
