"""Why vLLM does not start, whatever the memory holds: splits that its layers cannot be cut by, and options.

Read from vLLM 0.33.0 (``vllm/config/model.py``, ``vllm/v1/worker/gpu_worker.py``, ``vllm/config/parallel.py``).
"""

from collections.abc import Iterator

from llm_calc.core.engines.base import GpuBudget, Setup
from llm_calc.core.engines.splits import split_refusals
from llm_calc.core.model import Model


def start_refusals(
    setup: Setup, budget: GpuBudget, *, context_tokens: int, held_context_bytes: float, contexts: int
) -> tuple[str, ...]:
    """Every reason not to start, in words.

    ``held_context_bytes``: what a process holds of the card before the engine looks at it. ``contexts``: ranks that
    each sequence's tokens are dealt over.
    """
    return (
        *split_refusals(setup.model, setup.numbers.recipe, setup.layout),
        *_context(setup.model, context_tokens),
        *_reserve(budget, held_context_bytes),
        *_dealt_contexts(setup, contexts),
    )


def _context(model: Model, context_tokens: int) -> Iterator[str]:
    own = model.context_limit_tokens or model.context_length_tokens
    if own and context_tokens > own:
        yield f"engine.max_model_len: {context_tokens} is above the {own} tokens that the model has positions for"


def _reserve(budget: GpuBudget, held_context_bytes: float) -> Iterator[str]:
    """Graphs and the context that was there before have to fit beside the engine's share."""
    free = budget.memory_bytes - held_context_bytes
    if budget.usable_bytes > free:
        yield (
            f"engine.gpu_memory_utilization: a share of {budget.usable_bytes:.0f} bytes is more than the {free:.0f} "
            "that are free at the start"
        )
    if budget.kv_cache_bytes > 0 and budget.unallocated_bytes < held_context_bytes:
        yield "the cache and CUDA graphs together exceed the GPU's memory; leave a larger reserve"


def _dealt_contexts(setup: Setup, contexts: int) -> Iterator[str]:
    if contexts == 1:
        return
    if setup.layout.tensor % contexts:
        yield f"engine.decode_context_parallel_size: {contexts} must divide parallelism.tensor, {setup.layout.tensor}"
    caches = [cache for group in setup.model.groups for cache in group.parts.caches]
    if any(cache.window or cache.state_elements for cache in caches):
        yield "engine.decode_context_parallel_size: windows and recurrent states cannot be dealt over GPUs; use 1"
    replicas = max((setup.layout.tensor // cache.units for cache in caches), default=1)
    if contexts > max(1, replicas):
        yield (
            f"engine.decode_context_parallel_size: {contexts} is more than the {max(1, replicas)} copies of each KV "
            "head that the tensor-parallel GPUs hold"
        )
