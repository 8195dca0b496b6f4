"""What sets SGLang apart beside its rules of memory."""

from collections.abc import Iterator

from llm_calc.core.engines.dealt_contexts import sglang_dealt
from llm_calc.core.engines.layout_flags import LayoutFlags, with_shared_attention
from llm_calc.core.engines.refused_flags import SGLANG
from llm_calc.core.engines.sglang_rules import is_compressed, is_sparse, usual_kernels
from llm_calc.core.engines.starting import Needed, Options
from llm_calc.core.engines.traits import FormatTraits, LoadTraits, LoraTraits, OptionTraits, Traits
from llm_calc.core.hardware import Gpu
from llm_calc.core.model import Model


def _started(needed: Needed) -> Iterator[Options]:
    """The context that is needed; then also with as many sequences, should its own limit be lower."""
    yield {"context_length": needed.context_tokens}
    running = needed.each * needed.replicas
    yield {"context_length": needed.context_tokens, "max_running_requests": running}


def _cache_on(model: Model, gpu: Gpu) -> str | None:
    """fp8 for DeepSeek V4 and V4.1, and for sparse latent attention on compute capability 10 and 12.

    Read in 0.5.23's ``arg_groups/overrides.py`` on 2026-11-29.
    """
    sparse = is_sparse(model) and (gpu.compute_capability or "").startswith(("10.", "12."))
    return "fp8" if is_compressed(model) or sparse else None


TRAITS = Traits(
    options=OptionTraits(
        context="context_length",
        prefix_switch=("disable_radix_cache", True),
        contexts="dcp_size",
        contexts_refused=sglang_dealt,
        cache_sizes=("max_total_tokens", "max_mamba_cache_size"),
        cache_share="mem_fraction_static",
        cache_types={
            "auto": "auto",
            "bf16": "bf16",
            "bfloat16": "bf16",
            "nvfp4": "nvfp4",
            "mxfp8": "mxfp8",
            **dict.fromkeys(("fp8_e4m3", "fp8_e5m2"), "fp8"),
        },
        refused=SGLANG,
        layout=LayoutFlags(
            sizes={
                "tp_size": "tensor",
                "pp_size": "pipeline",
                "dp_size": "data",
                "attn_dp_size": "data",
                "ep_size": "expert",
            },
            switches=("enable_dp_attention",),
            switched="data",
            meant=with_shared_attention,
            joins=True,
            nodes="nnodes",
            width="attn_dp_size",
            width_since=(0, 5, 22),
        ),
        partition=True,
        states="mamba_ssm_dtype",
        open_state_bytes=4.0,
        usual_kernels=usual_kernels,
    ),
    formats=FormatTraits(
        cache_on=_cache_on,
        typed_by_weights=True,
        small_cache={"blackwell": frozenset(("fp8", "nvfp4", "mxfp4"))},
    ),
    load=LoadTraits(server=True, started=_started, caution="schedule_conservativeness", caution_dealt=0.3),
    lora=LoraTraits(
        room="changed matrices", refused=("use_dora",), not_beside=("draft_model",), all_word=True
    ),
    stage_layers=True,
)
"""Keys of adapters that it refuses: ``srt/lora/lora_manager.py``, ``validate_new_adapter``, in a copy of 2026. Beside
a draft: 0.5.23 ``srt/arg_groups/lora_hook.py``, ``check_lora_speculative_compatibility``, takes adapters with n-grams
and heads; 0.5.12 ``srt/server_args.py`` with n-grams alone. checked: 2026-11-30, read. The layers of each stage are
SGLANG_PP_LAYER_PARTITION."""
