"""What an operation is, and the one that is asked most often: the documented calculation.

It stands apart from ``operations``, so that a service which is asked for nothing else loads nothing else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.json_text import with_whole_numbers
from llm_calc.adapters.validation_text import refusal_of
from llm_calc.adapters.wire.documented_requests import CalculateRequest
from llm_calc.adapters.wire.documented_responses import CalculateResponse

RequestT = TypeVar("RequestT", bound=BaseModel)
AnswerT = TypeVar("AnswerT", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Late:
    """A function of a module of ``adapters`` that is loaded with its first call."""

    module: str
    function: str

    def load(self) -> Callable[[Any, Catalogs], Any]:
        """The function itself."""
        found: Callable[[Any, Catalogs], Any] = getattr(
            import_module(f"llm_calc.adapters.{self.module}"), self.function
        )
        return found

    def __call__(self, request: BaseModel, catalogs: Catalogs) -> Any:  # noqa: ANN401 - the operation's answer
        """Call the function."""
        return self.load()(request, catalogs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Generic[RequestT, AnswerT]):
    """One question that can be asked.

    ``description``: what it is, for readers of the API. ``takes_long``: it may run for longer than a few
    milliseconds. ``has_parts``: its request is made of parts, which have short forms.
    """

    name: str
    description: str
    request: type[RequestT]
    answer: type[AnswerT]
    run: Late
    takes_long: bool = False
    has_parts: bool = True

    @property
    def path(self) -> str:
        """Where the service answers it."""
        return f"/api/{self.name}"

    def body(self, fields: Mapping[str, Any], gguf_head_bytes: int | None = None) -> dict[str, Any]:
        """The request as the service takes it: every short form replaced by its part.

        Raises:
            InvalidInputError: a model's file that cannot be read.
        """
        if not self.has_parts:
            return dict(fields)
        from llm_calc.adapters.shorthand import expanded

        return expanded(fields) if gguf_head_bytes is None else expanded(fields, gguf_head_bytes)

    def answered(self, fields: Mapping[str, Any], catalogs: Catalogs) -> AnswerT:
        """The answer to a request given by its fields, short forms included.

        Raises:
            InvalidInputError: a field that cannot be right; names each and says what is accepted.
            RefusedError: the request is sound and the answer is no.
        """
        found: AnswerT = self.run(validated(self.request, self.body(fields)), catalogs)
        return found


def validated(kind: type[RequestT], body: Mapping[str, Any]) -> RequestT:
    """A body as a request, in the words in which the service refuses one.

    Raises:
        InvalidInputError: it is none; names every wrong field and what it accepts.
    """
    try:
        return kind.model_validate(with_whole_numbers(dict(body)))
    except ValidationError as error:
        raise refusal_of(error, kind) from None


CALCULATE = Operation(
    name="calculate",
    description="Memory, FLOPs, flat-roofline timing and parallelism of one model on one kind of GPU.\n\n"
    "Sizes called GB are 2^30 bytes. Decode never runs above the GPU's memory bandwidth; without a `gpu` only the "
    "compute roof is known. Unknown fields are answered with a warning.",
    request=CalculateRequest,
    answer=CalculateResponse,
    run=Late("documented.calculate", "answer_calculate"),
    has_parts=False,
)
