"""Asking an operation with the arguments of a tool."""

from typing import Any

from llm_calc.adapters.all_catalogs import chosen_catalogs
from llm_calc.adapters.operations import AnswerT, Operation


def answer(operation: Operation[Any, AnswerT], **fields: object) -> AnswerT:
    """The answer of an operation; what a caller left out is left out of the request."""
    given = {name: value for name, value in fields.items() if value is not None}
    return operation.answered(given, chosen_catalogs())
