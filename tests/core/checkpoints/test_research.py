"""Formats of single papers: what their modules hold, by the tools' own classes and by hand."""

import pytest

from llm_calc.core.errors import InvalidInputError
from tests.core.checkpoints.test_affine import BESIDE, SMALL
from tests.core.checkpoints.test_codebooks import ENDS_7B, LINEAR_7B, LLAMA_2_7B, stored

BLOCK = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj")


def spqr_shapes() -> dict[str, object]:
    """Lengths of one layer's attention."""
    shapes: dict[str, object] = {}
    for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
        module = f"model.layers.0.self_attn.{name}"
        shapes |= {f"{module}.dense_weights.shape": 512 * 512 // 16, f"{module}.row_offsets.shape": 513}
        shapes |= {f"{module}.col_vals.shape": 3000, f"{module}.in_perm.shape": 256}
    return shapes


def test_spqr_is_as_large_as_its_shapes_say() -> None:
    # 64 bits for sixteen weights; row offsets, outliers and halves of an order in words of 32
    said = {"quant_method": "spqr", "bits": 3, "beta1": 16, "beta2": 16, "shapes": spqr_shapes()}
    size, found = stored(SMALL, said)
    mlp = 2 * 3 * 512 * 1408
    assert size == pytest.approx(BESIDE + mlp + 4 * (512 * 512 / 2 + 4 * (513 + 3000 + 256)))
    assert found.guesses == ()
    _, unknown = stored(SMALL, {"quant_method": "spqr", "bits": 3})
    assert any("outliers" in guess for guess in unknown.guesses)
    for key in ("bits", "beta1"):
        with pytest.raises(InvalidInputError, match=key):
            stored(SMALL, {"quant_method": "spqr", key: 5})


@pytest.mark.parametrize("part", ["row_offsets", "col_vals", "in_perm"])
def test_a_length_of_spqr_that_is_absent_is_named(part: str) -> None:
    # transformers 5.24.0 asks for all four of every module; a module may have no order of columns
    key = f"model.layers.0.self_attn.k_proj.{part}.shape"
    whole = spqr_shapes()
    without = {each: length for each, length in whole.items() if each != key}
    assert any(
        key in guess for guess in stored(SMALL, {"quant_method": "spqr", "shapes": without})[1].guesses
    )
    _, none = stored(SMALL, {"quant_method": "spqr", "shapes": {**whole, key: None}})
    assert (none.guesses == ()) == (part == "in_perm")
    strange = {**whole, "model.layers.0.self_attn.k_proj.zz.shape": 5}
    assert any(
        "k_proj.zz" in guess
        for guess in stored(SMALL, {"quant_method": "spqr", "shapes": strange})[1].guesses
    )


def test_weights_of_spqr_fill_the_models_matrix() -> None:
    key = "model.layers.0.self_attn.q_proj.dense_weights.shape"
    for length in ([5], 512 * 512):
        with pytest.raises(
            InvalidInputError, match=rf"'{key}' is not of a matrix of 512 inputs and 512 outputs"
        ):
            stored(SMALL, {"quant_method": "spqr", "shapes": {**spqr_shapes(), key: length}})


@pytest.mark.parametrize(("kind", "side"), [("nvfp4", 100), ("nvfp4", 256), ("mxfp4", 16), ("nvfp4", -1)])
def test_fp_quant_refuses_sides_that_its_tool_refuses(kind: str, side: int) -> None:
    # fp_quant 0.3.2, utils/config.py: 16 to 128 for NVFP4, 32 to 128 for MXFP4
    said = {"quant_method": "fp_quant", "forward_dtype": kind, "hadamard_group_size": side}
    with pytest.raises(InvalidInputError, match="hadamard_group_size"):
        stored(SMALL, said)


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
