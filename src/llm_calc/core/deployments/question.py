"""One question in the core's own terms: what runs where, under which engine, and what its memory has to hold.

A way in makes one of its wire parts, once; whether it fits is computed from it. A search varies it (another layout,
other options of the engine, another load) and writes no request to ask again.
"""

from dataclasses import dataclass, replace

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
