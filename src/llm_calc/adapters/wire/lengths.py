"""Lengths that vary, classes of requests, and targets."""

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from llm_calc.adapters.wire.base import StrictRequest
from llm_calc.adapters.wire.engine_names import typed_word

Tokens = Annotated[float, Field(ge=1, le=1e8)]
Level = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(gt=0, le=1e6)]
MOST_POINTS = 1000

NEEDED: dict[str, tuple[str, ...]] = {
    "fixed": ("mean",),
    "uniform": ("min", "max"),
    "normal": ("mean", "std"),
    "lognormal": ("mean", "std"),
    "exponential": ("mean",),
    "quantiles": ("levels", "values"),
    "histogram": ("edges", "counts"),
}
"""The parameters that each distribution must have."""
CUT = ("normal", "lognormal", "exponential")
"""Distributions with endless tails, which min and max cut off."""


class LengthPart(StrictRequest):
    """A length that varies from request to request."""

    distribution: Annotated[
        Literal["fixed", "uniform", "normal", "lognormal", "exponential", "quantiles", "histogram"],
        BeforeValidator(typed_word),
    ] = Field(description="Which distribution; its parameters stand beside it")
    mean: Tokens | None = Field(
        None, description="Mean before any cut, of fixed, normal, lognormal, exponential [tokens]"
    )
    std: Annotated[float, Field(gt=0, le=1e8)] | None = Field(
        None, description="Standard deviation, of normal and lognormal [tokens]"
    )
    min: Tokens | None = Field(None, description="Least length, of uniform; a cut of endless tails [tokens]")
    max: Tokens | None = Field(
        None, description="Largest length, of uniform; a cut of endless tails [tokens]"
    )
    levels: Annotated[list[Level], Field(min_length=2, max_length=MOST_POINTS)] | None = Field(
        None, description="Of quantiles: levels from 0 to 1, rising [-]"
    )
    values: Annotated[list[Tokens], Field(min_length=2, max_length=MOST_POINTS)] | None = Field(
        None, description="Of quantiles: the length at each level, linear between [tokens]"
    )
    edges: Annotated[list[Tokens], Field(min_length=2, max_length=MOST_POINTS + 1)] | None = Field(
        None, description="Of histogram: the ends of the bins, rising [tokens]"
    )
    counts: (
        Annotated[list[Annotated[float, Field(ge=0, le=1e15)]], Field(min_length=1, max_length=MOST_POINTS)]
        | None
    ) = Field(None, description="Of histogram: requests in each bin [requests]")

    @model_validator(mode="after")
    def _sound(self) -> "LengthPart":
        needed = NEEDED[self.distribution]
        allowed = {*needed, *(("min", "max") if self.distribution in CUT else ())}
        given = {name for name in type(self).model_fields if name != "distribution" and self._has(name)}
        if missing := [name for name in needed if name not in given]:
            raise ValueError(f"{self.distribution} needs {' and '.join(missing)}")
        if other := sorted(given - allowed):
            raise ValueError(f"{self.distribution} has no {other[0]}; it takes {', '.join(sorted(allowed))}")
        self._check_numbers()
        return self

    def _has(self, name: str) -> bool:
        return getattr(self, name) is not None

    def _check_numbers(self) -> None:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min must not be above max")
        if self.levels is not None and self.values is not None:
            if len(self.levels) != len(self.values):
                raise ValueError("levels and values must be as many")
            if self.levels[0] != 0 or self.levels[-1] != 1 or not _rises(self.levels, strictly=True):
                raise ValueError("levels must rise from 0 to 1")
            if not _rises(self.values):
                raise ValueError("values must not fall")
        if self.edges is not None and self.counts is not None:
            if len(self.edges) != len(self.counts) + 1:
                raise ValueError("edges must be one more than counts")
            if not _rises(self.edges, strictly=True):
                raise ValueError("edges must rise")
            if not sum(self.counts):
                raise ValueError("counts must not all be 0")


def _rises(values: list[float], *, strictly: bool = False) -> bool:
    return all(a < b if strictly else a <= b for a, b in pairwise(values))


class TargetsPart(StrictRequest):
    """What a request is to keep; one that keeps all that is given counts as good."""

    ttft_s: Seconds | None = Field(None, description="Time to first token [s]")
    tpot_s: Seconds | None = Field(None, description="Mean time of each further token of the request [s]")
    request_latency_s: Seconds | None = Field(None, description="From sending to the last token [s]")

    @model_validator(mode="after")
    def _something(self) -> "TargetsPart":
        if self.ttft_s is None and self.tpot_s is None and self.request_latency_s is None:
            raise ValueError("at least one of ttft_s, tpot_s, request_latency_s must be given")
        return self


TokenCount = Annotated[int, Field(ge=1, le=100_000_000)]
Length = TokenCount | LengthPart
"""A number of tokens, or a distribution of it."""


class ClassPart(StrictRequest):
    """One class of requests."""

    name: Annotated[str, Field(min_length=1, max_length=60)] = Field(description="What it is called")
    share: Annotated[float, Field(gt=0, le=1)] = Field(
        description="Its part of all requests; all classes together 1 [-]"
    )
    input_tokens: Length = Field(
        description="Prompt tokens of a request, a number or a distribution [tokens]"
    )
    output_tokens: Length = Field(
        description="Generated tokens of a request, a number or a distribution [tokens]"
    )
    targets: TargetsPart | None = Field(None, description="What its requests are to keep")
