"""State-space, linear-attention and hybrid families against counts on the real classes."""

import json
from pathlib import Path
from typing import Any

import pytest

from llm_calc.adapters.config_file import read_config
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.flops import reference_decode_flops, reference_prefill_flops
from llm_calc.core.memory import CacheFormat, kv_cache_bytes_per_token, layer_caches, total_parameters

GOLDEN: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "golden" / "hybrids.json").read_text(encoding="utf-8")
)
ROWS: list[dict[str, Any]] = GOLDEN["rows"]
BY_NAME = {row["name"]: row for row in ROWS}
NEVER_EXACT = ("blt",)
EXACT = 1e-3
"""What counters of FLOPs may differ by: padding of convolutions that are modules of their own."""


def rows_with(key: str) -> list[Any]:
    return [pytest.param(row, id=row["name"]) for row in ROWS if key in row]


@pytest.mark.parametrize("row", rows_with("parameters"))
def test_parameters_are_those_of_the_class(row: dict[str, Any]) -> None:
    reading = read_config(row["config"])
    assert total_parameters(reading.model) == row["parameters"]
    if row["config"]["model_type"] in NEVER_EXACT:
        assert reading.confidence == "approximate"
    else:
        assert reading.assumptions == ()
        assert reading.confidence == "exact"


@pytest.mark.parametrize("row", rows_with("state_elements"))
def test_cache_and_state_are_those_of_the_class(row: dict[str, Any]) -> None:
    model = read_config(row["config"]).model
    element = CacheFormat(bytes_per_element=1.0)
    assert kv_cache_bytes_per_token(model, element) == row["kv_elements_per_token"]
    assert (
        sum(cache.state_elements * layers for cache, layers in layer_caches(model)) == row["state_elements"]
    )


@pytest.mark.parametrize("row", rows_with("prefill_128_flops"))
def test_prefill_flops_are_those_of_the_class(row: dict[str, Any]) -> None:
    flops = reference_prefill_flops(read_config(row["config"]).model, 1, 128)
    assert flops.total == pytest.approx(row["prefill_128_flops"], rel=EXACT)
    assert flops.scan >= 0


@pytest.mark.parametrize("row", rows_with("decode_64_flops"))
def test_decode_flops_are_those_of_the_class(row: dict[str, Any]) -> None:
    flops = reference_decode_flops(read_config(row["config"]).model, 64)
    assert flops.total == pytest.approx(row["decode_64_flops"], rel=EXACT)


def changed(name: str, **changes: object) -> dict[str, object]:
    return {**BY_NAME[name]["config"], **changes}


@pytest.mark.parametrize(
    ("config", "key"),
    [
        (changed("qn-a", attn_output_gate=False), "attn_output_gate"),
        (changed("bail-a", q_lora_rank=256), "q_lora_rank"),
        (changed("bail-a", group_norm_size=4), "group_norm_size"),
        (changed("bail-a", no_kda_lora=False), "no_kda_lora"),
        (changed("mini-a", shared_intermediate_size=128), "shared_intermediate_size"),
        (changed("nem-a", attention_head_dim=64), "attention_head_dim"),
        (changed("recurrentgemma-2b", _block_types=["recurrent", "attention"]), "_block_types"),
        (changed("mamba-2.8b-hf", d_inner=4096), "d_inner"),
        (
            changed(
                "kimi-b", linear_attn_config={"head_dim": 32, "num_heads": 6, "use_full_rank_gate": True}
            ),
            "use_full_rank_gate",
        ),
    ],
)
def test_what_the_class_does_not_know_is_reported(config: dict[str, object], key: str) -> None:
    reading = read_config(config)
    assert reading.confidence == "approximate"
    assert any(key in sentence for sentence in reading.assumptions)


@pytest.mark.parametrize(
    ("config", "field"),
    [
        (changed("Kimi-Linear-48B-A3B", moe_latent_size=3584), "moe_latent_size"),
        (changed("mamba2-a", num_heads=7), "num_heads"),
        (changed("bamba-a", mamba_n_heads=7), "mamba_n_heads"),
        (changed("qn-b", layer_types=["full_attention", "no such kind", "x", "y", "z"]), "layer_types"),
        (changed("gran-a", layer_types=["mamba"]), "layer_types"),
        (changed("qn-b", linear_num_value_heads=3), "linear_num_value_heads"),
        (changed("nem-a", hybrid_override_pattern="MXE"), "hybrid_override_pattern"),
        (changed("zamba-b", layers_block_type=["mamba", "attention"]), "layers_block_type"),
        (changed("zamba-b", n_mamba_heads=5), "n_mamba_heads"),
        (changed("zamba2-a", n_mamba_heads=7), "n_mamba_heads"),
        (changed("rg-a", block_types=["recurrent", "window"]), "block_types"),
        (changed("rg-a", lru_width=321), "lru_width"),
        (changed("q4-c", ple_layer_ids=[1, 9]), "ple_layer_ids"),
        (changed("q4-c", heads_per_ngram=500), "heads_per_ngram"),
        (changed("hrm-b", num_hidden_layers=10), "num_hidden_layers"),
        (changed("zaya-a", layer_types=["hybrid"]), "layer_types"),
        (changed("ink-a", layer_types=["hybrid"]), "layer_types"),
        (changed("ink-a", mlp_layer_types=["dense"]), "mlp_layer_types"),
        (changed("ink-a", num_key_value_heads=3), "num_key_value_heads"),
        (
            changed("kimi-a", linear_attn_config={"full_attn_layers": [1], "kda_layers": [2]}),
            "linear_attn_config",
        ),
        (
            changed("kimi-a", linear_attn_config={"full_attn_layers": 1, "kda_layers": 2}),
            "linear_attn_config",
        ),
        (changed("kimi-a", linear_attn_config={"head_dim": "wide"}), "linear_attn_config"),
        (changed("mamba-bias", expand=0), "expand"),
        (changed("mini-a", model_type="minimax_m1", attn_type_list=[0, 1]), "attn_type_list"),
        (changed("q35", mamba_ssm_dtype="int7"), "mamba_ssm_dtype"),
    ],
)
def test_what_cannot_be_right_is_refused(config: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInputError, match=field) as refused:
        read_config(config)
    assert refused.value.field == f"model.hf_config.{field}"


def state_bits(config: dict[str, object]) -> set[int]:
    caches = layer_caches(read_config(config).model)
    return {cache.state_bits for cache, _ in caches if cache.kind == "state"}


def test_recurrent_states_have_the_width_that_the_file_asks_for() -> None:
    assert state_bits(changed("q35")) == {16}
    assert state_bits(changed("q35", mamba_ssm_dtype="float32")) == {16, 32}
    assert state_bits(changed("nem-a")) == {16, 32}
    assert state_bits(changed("nem-a", mamba_ssm_cache_dtype="bfloat16")) == {16}


def test_minimax_m1_reads_its_list_of_attention_types() -> None:
    kinds = {"model_type": "minimax_m1", "attn_type_list": [0, 0, 1], "shared_intermediate_size": 0}
    published = read_config(changed("mini-a", **kinds)).model
    named = read_config(changed("mini-a", layer_types=["linear_attention"] * 2 + ["full_attention"])).model
    assert published.groups == named.groups


def test_shared_blocks_of_zamba_are_stored_once_and_run_often() -> None:
    model = read_config(BY_NAME["zamba2-a"]["config"]).model
    shared = [group for group in model.groups if group.stored is not None]
    assert [(group.indices, group.stored_sets, group.calls) for group in shared] == [
        ((1, 5), 1, 2),
        ((3, 6), 1, 2),
    ]


def test_liquid_models_follow_the_older_name_of_tying() -> None:
    assert not read_config(BY_NAME["lfm2-b"]["config"]).model.head_tied
    assert read_config(changed("lfm2-b", tie_embedding=True)).model.head_tied


def test_products_of_kimi_attention_stand_with_the_scan_but_are_executed() -> None:
    model = read_config(BY_NAME["kimi-b"]["config"]).model
    prefill = reference_prefill_flops(model, 1, 128)
    assert prefill.by_component["attention_scores"] == 0
    without = sum(group.calls * group.parts.scan_flops_per_token for group in model.groups)
    assert prefill.scan > 128 * without
    assert reference_decode_flops(model, 64).scan > without
