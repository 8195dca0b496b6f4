"""Flags of engines that are not taken, each with its home in a request or with what is modelled in its place.

Names read in vLLM 0.33.0 ``vllm/engine/arg_utils.py``, SGLang 0.5.23 ``srt`` and
https://nvidia.github.io/TensorRT-LLM/llm-api/reference/KvCacheConfig.html; checked: 2026-11-30.
"""

from collections.abc import Iterable, Mapping

_HOST = "weights or caches in the host's memory are not modelled; leave it out, or take llama.cpp with n_gpu_layers"
_SHARED = (
    "memories that keep contexts below the GPU's are kv_tiers, with workload.sessions; a share of every prompt that is "
    "found is workload.prefix_cache_hit_fraction"
)
_DRAFT = "speculative decoding is the part speculative"
_APART = "prefill and decode apart are the part disaggregated"
_WEIGHTS = "the format of the weights is precision.weights"
_NUMBERS = "the number type is precision.weights and precision.activations"
_LORA = "adapters are the part lora"
_MEDIA = "servers of encoders alone, and memory that they share pixels in, are not modelled"
_EXPERTS = "a number of GPUs that changes while it runs is not modelled; parallelism.expert deals experts"
_MIXED = "one format holds for the cache of all layers: precision.kv_cache"
_STATES = "the state's width is mamba_ssm_cache_dtype; its blocks follow from the model"
_CONTEXTS = "prompts cut over GPUs are not modelled; decode_context_parallel_size deals the cache"


def _all(flags: Iterable[str], why: str) -> dict[str, str]:
    return dict.fromkeys(flags, why)


VLLM: Mapping[str, str] = {
    **_all(("swap_space", "cpu_offload_params"), _HOST),
    **_all(("offload_backend", "offload_params", "offload_group_size", "offload_num_in_group"), _HOST),
    **_all(("kv_offloading_size", "kv_offloading_backend"), _SHARED),
    "quantization": _WEIGHTS,
    "quantization_config": _WEIGHTS,
    "dtype": _NUMBERS,
    **_all(("speculative_config", "spec_method", "spec_model", "spec_tokens"), _DRAFT),
    "kv_transfer_config": f"{_APART}; {_SHARED}",
    "ec_transfer_config": _APART,
    **_all(("enable_lora", "max_loras", "max_lora_rank", "max_cpu_loras"), _LORA),
    **_all(("lora_dtype", "fully_sharded_loras", "lora_target_modules"), _LORA),
    **_all(("mm_encoder_only", "mm_ipc_gpu_memory_gb"), _MEDIA),
    "enable_elastic_ep": _EXPERTS,
    **_all(("kv_cache_dtype_skip_layers",), _MIXED),
    **_all(("mamba_cache_dtype", "mamba_block_size", "use_replayssm", "replayssm_buffer_len"), _STATES),
    **_all(("prefill_context_parallel_size", "cp_kv_cache_interleave_size"), _CONTEXTS),
    "device_memory_utilization": "say gpu_memory_utilization, whose other name it is",
    "disable_sliding_window": "the context that is left is the window: say max_model_len",
    "max_num_active_seqs": "say max_num_seqs",
}

SGLANG: Mapping[str, str] = {
    **_all(("cpu_offload_gb", "offload_group_size", "kt_weight_path"), _HOST),
    **_all(
        ("enable_hierarchical_cache", "hicache_ratio", "hicache_size", "hicache_storage_backend"), _SHARED
    ),
    "enable_lmcache": _SHARED,
    **_all(("speculative_algorithm", "speculative_num_steps", "speculative_num_draft_tokens"), _DRAFT),
    **_all(("speculative_eagle_topk", "speculative_draft_model_path"), _DRAFT),
    "disaggregation_mode": _APART,
    "quantization": _WEIGHTS,
    "dtype": _NUMBERS,
    **_all(("enable_lora", "lora_paths", "max_lora_rank", "max_loras_per_batch"), _LORA),
    **_all(("max_loaded_loras", "lora_target_modules"), _LORA),
    "cuda_graph_bs": "say cuda_graph_max_bs",
}

TRTLLM: Mapping[str, str] = {
    **_all(("host_cache_size", "secondary_offload_min_priority"), _SHARED),
    "speculative_config": _DRAFT,
    "quant_config": _WEIGHTS,
    "dtype": _NUMBERS,
    "lora_config": _LORA,
    "cache_transceiver_config": _APART,
    "max_attention_window": "sliding layers take blocks for the whole context here; a window of their own needs fewer",
    "max_gpu_total_bytes": "say max_tokens or free_gpu_memory_fraction",
    "max_beam_width": "one answer a request is modelled",
    "context_parallel_size": "prompts cut over GPUs are not modelled",
}
