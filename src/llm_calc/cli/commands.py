"""Commands whose options are the fields of a dataclass, so that commands share them."""

from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, fields
from inspect import Parameter, Signature
from typing import Any, ClassVar, Protocol, TypeVar, get_type_hints

import typer
from typer.models import ArgumentInfo

from llm_calc.cli.exits import exit_codes
from llm_calc.cli.options import PANELS
from llm_calc.cli.parsing import HELP_OPTIONS, Command

FIRST = ("gpu", "gpus", "count", "num_gpus")
"""What stands first in its group."""


class Options(Protocol):
    """Options of a command: a dataclass whose fields are annotated as Typer takes them."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


OptionsT = TypeVar("OptionsT", bound=Options)


def add_command(
    app: typer.Typer,
    name: str,
    options: type[OptionsT],
    act: Callable[[OptionsT], None],
    *,
    panel: str,
    examples: Sequence[str] = (),
) -> None:
    """Add a command that calls ``act`` with its options; the docstring of ``act`` is its help."""

    def run(**values: Any) -> None:  # noqa: ANN401 - as the options say
        with exit_codes(as_json=bool(values.get("as_json"))):
            act(options(**values))

    hints = get_type_hints(options, include_extras=True)
    ordered = sorted(fields(options), key=lambda field: (_place(hints[field.name]), field.name not in FIRST))
    run.__signature__ = Signature(  # type: ignore[attr-defined]
        [_parameter(field, hints[field.name]) for field in ordered]
    )
    run.__doc__ = act.__doc__
    epilog = (
        "[bold]Examples[/]\n" + "\n".join(f"  llm-calc {each}" for each in examples) if examples else None
    )
    app.command(name, cls=Command, context_settings=HELP_OPTIONS, rich_help_panel=panel, epilog=epilog)(run)


def _place(annotation: Any) -> int:  # noqa: ANN401 - Annotated
    """Where a parameter stands in the help: arguments, then options by their panel."""
    info = annotation.__metadata__[0]
    return -1 if isinstance(info, ArgumentInfo) else PANELS.index(info.rich_help_panel)


def _parameter(field: Field[Any], annotation: object) -> Parameter:
    default = Parameter.empty if field.default is MISSING else field.default
    return Parameter(field.name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
