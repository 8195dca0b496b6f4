"""Parts of TensorRT-LLM's arguments that hold several options: its configurations of the cache and of graphs.

Read in TensorRT-LLM ``tensorrt_llm/llmapi/llm_args.py`` of 1.2 and of main at 0004396; checked: 2026-11-30.
"""

from collections.abc import Mapping
from typing import Any

from llm_calc.adapters.json_twice import json_once
from llm_calc.adapters.wire.base import nearest_name_hint
from llm_calc.core.errors import InvalidInputError

CACHE, GRAPHS = "kv_cache_config", "cuda_graph_config"
KEYS: Mapping[str, frozenset[str]] = {
    CACHE: frozenset(
        (
            *("attention_dp_events_gather_period_ms", "avg_seq_len", "block_reuse_config"),
            *(
                "copy_on_partial_reuse",
                "cross_kv_cache_fraction",
                "disk_cache_size",
                "disk_prefetch_num_reqs",
            ),
            *("dtype", "enable_block_reuse", "enable_kv_pool_rebalance", "enable_partial_reuse"),
            *("enable_swa_scratch_reuse", "event_buffer_max_size", "fp8_context_mla_kv_len_cap"),
            *("free_gpu_memory_fraction", "host_cache_size", "iteration_stats_interval"),
            *("kv_cache_event_hash_algo", "kv_events_config", "kv_pool_rebalance_check_interval"),
            *("kv_pool_rebalance_cooldown_secs", "kv_pool_rebalance_min_sampled_kv_caches"),
            *("kv_pool_rebalance_moving_average_decay", "kv_pool_rebalance_ratio_threshold"),
            *("kv_pool_rebalance_target_ratio_update_interval", "mamba_ssm_cache_dtype"),
            *("mamba_ssm_philox_rounds", "mamba_ssm_stochastic_rounding", "mamba_state_config"),
            *("max_attention_window", "max_gpu_total_bytes", "max_tokens", "max_util_for_resume"),
            *("onboard_blocks", "pool_ratio", "secondary_offload_min_priority", "sink_token_length"),
            *("tokens_per_block", "use_kv_cache_manager_v2", "use_uvm"),
        )
    ),
    GRAPHS: frozenset(
        (
            *("batch_sizes", "enable_padding", "max_batch_size", "max_num_token", "max_seq_len", "mode"),
            *("num_tokens", "seq_lens"),
        )
    ),
}
"""What a configuration holds, and nothing else: ``KvCacheConfig`` and ``CudaGraphConfig``, as
``usage/llm_args_golden_manifest.json`` of main lists them."""
RENAMED = {"dtype": "kv_cache_dtype"}
"""Keys of the cache's configuration whose option has another name here."""
ANYWAY: Mapping[str, object] = {
    "enable_partial_reuse": True,
    "copy_on_partial_reuse": True,
    "onboard_blocks": True,
    "use_uvm": False,
    "event_buffer_max_size": 0,
    "attention_dp_events_gather_period_ms": 5,
    "max_util_for_resume": 0.95,
}
"""What a configuration says by default, and is no news where it does."""


def apart(engine: Mapping[str, Any]) -> dict[str, Any]:
    """The engine's part with what its configurations hold as options of its own.

    ``cuda_graph_config`` of null switches graphs off, as the engine does; its sizes are left to be named.

    Raises:
        InvalidInputError: a configuration that is no object or has a key of something else; an option that is said
            twice and differs.
    """
    found = {key: value for key, value in engine.items() if key not in (CACHE, GRAPHS)}
    for key, value in (_object(engine.get(CACHE), CACHE) or {}).items():
        if value is not None:
            _add(found, RENAMED.get(key, key), value, f"{CACHE}.{key}")
    for key in [each for each in ANYWAY if each in found and found[each] == ANYWAY[each]]:
        del found[key]
    if GRAPHS in engine:
        graphs = _object(engine[GRAPHS], GRAPHS)
        _add(found, "cuda_graph", graphs is not None, GRAPHS)
        if graphs:
            found[GRAPHS] = graphs
    return found


def _object(value: object, name: str) -> dict[str, Any] | None:
    if isinstance(value, str):
        try:
            value = json_once(value, where=f"engine.{name}")
        except ValueError:
            value = ()
    if value is not None and not isinstance(value, dict):
        raise InvalidInputError(f"engine.{name}: must be a JSON object", field=f"engine.{name}")
    for key in value or ():
        if key not in KEYS[name]:
            _refuse(str(key)[:80], name)
    return value


def _refuse(key: str, name: str) -> None:
    accepted = sorted(KEYS[name])
    hint = nearest_name_hint(key, accepted) or f"; accepted are {', '.join(accepted)}"
    msg = f"engine.{name}.{key}: is no key of this configuration{hint}"
    raise InvalidInputError(msg, field=f"engine.{name}.{key}", accepted=accepted)


def _add(found: dict[str, Any], option: str, value: object, said_as: str) -> None:
    if found.get(option, value) not in (value, None):
        msg = f"engine.{said_as}: says {value!r}, but engine.{option} says {found[option]!r}; they are one option"
        raise InvalidInputError(msg, field=f"engine.{said_as}")
    found[option] = value
