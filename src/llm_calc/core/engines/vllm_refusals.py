"""Why vLLM does not start, whatever the memory holds: splits that its layers cannot be cut by, and options.

Read from vLLM 0.33.0 (``vllm/config/model.py``, ``vllm/v1/worker/gpu_worker.py``, ``vllm/config/parallel.py``,
``vllm/config/scheduler.py``).
"""

from collections.abc import Iterator

from llm_calc.core.engines.base import GpuBudget, Limits, Setup
from llm_calc.core.engines.dealt_contexts import vllm_dealt
from llm_calc.core.engines.positions import beyond_positions
from llm_calc.core.engines.splits import split_refusals
from llm_calc.core.engines.vllm_deepseek_v4 import PACKED_TYPES
from llm_calc.core.engines.vllm_kernels import PLAIN_INDEX, is_sparse
from llm_calc.core.engines.vllm_rules import VllmRules
from llm_calc.core.errors import UnsupportedError
from llm_calc.core.model import Model

NO_HALF = frozenset({"gemma2", "gemma3", "gemma3_text", "glm4"})
"""Kinds of models that vLLM does not run in fp16 (``_FLOAT16_NOT_SUPPORTED_MODELS`` of 0.33.0)."""
KERNEL_STEP_TOKENS, SPARSE_STEP_TOKENS, WIDE_STEP_TOKENS = 16, 64, 128


def start_refusals(
    setup: Setup,
    budget: GpuBudget,
    limits: Limits,
    *,
    context_tokens: int,
    whole_prompts: bool,
    held_context_bytes: float,
    contexts: int,
) -> tuple[str, ...]:
    """Every reason not to start, in words.

    ``whole_prompts``: prompts are not cut into pieces. ``held_context_bytes``: what a process holds of the card before
    the engine looks at it. ``contexts``: ranks that each sequence's tokens are dealt over.
    """
    return (
        *split_refusals(setup.model, setup.numbers.recipe, setup.layout),
        *_half(setup),
        *beyond_positions(setup.model, context_tokens, "max_model_len"),
        *_step(limits, context_tokens if whole_prompts else 0),
        *_reserve(budget, held_context_bytes),
        *vllm_dealt(setup, contexts),
    )


def check_block_size(model: Model, block_size: int | None, rules: VllmRules) -> None:
    """Refuses a block size that this release, or no kernel for this model, has.

    Read in 0.11.0 and 0.13.0 (``vllm/config/cache.py``: a list of sizes; the kernels take multiples of 16) and 0.33.0
    (``get_supported_kernel_block_sizes`` of ``vllm/v1/attention/backends``), checked: 2026-11-30.

    Raises:
        UnsupportedError: none of theirs.
    """
    caches = [cache for group in model.groups for cache in group.parts.caches if cache.elements_per_token]
    if block_size is None or not caches:
        return
    step = SPARSE_STEP_TOKENS if is_sparse(model) else KERNEL_STEP_TOKENS
    step = WIDE_STEP_TOKENS if model.model_type in {*PACKED_TYPES, *PLAIN_INDEX} else step
    if block_size % step or (rules.block_sizes and block_size not in rules.block_sizes):
        sizes = [str(size) for size in rules.block_sizes if size % step == 0]
        accepted = ", ".join(sizes) or f"multiples of {step}"
        msg = f"engine.block_size: no kernel for this model takes blocks of {block_size} tokens; accepted: {accepted}"
        raise UnsupportedError(msg, field="engine.block_size")


def _half(setup: Setup) -> Iterator[str]:
    """Kinds of models that run in bf16 or fp32 alone, on a GPU without bf16: the engine takes fp32 there."""
    kind, gpu = setup.model.model_type, setup.gpu
    if kind in NO_HALF and not gpu.supports("bf16") and setup.numbers.recipe.default.element_bits < 32:
        yield f"precision.weights: {kind} runs in no fp16, and {gpu.id} has no bf16; name fp32, which vLLM takes there"


def _step(limits: Limits, prompt_tokens: int) -> Iterator[str]:
    """A step has to take a token of every sequence, and a whole prompt where none is cut."""
    tokens = limits.max_batched_tokens
    if tokens < limits.max_sequences:
        yield f"engine.max_num_batched_tokens: {tokens} is below max_num_seqs, {limits.max_sequences}"
    if tokens < prompt_tokens:
        yield (
            f"engine.max_num_batched_tokens: {tokens} is below max_model_len, {prompt_tokens}, without chunked prefill"
        )


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


def check_redundant(setup: Setup, redundant: int, *, balanced: bool) -> None:
    """Refuses redundant experts that vLLM does not start with.

    Read in vLLM 0.33.0 (``vllm/config/parallel.py``, ``vllm/model_executor/layers/fused_moe/layer.py``); checked:
    2026-11-30.

    Raises:
        UnsupportedError: balancing without expert parallelism; copies without balancing, or that are not dealt evenly.
    """
    field, ways = "engine.num_redundant_experts", setup.layout.expert
    if balanced and ways == 1:
        msg = "engine.enable_eplb: needs enable_expert_parallel over several GPUs, without which vLLM does not start"
        raise UnsupportedError(msg, field="engine.enable_eplb")
    if redundant and not balanced:
        raise UnsupportedError(f"{field}: needs enable_eplb, without which vLLM does not start", field=field)
    experts = setup.model.num_experts + redundant
    if balanced and experts % ways:
        more = redundant + ways - experts % ways
        msg = f"{field}: {experts} experts are not dealt evenly over {ways} GPUs, as balancing needs; {more} would do"
        raise UnsupportedError(msg, field=field, accepted=[more])
