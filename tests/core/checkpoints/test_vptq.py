"""VPTQ: what its modules hold by the tool's own class, and what of a module cannot be."""

from typing import Any

import pytest

from llm_calc.core.errors import InvalidInputError
from tests.core.checkpoints.test_affine import SMALL
from tests.core.checkpoints.test_codebooks import stored

LAYER: dict[str, Any] = {**SMALL, "hidden_size": 4096, "intermediate_size": 14336, "num_attention_heads": 32}
LAYER |= {"num_key_value_heads": 8, "head_dim": 128}
USUAL: dict[str, Any] = {
    "in_features": 4096,
    "out_features": 4096,
    "vector_lens": [-1, 8],
    "group_size": 4096,
}
USUAL |= {"num_centroids": [-1, 65536], "num_res_centroids": [-1, 256]}


def read(**changed: object) -> tuple[str, ...]:
    """What is named of one module."""
    module = {**USUAL, **changed}
    config = {"quant_method": "vptq", "config_for_layers": {"model.layers.0.self_attn.q_proj": module}}
    return stored(LAYER, config)[1].guesses


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"in_features": 8, "group_size": 8}, r"q_proj' is not of a matrix of 4096 inputs and 4096 outputs"),
        ({"out_features": 14336}, r"not of a matrix"),
        ({"is_indice_packed": False}, r"is_indice_packed"),
        (
            {"vector_lens": [4, 8], "num_centroids": [16, 16], "num_res_centroids": [16, -1]},
            r"num_res_centroids",
        ),
        ({"outlier_size": -1}, r"outlier_size"),
    ],
)
def test_a_module_that_cannot_be_is_refused(changed: dict[str, Any], why: str) -> None:
    assert read() == ()
    with pytest.raises(InvalidInputError, match=why):
        read(**changed)


@pytest.mark.parametrize(
    "changed",
    [
        {"group_size": 100},
        {"group_num": 2},
        {"outlier_size": 5},
        {"num_res_centroids": [16, 256]},
        {"num_centroids": [16, 65536]},
    ],
)
def test_what_a_module_says_and_does_not_use_is_named(changed: dict[str, Any]) -> None:
    assert read(**changed)


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
