"""One question in the core's own terms: what runs where, under which engine, and what its memory has to hold.

A way in makes one of its wire parts, once; whether it fits is computed from it. A search varies it (another layout,
other options of the engine, another load) and writes no request to ask again. What is said where memory and a timed
deployment do not go together stands here as well.
"""

import math
from dataclasses import dataclass, replace
from typing import Protocol

from llm_calc.core.arrays import ceil_div
from llm_calc.core.engines import Engine, MemoryPlan, Setup
from llm_calc.core.parallelism import Layout


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What has to fit at once: so many sequences of so many tokens, all deployed together.

    ``prompt_tokens``: the longest prompt among them; 0 where it is not known.
    """

    sequences: int
    context_tokens: int
    prompt_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An engine's plan, what it was asked to hold, and whether it does."""

    plan: MemoryPlan
    asked: Asked
    fits: bool

    @property
    def serves(self) -> bool:
        """Whether it fits and the engine starts, with its default context where none is said."""
        return self.fits and self.plan.starts

    @property
    def is_scheduled(self) -> bool:
        """Whether it fits and the engine's scheduler runs all of it at once."""
        return self.fits and self.asked.sequences <= self.plan.limits.max_sequences * self.plan.replicas


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Question:
    """A deployment under an engine with its options; ``asked``: None is one sequence of the engine's own context."""

    setup: Setup
    engine: Engine
    asked: Asked | None = None

    def over(self, layout: Layout) -> "Question":
        """The same over another layout of the GPUs."""
        return replace(self, setup=replace(self.setup, layout=layout))

    def under(self, engine: Engine) -> "Question":
        """The same under other options of the engine."""
        return replace(self, engine=engine)

    def held(self) -> Held:
        """What the engine plans, and whether that holds what is asked.

        Raises:
            UnsupportedError: a layout that the engine cannot run.
        """
        plan = self.engine.plan(self.setup)
        asked = self.asked or Asked(sequences=1, context_tokens=plan.max_model_len_tokens)
        return Held(plan=plan, asked=asked, fits=fits(plan, asked))


def runs(plan: MemoryPlan, asked: Asked) -> bool:
    """Whether the engine starts, takes requests of this length, and holds at least one: only then is there a speed."""
    long_enough = asked.context_tokens <= plan.max_model_len_tokens and plan.limits.takes(asked.prompt_tokens)
    return long_enough and plan.can_start and plan.holds(1, asked.context_tokens)


def fits(plan: MemoryPlan, asked: Asked) -> bool:
    """Whether it runs and holds all that was asked for."""
    return runs(plan, asked) and plan.holds(asked.sequences, asked.context_tokens)


def serves(plan: MemoryPlan, asked: Asked) -> bool:
    """Whether the engine starts with its own context too and holds all of it."""
    return plan.starts and fits(plan, asked)


def sequence_bytes(plan: MemoryPlan, context: int) -> float:
    """What one sequence takes of all pools of a GPU [bytes].

    Definition: the sum over pools.
    """
    return sum(float(pool.sequence_bytes(context)) for pool in plan.pools)


def replica_sequences(plan: MemoryPlan, asked: Asked) -> int:
    """Sequences that the replica with most of them holds [sequences].

    ``ceil(sequences / replicas)``.
    Definition: replicas share what is asked evenly.
    """
    return int(ceil_div(asked.sequences, plan.replicas))


def headroom_bytes(plan: MemoryPlan, asked: Asked) -> int:
    """What the tightest pool has left after what was asked for; the budget's shortage where there is no pool [bytes].

    ``min over pools of capacity - sequences x sequence_bytes``, and what the budget lacks.
    Definition: of the fullest replica.
    """
    sequences = replica_sequences(plan, asked)
    left = [
        pool.capacity_bytes - sequences * float(pool.sequence_bytes(asked.context_tokens))
        for pool in plan.pools
    ]
    return round(min(left, default=0.0) + min(0.0, plan.available_bytes))


def whole_concurrency(plan: MemoryPlan) -> float:
    """Sequences of the longest context that fit at once, as a ratio; 0 where nothing is left for them [sequences].

    Definition: :meth:`.base.MemoryPlan.sequences` of the context that the engine is started with.
    """
    return float(plan.sequences(plan.max_model_len_tokens)) if plan.available_bytes > 0 else 0.0


def prompt_text(plan: MemoryPlan, prompt_tokens: int) -> str:
    """Why an engine that cuts no prompts refuses one of this length."""
    return (
        f"a prompt of {prompt_tokens} tokens is refused: it exceeds a step of {plan.limits.max_prompt_tokens} "
        "(engine.max_num_tokens), and engine.enable_chunked_prefill, which cuts it, is off"
    )


def tight_words(plan: MemoryPlan) -> tuple[str, ...]:
    """That steps and CUDA graphs find no room beside what the engine takes for the cache, if so."""
    short = -plan.budget.unallocated_bytes
    if plan.available_bytes <= 0 or short <= 0 or not plan.budget.cuda_graphs_bytes:
        return ()
    late = "; it may start, and run out of memory under load" if plan.can_start else ""
    words = (
        "hardware: CUDA graphs, a step's activations and the engine's share together exceed the GPU's memory by "
        f"{short:.0f} bytes; leave a larger reserve{late}"
    )
    return (words,)


def fit_warnings(plan: MemoryPlan, context_tokens: float, prompt_tokens: int = 0) -> tuple[str, ...]:
    """Why the engine runs no request of this length, if so."""
    asked = Asked(sequences=1, context_tokens=math.ceil(context_tokens), prompt_tokens=prompt_tokens)
    if runs(plan, asked):
        return tight_words(plan)
    if not plan.limits.takes(prompt_tokens) and runs(plan, replace(asked, prompt_tokens=0)):
        return (f"workload: {prompt_text(plan, prompt_tokens)}; figures hold with it",)
    words = "by the engine's memory rules this does not fit"
    return (f"hardware: {words} ({_shortage(plan, asked)}); figures hold if it is made to fit",)


def _shortage(plan: MemoryPlan, asked: Asked) -> str:
    """Why the engine does not run a single request."""
    missing = -plan.available_bytes / 2**30
    if missing > 0:
        return f"{missing:.1f} GiB are missing on each GPU"
    if asked.context_tokens > plan.max_model_len_tokens:
        return f"requests of {asked.context_tokens} tokens are longer than its context of {plan.max_model_len_tokens}"
    if not plan.limits.takes(asked.prompt_tokens):
        return prompt_text(plan, asked.prompt_tokens)
    if plan.refusals:
        return plan.refusals[0]
    if not plan.can_start:
        return f"it does not start with a context of {plan.max_model_len_tokens} tokens"
    return "no request of this length fits"


class Load(Protocol):
    """What is asked of a deployment at once."""

    @property
    def load(self) -> str:
        """Its kind."""

    @property
    def requests_in_flight(self) -> int:
        """How many requests there are at once [requests].

        Definition: those of the load.
        """


SEEN = "the least that was seen in measurements"


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheRoom:
    """What one replica's cache holds as planned, in the plan that is timed, and as figures take it."""

    planned: MemoryPlan
    timed: MemoryPlan
    taken_sequences: float
    context_tokens: float
    replicas: int

    def is_larger(self, workload: Load) -> bool:
        """Whether more requests come than the cache has room for, and it is taken to be larger."""
        return self._exceeds(self.timed, workload)

    def warnings(self, workload: Load) -> tuple[str, ...]:
        """What the engine's memory rules hold and what figures take, with the reason, where those are more."""
        if self.planned.pools != self.timed.pools and self._exceeds(self.planned, workload):
            why = "one slot of recurrent state a request, as measured deployments ran (engine.disable_radix_cache)"
            more = f", and {SEEN}" if self.is_larger(workload) else ""
            return (self._words(self.planned, why + more),)
        if self.is_larger(workload):
            return (self._words(self.timed, SEEN),)
        return ()

    def _exceeds(self, plan: MemoryPlan, workload: Load) -> bool:
        planned = self._held(plan)
        counted = workload.load in ("concurrency", "batch")
        enough = counted and workload.requests_in_flight <= planned * self.replicas
        asked = Asked(sequences=1, context_tokens=math.ceil(self.context_tokens))
        more = self.taken_sequences > float(plan.sequences(self.context_tokens)) * (1 + 1e-9)
        return not enough and more and runs(plan, asked)

    def _held(self, plan: MemoryPlan) -> int:
        """Whole requests, as a memory plan counts them."""
        return int(plan.max_concurrency(math.ceil(self.context_tokens)))

    def _words(self, plan: MemoryPlan, why: str) -> str:
        held = self._held(plan)
        planned = f"by the engine's memory rules the KV cache holds {held} request{'' if held == 1 else 's'}"
        return f"hardware: {planned} of this length; figures take {self.taken_sequences:.1f}, {why}"
