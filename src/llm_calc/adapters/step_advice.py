"""Advice of single engines: prompts longer than a step."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from llm_calc.adapters.wire.memory import Change
from llm_calc.core.deployments.question import Asked
from llm_calc.core.engines import Engine, Setup
from llm_calc.core.engines.trtllm import TrtLlm


def longer_step(
    works: Callable[[Engine], bool], setup: Setup, engine: Engine, asked: Asked
) -> Iterator[Change]:
    """Where no prompt is cut: a step as long as the longest."""
    size = asked.prompt_tokens
    if not isinstance(engine, TrtLlm) or engine.limits(setup).takes(size):
        return
    if works(replace(engine, max_num_tokens=size)):
        yield Change(field="engine.max_num_tokens", value=size, change=f"let a step take {size} tokens")
