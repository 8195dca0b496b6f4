"""What a caller should know of a memory plan."""

from collections.abc import Iterator
from dataclasses import replace

from llm_calc.core.deployments.question import Asked, tight_words
from llm_calc.core.engines import Engine, MemoryPlan, Setup
from llm_calc.core.engines.context_flags import CONTEXT_FLAGS
from llm_calc.core.engines.vllm import Vllm
from llm_calc.core.engines.vllm_budget import ProfiledItems, profiled_items
from llm_calc.core.engines.vllm_media import with_media
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.hardware import Gpu
from llm_calc.core.names import counted

ENCODER_LEFT_OUT = (
    "the activations of the vision or audio encoder in vLLM's profile run are left out: they follow from the largest "
    "image that its processor takes, which config.json does not hold; where they exceed the decoder's, the cache is "
    "smaller"
)

SIZES = ("width", "height", "num_frames", "length")
"""What a limit may state of an item beside how many there may be."""

UNPROFILED = (
    "engine.skip_mm_profiling: the encoder's dummy pass is not taken off the cache; what it needs of the rest of the "
    "memory is not checked"
)


def plan_warnings(plan: MemoryPlan, asked: Asked, gpu: Gpu, *, fits: bool) -> list[str]:
    """Where the engine will not do what was asked for, and what is not known of the device."""
    found = []
    if fits and not plan.starts:
        option = CONTEXT_FLAGS[plan.engine]
        found.append(
            f"engine.{option}: not given; with the default of {plan.max_model_len_tokens} tokens the engine does not "
            f"start, with the request's own {asked.context_tokens} it does"
        )
    if asked.context_tokens > plan.max_model_len_tokens:
        found.append(
            f"workload: {asked.context_tokens} tokens of a request exceed the engine's context of "
            f"{plan.max_model_len_tokens}"
        )
    if asked.sequences > plan.limits.max_sequences * plan.replicas:
        most = plan.limits.max_sequences * plan.replicas
        found.append(
            f"workload: the scheduler runs at most {counted(most, 'sequence')} at once; further ones wait"
        )
    found.extend(tight_words(plan))
    if gpu.unified_memory:
        found.append(f"{gpu.name} shares its memory with the host; what other programs take is not known")
    if gpu.usable_memory_estimated:
        found.append(f"usable memory of {gpu.name} was estimated, not measured")
    return found


def encoder_words(setup: Setup, engine: Engine, plan: MemoryPlan) -> list[str]:
    """What a plan counts or leaves out of a model with a vision or audio tower."""
    tower = any(placed.weight.component == "vision" for placed in setup.model.placed)
    if not isinstance(engine, Vllm) or not tower:
        return []
    return [*_profile_words(setup, engine, plan), *_size_words(setup, engine, plan)]


def _size_words(setup: Setup, engine: Vllm, plan: MemoryPlan) -> Iterator[str]:
    """Sides and frames of items that are stated and leave what is profiled as it is."""
    limits = engine.limit_mm_per_prompt or ()
    found = _profiled(setup, engine, plan)
    for index, (kind, limit) in enumerate(limits):
        for size in SIZES:
            if getattr(limit, size) is None:
                continue
            others = (*limits[:index], (kind, limit.without(size)), *limits[index + 1 :])
            if _same_profile(setup, replace(engine, limit_mm_per_prompt=others), plan, found):
                yield f"engine.limit_mm_per_prompt.{kind}.{size}: changes nothing of what is profiled here"


def _same_profile(setup: Setup, engine: Vllm, plan: MemoryPlan, found: ProfiledItems | None) -> bool:
    """Whether other options leave what is profiled as it is; those that a processor refuses do not."""
    try:
        return _profiled(setup, engine, plan) == found
    except InvalidInputError:
        return False


def _profiled(setup: Setup, engine: Vllm, plan: MemoryPlan) -> ProfiledItems | None:
    wishes = engine.media()
    if with_media(setup, wishes).model is not setup.model or not engine.rules.profiles_encoder:
        return None
    return profiled_items(setup, plan.limits, plan.max_model_len_tokens, wishes)


def _profile_words(setup: Setup, engine: Vllm, plan: MemoryPlan) -> list[str]:
    wishes = engine.media()
    if with_media(setup, wishes).model is not setup.model:
        return ["engine: serves no images, so that their tower is neither loaded nor profiled"]
    if not wishes.profiled:
        return [UNPROFILED]
    if setup.largest_item is None or not engine.rules.profiles_encoder:
        return [ENCODER_LEFT_OUT]
    found = _profiled(setup, engine, plan)
    if found is None:
        return []
    what = f"video of {found.frames} frames" if found.frames > 1 else "image"
    largest = f"the largest {what}" if found.largest else f"the {what} that limit_mm_per_prompt states"
    words = (
        f"the encoder is profiled with {found.items} x {largest}, of {found.tokens} tokens; started for text "
        "alone (language_model_only, or limit_mm_per_prompt of 0) the cache is larger"
    )
    return [words]
