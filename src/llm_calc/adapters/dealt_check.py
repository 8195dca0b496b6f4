"""A cache that is dealt over GPUs: refused where the engine stops at the option, whatever its memory holds."""

from llm_calc.adapters.timed import CONTEXTS, contexts_of
from llm_calc.core.engines import Engine, Setup
from llm_calc.core.engines.dealt_contexts import sglang_dealt, vllm_dealt
from llm_calc.core.errors import InvalidInputError

_REFUSALS = {"vllm": vllm_dealt, "sglang": sglang_dealt}


def deals(engine: str, setup: Setup, contexts: int) -> bool:
    """Whether an engine deals contexts over so many GPUs of a layout."""
    refusals = _REFUSALS.get(engine)
    return refusals is not None and not refusals(setup, contexts)


def check_dealt(engine: Engine, setup: Setup) -> None:
    """Refuses a cache dealt over more or other GPUs than the engine takes.

    Raises:
        InvalidInputError: names the option, why, and the sizes that are accepted.
    """
    refusals, contexts = _REFUSALS.get(engine.name), contexts_of(engine)
    if refusals is None or contexts == 1:
        return
    found = refusals(setup, contexts)
    if not found:
        return
    accepted = [size for size in range(1, setup.layout.tensor + 1) if not refusals(setup, size)]
    sizes = ", ".join(map(str, accepted))
    msg = f"{'; '.join(found)}; accepted with tensor {setup.layout.tensor}: {sizes}"
    raise InvalidInputError(msg, field=f"engine.{CONTEXTS[engine.name]}", accepted=accepted)
