"""What an engine can never hold, whatever the GPU: places that it makes at start follow from its options alone."""

from typing import Protocol, runtime_checkable

from llm_calc.core.deployments.question import Asked
from llm_calc.core.engines import Engine, Setup
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
