"""What sets vLLM apart beside its rules of memory."""

from collections.abc import Iterator

from llm_calc.core.engines.dealt_contexts import vllm_dealt
from llm_calc.core.engines.layout_flags import LayoutFlags, with_dealt_experts
from llm_calc.core.engines.refused_flags import VLLM
from llm_calc.core.engines.starting import Needed, Options
from llm_calc.core.engines.traits import FormatTraits, LoadTraits, LoraTraits, OptionTraits, Traits


def _started(needed: Needed) -> Iterator[Options]:
    """The context that is needed; then also with as many sequences, should its own limit be lower."""
    yield {"max_model_len": needed.context_tokens}
    yield {"max_model_len": needed.context_tokens, "max_num_seqs": needed.each}


TRAITS = Traits(
    options=OptionTraits(
        context="max_model_len",
        prefix_switch=("enable_prefix_caching", False),
        contexts="decode_context_parallel_size",
        contexts_refused=vllm_dealt,
        cache_sizes=("kv_cache_memory_bytes", "num_gpu_blocks_override"),
        cache_share="gpu_memory_utilization",
        cache_types={
            "auto": "auto",
            "float16": "fp16",
            "bfloat16": "bf16",
            "nvfp4": "nvfp4",
            **dict.fromkeys(("fp8", "fp8_e4m3", "fp8_e5m2", "fp8_inc", "fp8_ds_mla"), "fp8"),
        },
        refused=VLLM,
        tells_letters=True,
        compiles=True,
        layout=LayoutFlags(
            sizes={
                "tensor_parallel_size": "tensor",
                "pipeline_parallel_size": "pipeline",
                "data_parallel_size": "data",
            },
            switches=("enable_expert_parallel",),
            switched="expert",
            meant=with_dealt_experts,
            mixtures_joined=True,
            nodes="nnodes",
        ),
        partition=True,
        states="mamba_ssm_cache_dtype",
    ),
    formats=FormatTraits(
        typed_by_weights=True,
        small_cache={"blackwell": frozenset(("fp8", "nvfp4", "mxfp4")), "hopper": frozenset(("fp8",))},
    ),
    load=LoadTraits(server=True, started=_started),
    lora=LoraTraits(room="every matrix", refused=("use_dora", "modules_to_save", "bias")),
    stage_layers=True,
    largest_items=True,
    nixl=True,
)
"""Keys of adapters that it refuses: ``lora/peft_helper.py``, ``validate_legal``, in a copy of 2026; checked:
2026-11-30, read. The layers of each stage are VLLM_PP_LAYER_PARTITION."""
