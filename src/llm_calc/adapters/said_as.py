"""Errors of one row's request told by the fields of the request that has the rows."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError, ValidatorFunctionWrapHandler, WrapValidator

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


@contextmanager
def refused_within(place: str) -> Iterator[None]:
    """Refusals inside name the part of the request that they are about: ``base``, ``scenarios[1]``."""
    try:
        yield
    except InvalidInputError as error:
        error.message = f"{place}.{error.message}"
        error.args = (error.message,)
        error.details["field"] = error.field = f"{place}.{error.field}" if error.field else place
        raise


def within_list(name: str) -> WrapValidator:
    """What a request of a list refuses as a whole, such as flags that contradict its parts, names its place in it."""

    def checked(data: Any, handler: ValidatorFunctionWrapHandler) -> Any:  # noqa: ANN401 - whatever a request holds
        try:
            return handler(data)
        except InvalidInputError:
            for place in range(len(data)):
                with refused_within(f"{name}[{place}]"), suppress(ValidationError):
                    handler(data[place : place + 1])
            raise

    return WrapValidator(checked)
