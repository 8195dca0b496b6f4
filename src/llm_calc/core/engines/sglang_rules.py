"""What differs between SGLang's releases, and what it takes a model for."""

from dataclasses import dataclass

from llm_calc.core.engines.base import Setup
from llm_calc.core.engines.caches import INDEX_SCORES
from llm_calc.core.model import Model

COMPRESSED = "deepseek_v4"
"""The type whose caches are entries of several tokens beside a window."""
SPARSE_PAGE, PAGE_OF_BACKEND = (
    64,
    {"flashmla": 64, "trtllm_mla": 64, "cutedsl_mla": 64, "trtllm_mha": 64, "fa4": 128},
)
STATE_BYTES = {"float32": 4.0, "bfloat16": 2.0, "float16": 2.0}
TAKEN_PAGES = {"trtllm_mla": (32, 64), "cutedsl_mla": (32, 64), "trtllm_mha": (16, 32, 64, 128)}


@dataclass(frozen=True, slots=True, kw_only=True)
class SglangRules:
    """Numbers and names of types that a release fixes.

    ``card_classes``: below so many GiB, chunked prefill size, largest captured batch with tensor < 4, with 4 or more.
    ``prefill_graphs``: captured by default, but not beside what ``no_prefill_graphs_beside`` names (``PREFILL_BARS``);
    ``graphs_with_vision``, ``without_prefill_graphs``: types for which they are kept on beside a tower, or off;
    ``prefill_graphs_in_context``: none is larger than a context that is given. ``reserves_without_graphs``: memory is
    kept for graphs that are switched off; ``graphs_of_requests``: for none above a given number of requests;
    ``draft_reserve_mib``: kept for a draft and its graphs.
    ``window_pools``: types whose sliding layers have a pool of their own; ``small_pools``: whose pools of windows and
    of states are a tenth of the others'; ``caps_windows``: without prefix caching a given number of requests
    bounds the pool of windows. ``slots_a_request``: of recurrent state, with
    prefix caching; ``plain_states``: types of which a request takes ``plain_slots`` only. ``padding_slots``: slots that
    serve nobody. ``vision_reserve_mib``: kept out of the pools for what vision models allocate later.
    ``blackwell_page``: tokens of a page on compute capability 10, but for the types of ``unpaged_on_blackwell``.
    """

    card_classes: tuple[tuple[float, float, float, float], ...]
    prefill_graphs: bool
    no_prefill_graphs_beside: tuple[str, ...]
    prefill_graphs_in_context: bool
    reserves_without_graphs: bool
    graphs_of_requests: bool
    draft_reserve_mib: int
    graphs_with_vision: tuple[str, ...]
    without_prefill_graphs: tuple[str, ...]
    window_pools: tuple[str, ...]
    small_pools: tuple[str, ...]
    caps_windows: bool
    slots_a_request: int
    plain_slots: int
    plain_states: tuple[str, ...]
    padding_slots: int
    vision_reserve_mib: int
    blackwell_page: int
    unpaged_on_blackwell: tuple[str, ...]


WINDOW_RATIO, STATE_RATIO, SMALL_RATIO = 0.8, 0.9, 0.1


def vision_bytes(model: Model, rules: SglangRules) -> float:
    """What is kept out of the pools for what vision models allocate later [bytes].

    Definition: ``vision_reserve_mib`` of the release where the model has a tower.
    """
    return 0.0 if model.vision_tower is None else rules.vision_reserve_mib * 2.0**20


def window_ratio(rules: SglangRules, model_type: str, stated: float | None) -> float:
    """Tokens of sliding layers' pool for each token of the full ones' [1].

    ``0.8``, of some types ``0.1``, where it is not stated.
    Source: SGLang 0.5.23 ``srt/arg_groups/model_overrides/inkling.py`` and ``fields/schedule.py``; 0.5.16
    ``srt/arg_groups/overrides.py``; checked: 2026-11-30, read.
    Leaves out: 1.0 of Step 3.5 with a cache on the host.
    """
    if stated is not None:
        return stated
    return SMALL_RATIO if model_type in rules.small_pools else WINDOW_RATIO


def state_ratio(rules: SglangRules, model_type: str, stated: float) -> float:
    """Memory of the pool of states for each byte of the others' [1].

    ``states = ratio x others``: ``0.9``, of some types ``0.1``, where nothing else is stated.
    Source: as :func:`window_ratio`; checked: 2026-11-30, read.
    Leaves out: that 0.5.20 and later tell a stated 0.9 from none.
    """
    return SMALL_RATIO if model_type in rules.small_pools and stated == STATE_RATIO else stated


def tracked_slots(rules: SglangRules, strategy: str, model_type: str, *, overlap: bool) -> int:
    """Slots of recurrent state that a running request holds with prefix caching [slots].

    Definition: ``plain_slots``; with states that are tracked beside the step one more, or two while steps overlap.
    """
    tracked = strategy == "extra_buffer" or (
        strategy == "auto" and model_type not in rules.plain_states and overlap
    )
    if strategy == "extra_buffer_lazy":
        return rules.plain_slots + 1
    if not tracked:
        return rules.plain_slots
    if strategy == "extra_buffer":
        return rules.plain_slots + (2 if overlap else 1)
    return rules.slots_a_request


def is_latent(model: Model) -> bool:
    """Whether attention keeps latent vectors (MLA)."""
    return any(cache.kind == "latent" for group in model.groups for cache in group.parts.caches)


def is_sparse(model: Model) -> bool:
    """Whether an indexer chooses what latent attention reads."""
    scores = (score.name for group in model.groups for score in group.parts.scores)
    return is_latent(model) and INDEX_SCORES in scores


def is_datacenter_blackwell(setup: Setup) -> bool:
    """Whether the card is of compute capability 10."""
    return (setup.gpu.compute_capability or "").startswith("10.")


SCALED_ON_12 = frozenset({"glm_moe_dsa"})
"""Sparse latent models whose kernels on compute capability 12 take scaled rows; those of others take plain ones."""


def has_scaled_rows(setup: Setup) -> bool:
    """Whether rows of sparse latent attention in fp8 carry scales: on NVIDIA's cards but where TRT-LLM's kernels run.

    Read in SGLang 0.5.23 ``srt/arg_groups/overrides.py`` (default DSA backends); checked: 2026-11-30. AMD's
    take plain rows.
    """
    major = (setup.gpu.compute_capability or "").partition(".")[0]
    if setup.gpu.vendor != "NVIDIA" or major == "10":
        return False
    return major != "12" or setup.model.model_type in SCALED_ON_12


def usual_kernels(setup: Setup) -> frozenset[str]:
    """Attention kernels that are taken where none are named, as ``attention_backend`` says them.

    Hopper: ``fa3``; compute capability 10: those of TRT-LLM, of latent attention FlashInfer's too; else FlashInfer's,
    of latent attention Triton's. AMD's: ``aiter``, of latent attention Triton's where heads of a GPU are not 16 or 128.
    Read in SGLang 0.5.23 ``srt/arg_groups/model_override_base.py``, ``get_default_attn_backend``; checked: 2026-11-30.
    Leaves out: types of models with kernels of their own, and sinks, beside which Triton's are taken.
    """
    capability, latent = (setup.gpu.compute_capability or "").partition(".")[0], is_latent(setup.model)
    if capability == "9":
        return frozenset({"fa3"})
    if capability == "10":
        return frozenset({"trtllm_mla", "flashinfer"} if latent else {"trtllm_mha"})
    if setup.gpu.vendor == "AMD":
        return frozenset({"aiter", "triton"} if latent else {"aiter"})
    return frozenset({"triton"} if latent else {"flashinfer"})
