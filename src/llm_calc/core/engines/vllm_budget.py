"""What vLLM's share of a GPU goes to besides weights and cache: the profiled step, what is outside of torch.

Read from vLLM 0.33.0 (``vllm/v1/worker/gpu_worker.py``, ``gpu_model_runner.py``, ``vllm/config/vllm.py``);
constants are fitted to start-up logs of each release (``docs/memory.md``).
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil

from llm_calc.core.engines.base import Limits, MemoryPlan, Setup
from llm_calc.core.engines.places import HostBudget
from llm_calc.core.engines.vllm_media import MediaWishes
from llm_calc.core.engines.weights import ExpertPadding, WeightRules
from llm_calc.core.formats import WeightRecipe
from llm_calc.core.model import Model
from llm_calc.core.overheads import OverheadConstants, forward_peak_bytes, sampler_peak_bytes
from llm_calc.core.parallelism import ROUTED, Layout, largest_piece
from llm_calc.core.weights import Weight
from llm_calc.core.workloads.image_encoder import handed_on_bytes, pass_bytes
from llm_calc.core.workloads.images import ImageCost
from llm_calc.core.workloads.largest_images import NO_LIMIT, LargestItem

ALL_MEDIA = MediaWishes()
WORKSPACE_BYTES_PER_ELEMENT = 2


def peak_bytes(
    setup: Setup,
    limits: Limits,
    stage: int,
    overheads: OverheadConstants,
    context_tokens: int = 0,
    media: MediaWishes = ALL_MEDIA,
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
        encoder, kept = encoder_peak_bytes(setup, limits, context_tokens, media)
        peak = max(encoder, peak + kept)
    return peak + overheads.workspace_fraction * expert_workspace_bytes(
        model, setup.numbers.recipe, setup.layout, tokens
    )


def encoder_peak_bytes(
    setup: Setup, limits: Limits, context_tokens: int, media: MediaWishes = ALL_MEDIA
) -> tuple[float, float]:
    """Working memory of the encoder's dummy pass, and what it hands on [bytes].

    ``pass(items x frames) + kept`` and ``kept``, of the items that :func:`profiled_items` says; where items are dealt
    over a tensor group, the pass is that of ``ceil(items / tensor)`` of them by a whole tower.
    Source: vLLM 0.33.0 ``vllm/v1/worker/gpu_model_runner.py``, ``profile_run``, and ``vllm/model_executor/models/
    vision.py``, ``run_dp_sharded_mrope_vision_model``; checked: 2026-11-30, read.
    Leaves out: the pixels of all items, which every GPU of a group holds where they are dealt.
    """
    found = profiled_items(setup, limits, context_tokens, media)
    if found is None:
        return 0.0, 0.0
    model, width, tensor = setup.model, setup.activation_bytes_per_element, setup.layout.tensor
    kept = handed_on_bytes(model, found.items * found.frames * found.cost.embeddings, width)
    if media.deals(model):
        share = ceil(found.items / tensor)
        return pass_bytes(model, found.cost, share * found.frames, width, 1) + kept, kept
    return pass_bytes(model, found.cost, found.items * found.frames, width, tensor) + kept, kept


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfiledItems:
    """What an encoder is profiled with: ``items`` of ``frames`` each, what a frame costs, tokens of an item.

    ``largest``: it is the model's largest, no smaller one that was stated.
    """

    items: int
    frames: int
    cost: ImageCost
    tokens: int
    largest: bool = True


def profiled_items(
    setup: Setup, limits: Limits, context_tokens: int, media: MediaWishes = ALL_MEDIA
) -> ProfiledItems | None:
    """How many items an encoder is profiled with, and which; None: it is not [1, tokens].

    ``max(1, min(max(tokens of a step, tokens of an item) // tokens of an item, sequences x items of a prompt))``, a
    prompt having ``max(1, min(its limit, context // tokens of an item))``.
    Source: vLLM 0.33.0 ``vllm/multimodal/encoder_budget.py``, ``MultiModalBudget``, and
    ``vllm/v1/core/encoder_cache_manager.py``, ``compute_mm_encoder_budget``; checked: 2026-11-30, read.
    Stated sides and frames make the items smaller, and more of them where their tokens are counted from them.
    Leaves out: whether a video of fewer tokens than an image has sides of its own.
    """
    if setup.largest_item is None or not media.profiled:
        return None
    whole, kinds = setup.largest_item, {"images": media.images > 0, "videos": media.videos > 0}
    stated = _stated(whole, media, context_tokens)
    counted = whole if whole.counted_whole else stated
    found = counted.item(context_tokens, **kinds)
    if found is None:
        return None
    cost, frames, tokens = found
    video = kinds["videos"] and cost is counted.frame
    most = media.videos if video else media.images
    in_a_step = max(limits.max_batched_tokens, tokens) // tokens
    in_a_prompt = max(1, min(most, context_tokens // tokens))
    items = max(1, min(in_a_step, limits.max_sequences * in_a_prompt))
    own = stated.frame if video and stated.frame is not None else stated.image
    frames = min(frames, stated.frames) if video else 1
    held = frames * (own.embeddings + (whole.around if video else 0))
    largest = whole.item(context_tokens, **kinds)
    return ProfiledItems(
        items=items, frames=frames, cost=own, tokens=held, largest=largest is None or held == largest[2]
    )


def _stated(whole: LargestItem, media: MediaWishes, context_tokens: int) -> LargestItem:
    """The item with the sides that limits state, of the kinds that are made: of what is counted whole, one alone."""
    image, video = media.image if media.images else NO_LIMIT, media.video if media.videos else NO_LIMIT
    if whole.counted_whole:
        found = whole.item(context_tokens, images=media.images > 0, videos=media.videos > 0)
        seen = found is not None and media.videos > 0 and found[0] is whole.frame
        image, video = (NO_LIMIT, video) if seen else (image, NO_LIMIT)
    return whole.of_sides(image, video)


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


def weight_rules(setup: Setup, media: MediaWishes = ALL_MEDIA, redundant: int = 0) -> WeightRules:
    """Vocabulary in multiples of 64; experts in 4 bits padded as the kernels of the card's generation want it.

    MXFP4: Hopper's Triton kernels pad the hidden width to 256, Marlin (other cards) the intermediate width to
    128 besides. NVFP4: intermediate widths in multiples of 16 with a gate, of 128 without. Towers are cut by tensor
    parallelism, but where their items are dealt.
    """
    hopper = (setup.gpu.compute_capability or "").startswith("9")
    mxfp4 = ExpertPadding(format="mxfp4", hidden=256, gated=1 if hopper else 128, plain=1 if hopper else 128)
    return WeightRules(
        vocab_multiple=64,
        rotary_table=True,
        cut_towers=True,
        whole_towers=media.deals(setup.model),
        redundant_experts=redundant,
        absorbed_copy=True,
        paddings=(mxfp4, ExpertPadding(format="nvfp4", gated=16, plain=128)),
    )


def with_host(setup: Setup, plan: MemoryPlan) -> MemoryPlan:
    """The plan with what all ranks keep in host memory: tables of n-grams and what is offloaded [bytes].

    ``sum over stages of the host's bytes of a GPU x tensor x data``.
    Source: vLLM 0.33.0 ``vllm/config/engram.py``, ``EngramConfig.cpu_offload``; checked: 2026-12-01, read.
    Choice: every replica keeps its own, and no host's memory is held against it.
    Leaves out: copies that replicas of one host share.
    """
    layout = setup.layout
    replica = sum(budget.host_weights_bytes for budget in plan.stages or (plan.budget,)) * layout.tensor
    if not replica:
        return plan
    kept = HostBudget(weights_bytes=replica * layout.data, kv_cache_bytes=0.0, compute_bytes=0.0)
    shared = f" x {layout.data} replicas, each taken to keep its own" if layout.data > 1 else ""
    words = f"host: {replica:.0f} bytes of weights{shared}, of all hosts together; taken to have room there"
    return replace(plan, host=kept, notes=(*plan.notes, words))
