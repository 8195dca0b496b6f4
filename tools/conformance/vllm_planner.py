"""Runs vLLM's own cache planner, without a GPU, on caches given as JSON. Needs vLLM and nothing of this project.

usage: python vllm_planner.py CASES.json RESULTS.json

A case: ``stages`` (lists of caches: name, kind, block_tokens, bytes_per_token or state_bytes, window), ``packed``,
``max_model_len``, ``in_flight_tokens``, ``mamba_cache_mode``, ``checkpoints``, ``available_bytes`` by stage. A result:
blocks, bytes of a block, concurrency, tokens, the longest length that fits.
"""

# ruff: noqa: SLF001 - the functions that the engine plans with are its own
import json
import logging
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from vllm.v1.core import kv_cache_planning as planning
from vllm.v1.core import kv_cache_utils as capacity
from vllm.v1.kv_cache_interface import (
    ChunkedLocalAttentionSpec,
    FullAttentionSpec,
    MambaSpec,
    MLAAttentionSpec,
    SlidingWindowMLASpec,
    SlidingWindowSpec,
)
from vllm.v1.kv_cache_layout import KVCacheLayout

Json = dict[str, Any]


def spec(cache: Json, case: Json) -> Any:
    """The cache of one layer as vLLM describes it: only sizes matter here, so that heads and widths are folded."""
    tokens = cache["block_tokens"]
    if cache["kind"] == "state":
        return MambaSpec(
            block_size=tokens or case["max_model_len"],
            shapes=((int(cache["state_bytes"]),),),
            dtypes=(torch.int8,),
            page_size_padded=int(cache["page_bytes"]),
            mamba_cache_mode=case["mamba_cache_mode"],
            num_prefill_checkpoint_blocks=case["checkpoints"],
        )
    width = int(cache["bytes_per_token"])
    if case["packed"]:
        shared = {"block_size": tokens, "num_kv_heads": 1, "head_size": 1, "dtype": torch.int8}
        shared |= {"page_size_padded": int(cache["page_bytes"])}
        if cache["window"]:
            return SlidingWindowMLASpec(sliding_window=cache["window"], dcp_sharded=False, **shared)
        return MLAAttentionSpec(**shared)
    if cache["kind"] in ("latent", "compressed"):
        return MLAAttentionSpec(block_size=tokens, num_kv_heads=1, head_size=width, dtype=torch.int8)
    shared = {"block_size": tokens, "num_kv_heads": 1, "dtype": torch.int8}
    shared |= {"head_size": width // 2, "head_size_v": width - width // 2}
    if cache["kind"] == "sliding":
        return SlidingWindowSpec(sliding_window=cache["window"], dcp_sharded=False, **shared)
    if cache["kind"] == "chunked":
        return ChunkedLocalAttentionSpec(attention_chunk_size=cache["window"], **shared)
    return FullAttentionSpec(**shared)


def config(case: Json, length: int) -> Any:
    """What the planner reads of a configuration."""
    layout = KVCacheLayout.BLHNC if case["packed"] else KVCacheLayout.LBNHC
    return SimpleNamespace(
        cache_config=SimpleNamespace(
            get_resolved_kv_cache_layout=lambda: layout,
            num_gpu_blocks_override=None,
            mamba_cache_mode=case["mamba_cache_mode"],
            prefix_cache_retention_interval=None,
        ),
        model_config=SimpleNamespace(max_model_len=length, original_max_model_len=length),
        parallel_config=SimpleNamespace(decode_context_parallel_size=1, tensor_parallel_size=1),
        scheduler_config=SimpleNamespace(disable_hybrid_kv_cache_manager=False),
        attention_config=SimpleNamespace(hisparse_config=None),
        speculative_config=None,
        num_prefill_lookahead_tokens=0,
        max_in_flight_tokens=case["in_flight_tokens"],
    )


def plan(case: Json) -> Json:
    """Groups of the whole model, blocks of every stage, capacity and the longest length of the smallest."""
    settings, builder = config(case, case["max_model_len"]), planning.DefaultKVCacheConfigBuilder()
    stages = [{cache["name"]: spec(cache, case) for cache in stage} for stage in case["stages"]]
    merged = {name: each for stage in stages for name, each in stage.items()}
    groups = planning.get_kv_cache_groups(settings, merged)
    found = []
    for stage, available in zip(stages, case["available_bytes"], strict=True):
        own = planning._project_kv_cache_groups_to_worker(groups, stage)
        size = planning._pool_bytes_per_block(settings, own)
        placed = planning.get_kv_cache_config_from_groups(settings, own, available)
        longest = planning._estimate_max_model_len_from_groups(builder, settings, own, available - size)
        found.append((placed.num_blocks, size, placed, longest))
    blocks, size, placed, longest = min(found, key=lambda each: each[0])
    tokens, concurrency = capacity.get_kv_cache_capacity(settings, placed)
    return {
        "groups": len(groups),
        "blocks": blocks,
        "block_bytes": size,
        "max_concurrency": round(concurrency, 4),
        "tokens": tokens,
        "longest": longest,
    }


def main() -> None:
    """Plans every case."""
    logging.disable(logging.CRITICAL)
    cases = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    results = []
    for case in cases:
        try:
            results.append(plan(case))
        except Exception as error:  # noqa: BLE001 - a case that the engine refuses is a result
            results.append({"error": f"{type(error).__name__}: {error}"[:200]})
    Path(sys.argv[2]).write_text(json.dumps(results), encoding="utf-8")


if __name__ == "__main__":
    main()
