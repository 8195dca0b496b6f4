"""What sets TensorRT-LLM apart beside its rules of memory."""

from collections.abc import Iterator

from llm_calc.core.engines.layout_flags import LayoutFlags, with_attention_of_each
from llm_calc.core.engines.refused_flags import TRTLLM
from llm_calc.core.engines.starting import Needed, Options
from llm_calc.core.engines.traits import FormatTraits, LoadTraits, OptionTraits, Traits


def _started(needed: Needed) -> Iterator[Options]:
    """The context that is needed; then also with as many sequences, should its own limit be lower."""
    cut: Options = {"enable_chunked_prefill": True} if needed.cut_prompts else {}
    yield {"max_seq_len": needed.context_tokens, **cut}
    yield {"max_seq_len": needed.context_tokens, "max_batch_size": needed.each, **cut}


TRAITS = Traits(
    written=("TensorRT-LLM",),
    options=OptionTraits(
        context="max_seq_len",
        prefix_switch=("enable_block_reuse", False),
        cache_sizes=("max_tokens",),
        cache_share="free_gpu_memory_fraction",
        cache_types={"auto": "auto", "fp8": "fp8", "nvfp4": "nvfp4"},
        refused=TRTLLM,
        wholes=True,
        states="mamba_ssm_cache_dtype",
        states_open=True,
        layout=LayoutFlags(
            sizes={"tp_size": "tensor", "pp_size": "pipeline", "ep_size": "expert"},
            switches=("enable_attention_dp",),
            switched="data",
            meant=with_attention_of_each,
            joins=True,
            own_feed_forward=True,
            node_size="gpus_per_node",
        ),
    ),
    formats=FormatTraits(
        fp8_with=frozenset(("fp8", "nvfp4")), small_cache={"blackwell": frozenset(("mxfp4",))}
    ),
    load=LoadTraits(server=True, keeps_states=False, started=_started),
)
"""Groups of attention: ``tensorrt_llm/_torch/models/modeling_qwen3.py`` gives each its own feed-forward parts
(``overridden_tp_size``), in a copy of 2026; checked: 2026-11-30, read in quotation."""
