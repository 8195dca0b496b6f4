"""Lengths to start an engine with: a context as long as requests, a step as long as a prompt that is not cut."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from llm_calc.core.advice.change import Change
from llm_calc.core.deployments.question import Asked
from llm_calc.core.engines import Engine, Setup
from llm_calc.core.engines.trtllm import TrtLlm


def needed_step(setup: Setup, engine: Engine, asked: Asked) -> int | None:
    """Tokens of a step as long as the longest prompt, where the engine cuts none and takes none so long [tokens].

    Definition: the prompt's own length; None where no such step is needed.
    """
    size = asked.prompt_tokens
    return None if not isinstance(engine, TrtLlm) or engine.limits(setup).takes(size) else size


def longer_step(
    works: Callable[[Engine], bool], setup: Setup, engine: Engine, asked: Asked
) -> Iterator[Change]:
    """Where no prompt is cut: a step as long as the longest."""
    size = needed_step(setup, engine, asked)
    if size is not None and works(replace(engine, max_num_tokens=size)):  # type: ignore[type-var]
        yield Change(field="engine.max_num_tokens", value=size, change=f"let a step take {size} tokens")


def _is_short(context: object, asked: Asked) -> bool:
    return isinstance(context, int) and 0 < context < asked.context_tokens


def said_lengths(
    setup: Setup, engine: Engine, asked: Asked, context_flag: str | None
) -> tuple[dict[str, int], str]:
    """Options for the request's lengths where the engine's own are open or too short, and what they mean [tokens].

    Definition: the longest request's, and its prompt's.
    """
    said: dict[str, int] = {}
    text = ""
    own = None if context_flag is None else getattr(engine, context_flag)
    if context_flag is not None and (own is None or _is_short(own, asked)):
        said[context_flag] = asked.context_tokens
        text = f", started with {asked.context_tokens} tokens of context"
    step = needed_step(setup, engine, asked)
    if step is not None:
        said["max_num_tokens"] = step
        text += f", with steps of {step} tokens"
    return said, text
