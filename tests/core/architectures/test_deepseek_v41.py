"""DeepSeek-V4.1, whose layers share what a few of them keep.

The full configuration and its count are in ``tests/golden/by_hand.json``: shapes of all tensors of the release as
public code lists them, read 2026-12-01.
"""

import json
from pathlib import Path
from typing import Any

import pytest

import llm_calc
from llm_calc.adapters.config_file import read_config
from llm_calc.core.errors import CalcError, InvalidInputError
from llm_calc.core.weights import Cache, Scores

GOLDEN = Path(__file__).parents[2] / "golden"
ROWS = json.loads((GOLDEN / "by_hand.json").read_text(encoding="utf-8"))["rows"]
TEXT: dict[str, Any] = next(row["config"] for row in ROWS if row["name"] == "deepseek_v41_text")


def full() -> Any:
    return llm_calc.inspect_model(model="deepseek-v4.1-flash")


def parts(layer: int) -> tuple[list[Cache], list[Scores]]:
    group = next(group for group in read_config(TEXT).model.groups if layer in group.indices)
    return list(group.parts.caches), list(group.parts.scores)


def test_the_release_is_weighed_to_the_byte_but_for_what_stays_in_32_bits() -> None:
    """502 353 025 488 bytes by tensor: fp8 with scales of 32 x 32, experts and tables with one for 32 numbers.

    Coefficients of the streams (39 323 760) and sinks (40 x 64) are there in 32 bits, here in 16.
    """
    found = full()
    assert found.confidence == "exact"
    assert found.weights_bytes == 502_353_025_488 - 2 * (39_323_760 + 40 * 64)


def test_a_token_keeps_what_its_model_card_says() -> None:
    """890 bytes a token: 3 entries for two tokens and one for each, of 512 numbers (288 bytes) and 128 (68 bytes)."""
    assert 890 == (3 / 2 + 1) * (288 + 68)
    assert full().kv_cache.bytes_per_token == (3 / 2 + 1) * (512 + 128) * 2


def test_layers_behind_the_candidates_choose_among_them_alone() -> None:
    caches, scores = parts(2)
    assert [cache.kind for cache in caches] == ["state", "compressed", "compressed"]
    assert [score.top_k for score in scores] == [None, 8, None]
    caches, scores = parts(3)
    assert [score.top_k for score in scores] == [None, 8, 4 * 2]
    assert [cache.kind for cache in caches] == ["state"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("compress_ratios", [0, 4, 1, 1]),
        ("compress_ratios", [0, 2, 1]),
        ("compress_ratios", [0, 2, 2, 1]),
        ("kv_source_layer_ids", [0, 1, 2]),
        ("kv_source_layer_ids", [2]),
        ("kv_source_layer_ids", []),
        ("index_source_layer_ids", [2, 3]),
        ("index_source_layer_ids", [1, 3]),
        ("engram_num_embeddings", []),
        ("engram_layer_ids", [4]),
        ("candidate_source_layer_id", 4),
    ],
)
def test_what_no_class_builds_is_refused(key: str, value: object) -> None:
    with pytest.raises(InvalidInputError) as refused:
        read_config(TEXT | {key: value})
    assert refused.value.field is not None
    assert refused.value.field.startswith("model.hf_config.")


def test_without_ngrams_or_a_tower_there_are_none() -> None:
    plain = read_config(TEXT | {"engram_layer_ids": [], "engram_num_embeddings": []})
    assert plain.confidence == "exact"
    wrapped = read_config({"model_type": "deepseek_v41", "text_config": TEXT})
    flat = read_config(TEXT | {"model_type": "deepseek_v41"})
    assert wrapped.confidence == flat.confidence == "exact"


def test_vllm_leaves_tables_of_ngrams_with_the_host() -> None:
    """98 305 579 008 and 98 308 270 592 bytes, and a scale for 32 of them; SGLang takes them to its GPUs."""
    tables = (98_305_579_008 + 98_308_270_592) * 33 / 32
    asked: dict[str, Any] = {"hardware": "8x b200", "parallelism": {"tensor": 8}}
    found = llm_calc.memory_plan(model="deepseek-v4.1-flash", engine="vllm", **asked)
    assert found.starts is not None
    # Rows are padded to multiples of 64 and of the GPUs.
    assert found.per_gpu.host_weights_bytes == pytest.approx(tables / 8, rel=1e-6)
    other = llm_calc.memory_plan(model="deepseek-v4.1-flash", engine="sglang", **asked)
    assert other.per_gpu.host_weights_bytes == 0
    assert other.per_gpu.weights_bytes > tables / 8


def test_splits_are_held_to_the_blocks_of_the_file() -> None:
    """2304 columns of a shared expert: 288 on each of 8 GPUs, nine blocks of 32; 144 of 16 are no whole number."""
    found = llm_calc.memory_plan(
        model="deepseek-v4.1-flash", hardware="8x b300", parallelism={"tensor": 8}, engine="vllm"
    )
    assert "blocks" not in (found.reason or "")
    sixteen = llm_calc.memory_plan(
        model="deepseek-v4.1-flash", hardware="16x b300", parallelism={"tensor": 16}, engine="vllm"
    )
    assert "fp8 blocks of 32" in (sixteen.reason or "")


@pytest.mark.parametrize("engine", ["trtllm", "llama.cpp"])
def test_engines_without_a_class_say_so(engine: str) -> None:
    with pytest.raises(CalcError, match="deepseek_v41"):
        llm_calc.memory_plan(
            model="deepseek-v4.1-flash", hardware="8x b300", parallelism={"tensor": 8}, engine=engine
        )


@pytest.mark.parametrize(
    ("layout", "copies"), [({"tensor": 8}, 1), ({"tensor": 1, "data": 8, "expert": 8}, 8)]
)
def test_the_hosts_bytes_are_those_of_all_replicas(layout: dict[str, int], copies: int) -> None:
    """Rows of 256 numbers in 8 bits and 8 scales of a byte, over all ranks; rows are padded to 64 for each table."""
    rows = 384006168 + 384016682
    found = llm_calc.memory_plan(
        model="deepseek-v4.1-flash",
        hardware={"gpu": "h200", "count": 8},
        engine={"name": "vllm"},
        parallelism=layout,
    )
    assert found.host is not None
    assert 0 <= found.host.weights_bytes - copies * rows * 264 <= copies * 2 * 64 * 264
    said = [words for words in found.assumptions if words.startswith("host: 202758048768 bytes of weights")]
    assert len(said) == 1
    assert ("8 replicas, each taken to keep its own" in said[0]) == (copies == 8)
