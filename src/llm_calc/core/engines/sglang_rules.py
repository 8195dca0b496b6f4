"""What differs between SGLang's releases, and what it takes a model for."""

from collections.abc import Mapping
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


FA3, AITER, TRITON, TRTLLM = "fa3", "aiter", "triton", "trtllm_mha"
OTHER_CARDS = ""
_EVERYWHERE = {"10": (TRTLLM,), "9": (FA3,), "AMD": (AITER,), OTHER_CARDS: (TRITON,)}
_PLAIN = {**_EVERYWHERE, OTHER_CARDS: ("flashinfer",)}
_FOUR = {"10": (TRTLLM,), OTHER_CARDS: (TRITON,)}
_WINDOWED = {"10": (TRTLLM,), **dict.fromkeys(("8", "9", "12"), (FA3,)), OTHER_CARDS: (TRITON,)}
_THIRD = {**_EVERYWHERE, "10": ("fa4", TRTLLM), "AMD": (TRITON,)}
_MIMO, _GATED = {**_EVERYWHERE, "10": ("fa4",)}, {**_PLAIN, "10": (TRTLLM, TRITON)}
_SHORT, _TRITON_ON_10 = {**_PLAIN, "10": ("flashinfer",)}, {**_PLAIN, "10": (TRITON,)}
_BEAM = {**_PLAIN, **dict.fromkeys(("9", "10", "12"), (TRTLLM,))}
KERNELS_OF: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(
        ("gpt_oss", "llama4", "llama4_text", "granite_swa", "granitemoe_swa", "iquest_q1"), _EVERYWHERE
    ),
    **dict.fromkeys(("gemma4", "gemma4_text", "gemma4_unified", "gemma4_unified_text"), _FOUR),
    **dict.fromkeys(("olmo2", "exaone4", "exaone_moe"), _WINDOWED),
    **dict.fromkeys(("minimax_m3", "minimax_m3_vl"), _THIRD),
    **dict.fromkeys(("mimo_v2", "mimo_v2_flash"), _MIMO),
    **dict.fromkeys(("qwen3_5", "qwen3_5_moe", "qwen3_next", "qwen4_exp"), _GATED),
    **dict.fromkeys(("lfm2", "lfm2_moe", "granitemoehybrid"), _SHORT),
    **dict.fromkeys(("falcon_h1", "jet_nemotron"), _TRITON_ON_10),
    "beam": _BEAM,
    "inkling_text": {"9": ("fa4",), "10": ("fa4",), OTHER_CARDS: (TRITON,)},
}
"""Attention kernels of types that do not take what others do, by compute capability or AMD.

Source: SGLang 0.5.23 ``srt/arg_groups/model_overrides`` and, of sinks, ``srt/configs/model_config.py``
(``SWA_SINK_ARCHS``); checked: 2026-12-01, read.
"""
OF_HYBRIDS = ("granitemoehybrid",)
"""Types whose kernels are those of models with recurrent layers alone."""
AITER_HEADS = (16, 128)
AITER_SHARE, AITER_CONTEXT = 0.85, 8192
NVIDIA = frozenset({FA3, "fa4", "flashinfer", "flashmla", "trtllm_mha", "trtllm_mla", "cutedsl_mla"})
NEEDED_CAPABILITIES = {
    FA3: ("8", "9"),
    "trtllm_mha": ("9", "10", "12"),
    "trtllm_mla": ("10", "12"),
    "cutedsl_mla": ("10",),
}
LATENT_ALONE, NEVER_LATENT = frozenset({"trtllm_mla", "cutedsl_mla"}), frozenset({"trtllm_mha"})
"""Major compute capabilities on which kernels start, and kernels of latent attention alone or of none.

Source: SGLang 0.5.23 ``srt/arg_groups/attention_hook.py``, ``overrides.py``, ``choices.py`` and
``srt/layers/attention/attention_registry.py``; checked: 2026-12-01, read.
"""


def is_compressed(model: Model) -> bool:
    """Whether caches are compressed as DeepSeek V4's are: SGLang serves V4.1 by the same class."""
    return model.model_type.startswith(COMPRESSED)


def _card(setup: Setup) -> str:
    """``AMD``, or the major compute capability."""
    return "AMD" if setup.gpu.vendor == "AMD" else (setup.gpu.compute_capability or "").partition(".")[0]


def usual_kernels(setup: Setup) -> frozenset[str]:
    """Attention kernels that are taken where none are named, as ``attention_backend`` says them.

    Hopper: ``fa3``; compute capability 10: those of TRT-LLM, of latent attention FlashInfer's too; AMD's: ``aiter``, of
    latent attention where heads of a GPU are 16 or 128; else FlashInfer's, of latent attention Triton's. Types with
    kernels of their own or sinks: ``KERNELS_OF``.
    Read in SGLang 0.5.23 ``srt/arg_groups/model_override_base.py``, ``get_default_attn_backend``; checked: 2026-12-01.
    """
    model, card = setup.model, _card(setup)
    if is_compressed(model) or is_sparse(model):
        return frozenset({"dsv4" if is_compressed(model) else "dsa"})
    if is_latent(model):
        by_card = {"9": (FA3,), "10": ("trtllm_mla", "flashinfer"), "AMD": (_latent_on_amd(setup),)}
        return frozenset(by_card.get(card, (TRITON,)))
    kernels = KERNELS_OF.get(model.model_type, _PLAIN)
    if model.model_type in OF_HYBRIDS and not _is_recurrent(model):
        kernels = _PLAIN
    return frozenset(kernels.get(card, kernels[OTHER_CARDS]))


def _is_recurrent(model: Model) -> bool:
    return any(cache.state_elements for group in model.groups for cache in group.parts.caches)


def _latent_on_amd(setup: Setup) -> str:
    """``aiter`` has kernels of latent attention for so many heads of a GPU alone."""
    groups = setup.model.groups
    heads = max((score.units for group in groups for score in group.parts.scores), default=0)
    return AITER if heads // (setup.layout.tensor * setup.layout.groups) in AITER_HEADS else TRITON


def kernels_share(setup: Setup, named: str | None, context_tokens: int) -> float:
    """What attention kernels leave of the static share, stated or not [1].

    ``0.85`` beside ``aiter`` where a context may be longer than ``8192`` tokens, else ``1``.
    Source: SGLang 0.5.23 ``srt/arg_groups/attention_hook.py``, ``handle_attention_backend_compatibility``; checked:
    2026-12-01, read; stored versions of 2025 have the same (``server_args.py``).
    Leaves out: ``SGLANG_AITER_HONOR_EXPLICIT_MEM_FRACTION``, by which a stated share stays as it is.
    """
    kernels = usual_kernels(setup) if named is None else {named}
    return AITER_SHARE if kernels == {AITER} and context_tokens > AITER_CONTEXT else 1.0


def share_notes(setup: Setup, named: str | None, context_tokens: int) -> tuple[str, ...]:
    """That the share is smaller than is said, or than SGLang's own."""
    if kernels_share(setup, named, context_tokens) == 1.0:
        return ()
    words = (
        f"SGLang takes {AITER_SHARE} of mem_fraction_static, stated or its own: attention kernels are aiter and a "
        f"context may be longer than {AITER_CONTEXT} tokens (context_length)"
    )
    return (words,)


def kernels_refusals(setup: Setup, named: str | None) -> tuple[str, ...]:
    """Named kernels of another vendor, other cards or other attention; DeepSeek V4 takes its own whatever is named."""
    if named is None or is_compressed(setup.model):
        return ()
    vendor, card = setup.gpu.vendor, _card(setup)
    strange = (named == AITER and vendor != "AMD") or (named in NVIDIA and vendor != "NVIDIA")
    latent, usual = is_latent(setup.model), ", ".join(sorted(usual_kernels(setup)))
    if named in (NEVER_LATENT if latent else LATENT_ALONE):
        words = "is not for latent attention (MLA)" if latent else "is for latent attention (MLA) alone"
        return (f"engine.attention_backend: {named} {words}; by itself SGLang takes {usual}",)
    needed = ("9",) if latent and named == FA3 else NEEDED_CAPABILITIES.get(named)
    if not strange and (needed is None or card in needed):
        return ()
    return (
        f"engine.attention_backend: {named} does not run on {setup.gpu.id}; by itself SGLang takes {usual}",
    )
