"""What an engine can never hold, whatever the GPU: places that it makes at start follow from its options alone.

And the options with which it makes as many places, as long, as are asked for.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Protocol, runtime_checkable

from llm_calc.core.advice.change import Change, Value
from llm_calc.core.deployments.question import Asked
from llm_calc.core.engines import Engine, Setup
from llm_calc.core.engines.llama_cpp_slots import padded
from llm_calc.core.engines.places import Places


@runtime_checkable
class MakesSlots(Protocol):
    """An engine that makes its places at start, as many as its options say."""

    n_ctx: int | None
    n_parallel: int | None
    slots: int

    def longest(self, setup: Setup) -> int:
        """Tokens that it makes places for, at most [tokens].

        Definition: each engine's own.
        """
        ...

    def slots_at(self, n_ctx: int) -> Places:
        """The places over so many tokens."""
        ...


def lacks_slots(setup: Setup, engine: Engine, asked: Asked) -> bool:
    """Whether what is asked is more than its slots take, on any GPU: no plan need be made.

    ``floor(slots(context)) x replicas < sequences``, of the slots over the longest context that may be chosen; more
    memory makes no more of them, and less memory only shorter ones.
    Definition: :meth:`.llama_cpp_slots.Slots.sequences`; other engines make no places at start.
    """
    if not isinstance(engine, MakesSlots):
        return False
    slots = engine.slots_at(engine.longest(setup))
    return int(slots.sequences(asked.context_tokens) + 1e-9) * setup.layout.data < asked.sequences


def enough_slots(
    works: Callable[[Engine], bool], setup: Setup, engine: Engine, asked: Asked
) -> Iterator[Change]:
    """Where slots are too few or too short: fewer of the same cells, else as many as sequences with as many cells."""
    if not isinstance(engine, MakesSlots) or engine.n_ctx is None or not lacks_slots(setup, engine, asked):
        return
    sequences = -(-asked.sequences // setup.layout.data)
    each = padded(asked.context_tokens)
    fewer, now = engine.n_ctx // each, engine.slots
    if fewer >= sequences and works(_slotted(engine, n_parallel=fewer)):
        text = f"{fewer} slots instead of {now}, each of {engine.n_ctx // fewer} tokens"
        yield Change(field="engine.n_parallel", value=fewer, change=text)
    count = max(sequences, now)
    other = _slotted(engine, n_ctx=count * each, n_parallel=count)
    if works(other):
        text = f"start the engine with {count * each} tokens of context, {each} for each of {count} slots"
        also: dict[str, Value] = {"engine.n_parallel": count}
        yield Change(field="engine.n_ctx", value=count * each, change=text, also=also)


def _slotted(engine: Engine, **options: int) -> Engine:
    return replace(engine, **options)  # type: ignore[type-var]
