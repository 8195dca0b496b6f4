"""Errors of one row's request told by the fields of the request that has the rows."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from llm_calc.core.errors import InvalidInputError

if TYPE_CHECKING:
    from llm_calc.adapters.wire.fitting import FitRequest


@contextmanager
def said_as(names: Mapping[str, str]) -> Iterator[None]:
    """Refusals inside name these fields in place of those of the row."""
    try:
        yield
    except InvalidInputError as error:
        name = names.get(error.field or "")
        if name is not None and error.field is not None:
            error.message = error.message.replace(error.field, name, 1)
            error.args = (error.message,)
            error.details["field"] = error.field = name
        raise


def fields_of_rows(request: "FitRequest") -> dict[str, str]:
    """Fields of a row's request that are lists of this one, where it states them."""
    weights = {"precision.weights": "formats"} if request.formats else {}
    caches = ("precision.kv_cache", "engine.cache_type_k", "engine.cache_type_v")
    return {**weights, **(dict.fromkeys(caches, "cache_types") if request.cache_types else {})}
