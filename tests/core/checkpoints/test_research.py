"""Formats of single papers: what their modules hold, by the tools' own classes and by hand."""

from typing import Any

import pytest

from llm_calc.core.errors import InvalidInputError
from tests.core.checkpoints.test_affine import BESIDE, SMALL
from tests.core.checkpoints.test_codebooks import ENDS_7B, LINEAR_7B, LLAMA_2_7B, stored

BLOCK = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj")
LAYER: dict[str, Any] = {**SMALL, "hidden_size": 4096, "intermediate_size": 14336, "num_attention_heads": 32}
LAYER |= {"num_key_value_heads": 8, "head_dim": 128}


@pytest.mark.parametrize(
    ("module", "inputs", "outputs", "said", "right"),
    [
        # vptq 0.0.5.post1, VQuantLinear in bfloat16: bytes of its state; 2026-11-30, run.
        (
            "self_attn.k_proj",
            4096,
            1024,
            {
                "vector_lens": [-1, 8],
                "num_centroids": [-1, 65536],
                "num_res_centroids": [-1, 256],
                "group_size": 4096,
            },
            2650112,
        ),
        (
            "mlp.up_proj",
            4096,
            14336,
            {
                "vector_lens": [4, 12],
                "num_centroids": [4096, 4096],
                "num_res_centroids": [-1, -1],
                "group_size": 4095,
                "outlier_size": 1,
                "enable_perm": False,
            },
            7496704,
        ),
        (
            "mlp.down_proj",
            14336,
            4096,
            {
                "vector_lens": [-1, 6],
                "num_centroids": [-1, 4096],
                "num_res_centroids": [-1, 4096],
                "group_num": 2,
                "group_size": 7168,
                "enable_norm": False,
            },
            29599744,
        ),
    ],
)
def test_a_module_of_vptq_holds_what_its_class_holds(
    module: str, inputs: int, outputs: int, said: dict[str, Any], right: int
) -> None:
    layer = {"in_features": inputs, "out_features": outputs, "is_indice_packed": True, **said}
    config = {"quant_method": "vptq", "config_for_layers": {f"model.layers.0.{module}": layer}}
    whole = stored(
        LAYER, {"quant_method": "fp_quant", "pseudoquantization": True, "hadamard_group_size": 16}
    )[0]
    dense = whole - 7 * 2 * 2 * (1 + 256)
    size, found = stored(LAYER, config)
    assert size == pytest.approx(dense - 2 * inputs * outputs + right)
    assert found.guesses == ()
    strange = {**config, "config_for_layers": {"model.layers.9.mlp.up_proj": layer}}
    with pytest.raises(InvalidInputError, match="quantizes no tensor"):
        stored(LAYER, strange)


def test_spqr_is_as_large_as_its_shapes_say() -> None:
    # 64 bits for sixteen weights; row offsets, outliers and halves of an order in words of 32
    shapes: dict[str, int] = {}
    for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
        module = f"model.layers.0.self_attn.{name}"
        shapes |= {f"{module}.dense_weights.shape": 512 * 512 // 16, f"{module}.row_offsets.shape": 513}
        shapes |= {f"{module}.col_vals.shape": 3000, f"{module}.in_perm.shape": 256}
    size, found = stored(
        SMALL, {"quant_method": "spqr", "bits": 3, "beta1": 16, "beta2": 16, "shapes": shapes}
    )
    mlp = 2 * 3 * 512 * 1408
    assert size == pytest.approx(BESIDE + mlp + 4 * (512 * 512 / 2 + 4 * (513 + 3000 + 256)))
    assert found.guesses == ()
    _, unknown = stored(SMALL, {"quant_method": "spqr", "bits": 3})
    assert any("outliers" in guess for guess in unknown.guesses)
    for key in ("bits", "beta1"):
        with pytest.raises(InvalidInputError, match=key):
            stored(SMALL, {"quant_method": "spqr", key: 5})


def test_fp_quant_holds_two_transforms_a_module() -> None:
    said = {"quant_method": "fp_quant", "forward_dtype": "mxfp4", "hadamard_group_size": 32}
    size, _ = stored({**LLAMA_2_7B, "torch_dtype": "bfloat16"}, said)
    assert size == pytest.approx(LINEAR_7B * 17 / 32 + 224 * 2 * 2 * (1 + 32 * 32) + ENDS_7B)
    kept, found = stored(
        {**LLAMA_2_7B, "torch_dtype": "bfloat16"}, {**said, "modules_to_not_convert": ["q_proj"]}
    )
    head = (32000 - 32 * 4096) * 4096 * (16 - 4.25) / 8
    assert kept == pytest.approx(size - head + (1 - 32) * 4 * 1025)
    assert found.guesses == ()


def test_four_over_six_takes_names_whole() -> None:
    said = {"quant_method": "fouroversix", "dtype": "nvfp4", "modules_to_not_convert": ["lm_head"]}
    usual, found = stored(SMALL, said)
    other = {**said, "module_config_overrides": {"model.layers.0.mlp.down_proj": {"dtype": "mxfp4"}}}
    assert usual - stored(SMALL, other)[0] == pytest.approx(512 * 1408 * (4.5 - 4.25) / 8)
    assert any("padding" in guess for guess in found.guesses)
    _, odd = stored(SMALL, {**said, "modules_to_not_convert": ["lm_head", "down_proj"]})
    assert any("'down_proj'" in guess for guess in odd.guesses)
    with pytest.raises(InvalidInputError, match="dtype"):
        stored(SMALL, {**said, "dtype": "if4"})
