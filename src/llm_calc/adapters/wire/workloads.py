"""Sessions of a workload, the memories that keep their contexts, and what an answer says of both."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from llm_calc.adapters.wire.base import Answer, StrictRequest
from llm_calc.adapters.wire.engine_names import typed_word

Turns = Annotated[int, Field(ge=1, le=1000)]
Bytes = Annotated[float, Field(gt=0, le=1e18)]
TierName = Literal["host", "disk", "store"]


class SessionsPart(StrictRequest):
    """Requests that are turns of a conversation: each sends all that came before, the last answer included, and more.

    The first prompt is ``input_tokens`` long. ``concurrency`` counts sessions that are alive, ``session_rate`` those
    that begin.
    """

    turns: Turns = Field(8, description="Requests of a session [requests]")
    growth_tokens: Annotated[int, Field(ge=1, le=100_000_000)] | None = Field(
        None,
        description="Tokens that a user or tool adds in each later turn; as many as the first prompt has beyond the "
        "shared beginning if absent [tokens]",
    )
    think_s: Annotated[float, Field(ge=0, le=1e6)] = Field(
        0.0, description="Mean time between an answer and the next turn: reading, typing, a tool [s]"
    )
    shared_prefix_tokens: Annotated[int, Field(ge=0, le=100_000_000)] = Field(
        0,
        description="Beginning that the prompts of all sessions have in common, such as a system prompt [tokens]",
    )

    @property
    def grows(self) -> bool:
        """Whether its requests are more than single ones."""
        return self.turns > 1 or self.shared_prefix_tokens > 0


class KvTierPart(StrictRequest):
    """A memory below the GPU's that keeps contexts, of the whole deployment."""

    tier: Annotated[TierName, BeforeValidator(typed_word)] = Field(
        description="host: the host's memory; disk: local disks; store: a shared store"
    )
    memory_bytes: Bytes | None = Field(
        None,
        description="Its size, of all replicas together [bytes]; host: twice the GPUs' KV cache if absent",
    )
    bandwidth_bytes_per_s: Bytes | None = Field(
        None,
        description="What one replica reads from it [bytes/s]; if absent the peak of its link: host the PCIe links of "
        "the GPUs, disk PCIe 4.0 x4, store 100 Gbit/s",
    )


class TierHits(Answer):
    """What one memory gave."""

    tier: Literal["gpu", "host", "disk", "store"] = Field(description="The memory")
    hit_fraction: float = Field(
        description="Part of all prompt tokens that was found here, and not above [-]"
    )
    capacity_tokens: float = Field(description="Context that it holds, of all replicas [tokens]")
    bandwidth_bytes_per_s: float | None = Field(
        description="What one replica reads from it [bytes/s]; null for the GPU's own"
    )


class SessionsAnswer(Answer):
    """What follows for sessions: what is found in caches, first and later turns, how long a session takes."""

    hit_fraction: float = Field(description="Part of all prompt tokens that was not computed again [-]")
    most_hit_fraction: float = Field(
        description="The same if every context were kept, by the means or, where more, of the run's own prompts [-]"
    )
    tiers: list[TierHits] = Field(description="Where it was found, the GPU first")
    prompt_tokens: float = Field(description="Mean prompt of a turn [tokens]")
    new_tokens: float = Field(description="Mean part of it that was computed [tokens]")
    longest_tokens: float = Field(description="Prompt and answer of the last turn [tokens]")
    first_turn_ttft_s: float | None = Field(
        description="Mean time to first token of first turns [s]; null where the run saw none"
    )
    later_turns_ttft_s: float | None = Field(
        description="The same of later turns [s]; null where there are none"
    )
    session_s: float = Field(
        description="Mean time of a session from its first request to its last token [s]"
    )
    sessions_at_once: float = Field(description="Sessions alive [sessions]")
    sessions_per_s: float = Field(description="Sessions finished [sessions/s]")
    kept_sessions: float = Field(
        description="Sessions without a request at work of whose context the GPUs keep something, ended ones included, "
        "on average [sessions]"
    )
    kept_tokens: float = Field(description="Context that the GPUs keep of them, on average [tokens]")
