"""Recorded requests in place of a load, and what an answer says of them."""

from functools import cached_property
from typing import Annotated

from pydantic import Field, model_validator

from llm_calc.adapters.traces import MOST_CHARACTERS, MOST_ROWS, read_trace, unit_taken
from llm_calc.adapters.wire.base import Answer, StrictRequest, fault_at
from llm_calc.adapters.wire.workloads import TierHits
from llm_calc.core.workloads.traces import Trace

BLOCK_TOKENS = 512


class TracePart(StrictRequest):
    """Recorded requests: Mooncake's JSON lines, or CSV of arrival_s, input_tokens, output_tokens, hash_ids."""

    text: Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS)] = Field(
        description=f"The lines, at most {MOST_ROWS}"
    )
    block_tokens: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        BLOCK_TOKENS, description="Tokens of one of hash_ids [tokens]"
    )
    speed: Annotated[float, Field(gt=0, le=1e6)] = Field(1.0, description="Times as fast as recorded [-]")

    @model_validator(mode="after")
    def _readable(self) -> "TracePart":
        try:
            _ = self._read
        except ValueError as error:
            raise fault_at(type(self), "text", str(error), self.text[:40]) from None
        return self

    @cached_property
    def _read(self) -> tuple[Trace, tuple[str, ...]]:
        return read_trace(self.text, self.block_tokens, self.speed)

    @property
    def trace(self) -> Trace:
        """The requests in the order of their arrival."""
        return self._read[0]

    @property
    def unused(self) -> tuple[str, ...]:
        """Fields of the lines that say nothing here."""
        return self._read[1]

    @property
    def unit_taken(self) -> str:
        """Which unit was taken for times that name none."""
        return unit_taken(self.text)

    def mean_tokens(self, name: str) -> int:
        """The mean of prompts (``input_tokens``) or answers [tokens]."""
        lengths = self.trace.prompts if name == "input_tokens" else self.trace.outputs
        return max(1, round(sum(lengths) / len(lengths)))

    @property
    def longest_tokens(self) -> int:
        """The longest prompt with its answer [tokens]."""
        return round(max(map(sum, zip(self.trace.prompts, self.trace.outputs, strict=True))))


class TraceAnswer(Answer):
    """What follows for a trace."""

    requests: int = Field(description="Requests of the trace [requests]")
    span_s: float = Field(description="From the first to the last arrival [s]")
    elapsed_s: float = Field(description="From the first arrival to the last token of all [s]")
    prompt_tokens: float = Field(description="Mean prompt [tokens]")
    output_tokens: float = Field(description="Mean answer [tokens]")
    hit_fraction: float = Field(description="Part of all prompt tokens that was not computed again [-]")
    most_hit_fraction: float = Field(description="The same if every block were kept [-]")
    tiers: list[TierHits] = Field(description="Where it was found, the GPU first")
