"""A cache that is dealt over GPUs: refused where the engine stops at the option, whatever its memory holds."""

from collections.abc import Iterator

from llm_calc.core.engines import Engine, Setup, traits_of
from llm_calc.core.errors import InvalidInputError


def contexts_of(engine: Engine) -> int:
    """GPUs that the tokens of a cache are dealt over [GPUs].

    Definition: what the engine's own option says; 1 without.
    """
    option = engine.traits.options.contexts
    return 1 if option is None else getattr(engine, option, 1)


def dealt_words(engine: Engine) -> Iterator[str]:
    """What is taken for granted of such caches."""
    if (ways := contexts_of(engine)) > 1:
        yield (
            f"engine.{engine.traits.options.contexts}: each GPU reads one token in {ways} of a context, for the heads "
            f"of all {ways}; every layer gathers queries and scatters results for tokens that decode. Nothing of it "
            "was calibrated, and what prompts gather of contexts before them is left out"
        )


def deals(engine: str, setup: Setup, contexts: int) -> bool:
    """Whether an engine deals contexts over so many GPUs of a layout."""
    refusals = traits_of(engine).options.contexts_refused
    return refusals is not None and not refusals(setup, contexts)


def check_dealt(engine: Engine, setup: Setup) -> tuple[str, ...]:
    """Refuses a cache dealt over more or other GPUs than the engine takes; what is taken for granted of one.

    Raises:
        InvalidInputError: names the option, why, and the sizes that are accepted.
    """
    options, contexts = engine.traits.options, contexts_of(engine)
    refusals = options.contexts_refused
    found = () if refusals is None or contexts == 1 else refusals(setup, contexts)
    if refusals is None or not found:
        return tuple(dealt_words(engine))
    accepted = [size for size in range(1, setup.layout.tensor + 1) if not refusals(setup, size)]
    sizes = ", ".join(map(str, accepted))
    msg = f"{'; '.join(found)}; accepted with tensor {setup.layout.tensor}: {sizes}"
    raise InvalidInputError(msg, field=f"engine.{options.contexts}", accepted=accepted)
