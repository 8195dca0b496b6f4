"""Commands whose options are the fields of a dataclass, so that commands share them."""

from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from inspect import Parameter, Signature
from typing import Any, ClassVar, Protocol, TypeVar, get_type_hints

import typer

from llm_calc.cli.exits import exit_codes

HELP = {"help_option_names": ["-h", "--help"]}


class Options(Protocol):
    """Options of a command: a dataclass whose fields are annotated as Typer takes them."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


OptionsT = TypeVar("OptionsT", bound=Options)


def add_command(
    app: typer.Typer, name: str, options: type[OptionsT], act: Callable[[OptionsT], None]
) -> None:
    """Add a command that calls ``act`` with its options; the docstring of ``act`` is its help."""

    def run(**values: Any) -> None:  # noqa: ANN401 - as the options say
        with exit_codes(as_json=bool(values.get("as_json"))):
            act(options(**values))

    hints = get_type_hints(options, include_extras=True)
    parameters = [_parameter(field, hints[field.name]) for field in fields(options)]
    run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    run.__doc__ = act.__doc__
    app.command(name, context_settings=HELP)(run)


def _parameter(field: Field[Any], annotation: object) -> Parameter:
    default = Parameter.empty if field.default is MISSING else field.default
    return Parameter(field.name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
