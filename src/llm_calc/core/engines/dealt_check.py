"""A cache that is dealt over GPUs: refused where the engine stops at the option, whatever its memory holds."""

from collections.abc import Iterator

from llm_calc.core.engines import Engine, Setup
from llm_calc.core.engines.dealt_contexts import sglang_dealt, vllm_dealt
from llm_calc.core.errors import InvalidInputError

CONTEXTS = {"vllm": "decode_context_parallel_size", "sglang": "dcp_size"}
"""Options that deal the tokens of a cache over GPUs."""
_REFUSALS = {"vllm": vllm_dealt, "sglang": sglang_dealt}


def contexts_of(engine: Engine) -> int:
    """GPUs that the tokens of a cache are dealt over [GPUs].

    Definition: what the engine's own option says; 1 without.
    """
    return getattr(engine, CONTEXTS[engine.name], 1) if engine.name in CONTEXTS else 1


def dealt_words(engine: Engine) -> Iterator[str]:
    """What is taken for granted of such caches."""
    if (ways := contexts_of(engine)) > 1:
        yield (
            f"engine.{CONTEXTS[engine.name]}: each GPU reads one token in {ways} of a context, for the heads of all "
            f"{ways}; every layer gathers queries and scatters results for tokens that decode. Nothing of it was "
            "calibrated, and what prompts gather of contexts before them is left out"
        )


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
