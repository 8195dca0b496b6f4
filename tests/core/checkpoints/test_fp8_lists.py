"""Lists of fp8 files: what ``replace_with_fp8_linear`` of transformers 5.24.0 left alone, run on 2026-11-30."""

from typing import Any

import pytest

from tests.core.checkpoints.test_codebooks import stored

HIDDEN, WIDE, KEYS, VOCAB = 256, 512, 128, 1024
SHAPES = {
    "q_proj": HIDDEN * HIDDEN,
    "k_proj": HIDDEN * KEYS,
    "v_proj": HIDDEN * KEYS,
    "o_proj": HIDDEN * HIDDEN,
    "gate_proj": HIDDEN * WIDE,
    "up_proj": HIDDEN * WIDE,
    "down_proj": HIDDEN * WIDE,
    "lm_head": HIDDEN * VOCAB,
}
ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")


def config(release: str | None) -> dict[str, Any]:
    values = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": HIDDEN,
        "intermediate_size": WIDE,
        "num_hidden_layers": 1,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": VOCAB,
        "dtype": "bfloat16",
    }
    return values if release is None else {**values, "transformers_version": release}


def size_bytes(*kept: str) -> int:
    """Two bytes for what is kept, the embedding and three norms; one, and 4 for each 128 x 128, for the rest."""
    left = sum(SHAPES[name] for name in kept)
    taken = sum(SHAPES.values()) - left
    return 2 * (left + HIDDEN * VOCAB + 3 * HIDDEN) + taken + 4 * taken // 128**2


@pytest.mark.parametrize(
    ("listed", "kept"),
    [
        (None, ("lm_head",)),
        ([], ()),
        (["lm_head"], ("lm_head",)),
        (["q_proj", "mlp"], ("q_proj",)),
        (["mlp.gate_proj"], ("gate_proj",)),
        (["model.layers.0.self_attn"], ATTENTION),
        (["self_attn"], ()),
        (["layers.0.mlp"], ()),
        (["lm_head", "o_proj"], ("lm_head", "o_proj")),
    ],
)
def test_a_list_of_release_5_is_read_as_it_reads_it(listed: list[str] | None, kept: tuple[str, ...]) -> None:
    said: dict[str, Any] = {"quant_method": "fp8", "weight_block_size": [128, 128]}
    if listed is not None:
        said["modules_to_not_convert"] = listed
    assert stored(config("5.24.0"), said)[0] == size_bytes(*kept)


@pytest.mark.parametrize("release", [None, "4.57.1"])
def test_lists_of_earlier_files_are_parts_of_names(release: str | None) -> None:
    said = {
        "quant_method": "fp8",
        "weight_block_size": [128, 128],
        "modules_to_not_convert": ["lm_head", "self_attn"],
    }
    assert stored(config(release), said)[0] == size_bytes("lm_head", *ATTENTION)


def test_expressions_of_other_tools_stay_as_written() -> None:
    said = {
        "quant_method": "fp8",
        "weight_block_size": [128, 128],
        "modules_to_not_convert": ["lm_head", r"re:.*mlp\.gate_proj$"],
    }
    assert stored(config("5.24.0"), said)[0] == size_bytes("lm_head", "gate_proj")
