"""Advice of single engines: a cache dealt over more GPUs than it can be, prompts longer than a step."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from llm_calc.adapters.wire.memory import Change
from llm_calc.core.deployments.question import Asked
from llm_calc.core.engines import Engine, Setup
from llm_calc.core.engines.trtllm import TrtLlm
from llm_calc.core.engines.vllm import Vllm


def less_dealt(works: Callable[[Engine], bool], setup: Setup, engine: Engine) -> Iterator[Change]:
    """The most GPUs over which the engine deals a cache, where it starts with none of the size that was stated."""
    if not isinstance(engine, Vllm) or engine.decode_context_parallel_size == 1 or engine.plan(setup).starts:
        return
    for size in range(engine.decode_context_parallel_size - 1, 0, -1):
        if works(replace(engine, decode_context_parallel_size=size)):
            text = (
                f"the cache dealt over {size} of the tensor-parallel GPUs"
                if size > 1
                else "the cache not dealt"
            )
            yield Change(field="engine.decode_context_parallel_size", value=size, change=text)
            return


def longer_step(
    works: Callable[[Engine], bool], setup: Setup, engine: Engine, asked: Asked
) -> Iterator[Change]:
    """Where no prompt is cut: a step as long as the longest."""
    size = asked.prompt_tokens
    if not isinstance(engine, TrtLlm) or engine.limits(setup).takes(size):
        return
    if works(replace(engine, max_num_tokens=size)):
        yield Change(field="engine.max_num_tokens", value=size, change=f"let a step take {size} tokens")
