"""What vLLM's share of a GPU goes to besides weights and cache: the profiled step, what is outside of torch.

Read from vLLM 0.33.0 (``vllm/v1/worker/gpu_worker.py``, ``gpu_model_runner.py``, ``vllm/config/vllm.py``);
constants are fitted to start-up logs of each release (``docs/memory.md``).
"""

from functools import lru_cache

from llm_calc.core.engines.base import Limits, Setup
from llm_calc.core.formats import WeightRecipe
from llm_calc.core.model import Model
from llm_calc.core.overheads import OverheadConstants, forward_peak_bytes, sampler_peak_bytes
from llm_calc.core.parallelism import ROUTED, Layout, largest_piece
from llm_calc.core.weights import Weight
from llm_calc.core.workloads.image_encoder import handed_on_bytes, pass_bytes
from llm_calc.core.workloads.images import ImageCost
from llm_calc.core.workloads.largest_images import LargestItem

WORKSPACE_BYTES_PER_ELEMENT = 2


def peak_bytes(
    setup: Setup, limits: Limits, stage: int, overheads: OverheadConstants, context_tokens: int = 0
) -> float:
    """Activation peak of a dummy step of the largest batch on one stage [bytes].

    ``max(encoder, max(forward pass, sampler) + what the encoder handed on) + experts' workspace``: the three follow
    each other and share the allocator's memory, the workspace stays; only the first stage encodes (where
    ``context_tokens`` are given), only the last one samples.
    Source: vLLM 0.33.0 ``vllm/v1/worker/gpu_model_runner.py``, ``profile_run``; checked: 2026-11-30, read.
    Leaves out: encoders of audio, and of models whose processor is not known.
    """
    model, width, tokens = setup.model, setup.activation_bytes_per_element, limits.max_batched_tokens
    peak = float(forward_peak_bytes(model, tokens, width, setup.layout.tensor))
    if stage == setup.layout.pipeline - 1:
        sequences = min(limits.max_sequences, tokens)
        logits = overheads.sampler_bytes_per_logit
        peak = max(peak, float(sampler_peak_bytes(model, tokens, sequences, width, logits)))
    if stage == 0 and context_tokens:
        encoder, kept = encoder_peak_bytes(setup, limits, context_tokens)
        peak = max(encoder, peak + kept)
    return peak + overheads.workspace_fraction * expert_workspace_bytes(
        model, setup.numbers.recipe, setup.layout, tokens
    )


def encoder_peak_bytes(setup: Setup, limits: Limits, context_tokens: int) -> tuple[float, float]:
    """Working memory of the encoder's dummy pass, and what it hands on [bytes].

    ``pass(items x frames) + kept`` and ``kept``, of the items that :func:`profiled_items` says.
    Source: vLLM 0.33.0 ``vllm/v1/worker/gpu_model_runner.py``, ``profile_run``; checked: 2026-11-30, read.
    Leaves out: towers that are not cut by tensor parallelism (``mm_encoder_tp_mode``).
    """
    if setup.largest_item is None:
        return 0.0, 0.0
    model, width = setup.model, setup.activation_bytes_per_element
    items, cost, frames, _ = profiled_items(setup.largest_item, limits, context_tokens)
    kept = handed_on_bytes(model, items * frames * cost.embeddings, width)
    return pass_bytes(model, cost, items * frames, width, setup.layout.tensor) + kept, kept


def profiled_items(
    largest: LargestItem, limits: Limits, context_tokens: int
) -> tuple[int, ImageCost, int, int]:
    """How many items an encoder is profiled with, what a frame of one costs, its frames and its tokens [1, tokens].

    ``max(1, min(max(tokens of a step, tokens of an item) // tokens of an item, sequences x items of a context))``.
    Source: vLLM 0.33.0 ``vllm/multimodal/encoder_budget.py``, ``MultiModalBudget``, and
    ``vllm/v1/core/encoder_cache_manager.py``, ``compute_mm_encoder_budget``; checked: 2026-11-30, read.
    Leaves out: limits of items a prompt (``limit_mm_per_prompt``).
    """
    cost, frames, tokens = largest.item(context_tokens)
    in_a_step = max(limits.max_batched_tokens, tokens) // tokens
    items = max(1, min(in_a_step, limits.max_sequences * max(1, context_tokens // tokens)))
    return items, cost, frames, tokens


@lru_cache(maxsize=2048)
def expert_workspace_bytes(model: Model, recipe: WeightRecipe, layout: Layout, tokens: int) -> float:
    """Buffers of the routed experts' kernels, which stay beside the step's own tensors [bytes].

    ``tokens x top_k x (max(2 x width, hidden) + width) x 2``, the width being an expert's on one GPU; nothing for
    experts in MXFP4, whose kernels are others.
    Choice: the two buffers that vLLM's fused kernels pass results in; held against start-up logs in ``docs/memory.md``.
    Leaves out: kernels that need less, and tokens that experts on other GPUs send.
    """
    routed = [placed.weight for placed in model.placed if placed.weight.component == ROUTED]
    if not routed or recipe.format_of(routed[0], 0).name == "mxfp4":
        return 0.0
    width = max(_width(model, weight, layout) for weight in routed)
    used = max(weight.used for weight in routed)
    return tokens * used * (max(2 * width, model.hidden) + width) * WORKSPACE_BYTES_PER_ELEMENT


def _width(model: Model, weight: Weight, layout: Layout) -> float:
    side = weight.rows if weight.cols == model.hidden else weight.cols
    return float(side * largest_piece(weight.units, layout.expert_cut) / weight.units)


def outside_bytes(setup: Setup, overheads: OverheadConstants) -> float:
    """Memory outside of the allocator [bytes].

    ``context + (tensor > 1) x group + (tensor - 1) x peer``; ``stage context`` with pipeline stages alone; ``unified
    context`` on devices that share their memory with the host.
    Choice: constants fitted to the non-torch memory of start-up logs (``docs/memory.md``).
    Leaves out: how driver and library versions change them.
    """
    tensor = setup.layout.tensor
    if setup.gpu.unified_memory and overheads.unified_context_bytes:
        return overheads.unified_context_bytes
    if tensor > 1:
        return overheads.context_bytes + overheads.group_bytes + (tensor - 1) * overheads.peer_bytes
    alone = setup.layout.pipeline > 1 and overheads.stage_context_bytes
    return overheads.stage_context_bytes if alone else overheads.context_bytes
