"""What an engine can never hold, whatever the GPU: places that it makes at start follow from its options alone.

And the options with which it makes as many places, as long, as are asked for.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Protocol, runtime_checkable

from llm_calc.core.advice.change import Change
from llm_calc.core.deployments.question import Asked
from llm_calc.core.engines import Engine, Setup
from llm_calc.core.engines.llama_cpp import LlamaCpp
from llm_calc.core.engines.llama_cpp_slots import padded
from llm_calc.core.engines.places import Places


@runtime_checkable
class MakesSlots(Protocol):
    """An engine that makes its places at start, as many as its options say."""

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
    if not isinstance(engine, LlamaCpp) or engine.n_ctx is None or not lacks_slots(setup, engine, asked):
        return
    sequences = -(-asked.sequences // setup.layout.data)
    each = padded(asked.context_tokens)
    fewer = engine.n_ctx // each
    if fewer >= sequences and works(replace(engine, n_parallel=fewer)):
        text = f"{fewer} slots instead of {engine.slots}, each of {engine.n_ctx // fewer} tokens"
        yield Change(field="engine.n_parallel", value=fewer, change=text)
    count = max(sequences, engine.slots)
    cells = count * each
    if engine.rules.context_for_each_slot or not works(replace(engine, n_ctx=cells, n_parallel=count)):
        return
    text = f"start the engine with {cells} tokens of context, {each} for each of {count} slots"
    yield Change(field="engine.n_ctx", value=cells, change=text, also={"engine.n_parallel": count})
