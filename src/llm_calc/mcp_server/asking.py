"""Asking an operation with the arguments of a tool."""

from collections.abc import Mapping
from typing import Any

from llm_calc.adapters.all_catalogs import chosen_catalogs
from llm_calc.adapters.operations import AnswerT, Operation
from llm_calc.core.errors import InvalidInputError


def answer(
    operation: Operation[Any, AnswerT], further: Mapping[str, Any] | None = None, **fields: object
) -> AnswerT:
    """The answer of an operation; what a caller left out is left out of the request.

    ``further``: fields of the endpoint that are no arguments of the tool.

    Raises:
        InvalidInputError: one of them is an argument; names it.
    """
    twice = [name for name in further or {} if name in fields]
    if twice:
        raise InvalidInputError(f"further.{twice[0]}: is an argument of its own", field=f"further.{twice[0]}")
    given = {name: value for name, value in fields.items() if value is not None}
    return operation.answered({**given, **(further or {})}, chosen_catalogs())
