"""Feed-forward blocks by hand: 8 -> 16 -> 8, and mixtures of five of them."""

import pytest

from llm_calc.core.blocks import Experts, Mlp
from llm_calc.core.blocks.parts import Norm, Parts
from llm_calc.core.weights import Weight


def shapes(parts: Parts) -> list[tuple[str, str, int, int, int, int, float]]:
    """Name, component, rows, columns, bias, copies and used copies of each tensor."""
    return [(w.name, w.component, w.rows, w.cols, w.bias, w.copies, w.used) for w in parts.weights]


def named(parts: Parts, name: str) -> Weight:
    return next(weight for weight in parts.weights if weight.name == name)


def test_a_gated_block_has_three_matrices_and_a_plain_one_two() -> None:
    gate, up = (("gate_proj", "mlp", 8, 16, 0, 1, 1), ("up_proj", "mlp", 8, 16, 0, 1, 1))
    down = ("down_proj", "mlp", 16, 8, 0, 1, 1)
    assert shapes(Mlp(hidden=8, intermediate=16).parts()) == [gate, up, down]
    assert shapes(Mlp(hidden=8, intermediate=16, gated=False).parts()) == [up, down]


@pytest.mark.parametrize(
    ("biases", "each"),
    [("", [0, 0, 0]), ("g", [16, 0, 0]), ("u", [0, 16, 0]), ("d", [0, 0, 5]), ("gud", [16, 16, 5])],
)
def test_a_bias_is_as_wide_as_what_comes_out(biases: str, each: list[int]) -> None:
    parts = Mlp(hidden=8, intermediate=16, biases=biases, out=5).parts()
    assert [weight.bias for weight in parts.weights] == each
    assert {weight.units for weight in parts.weights} == {16}


def test_a_mixture_has_a_router_and_copies_of_which_a_token_meets_some() -> None:
    """8 scores of 5 experts; 5 x 3 x 8 x 16 routed parameters, of which 2 x 3 x 8 x 16 are met."""
    parts = Experts(hidden=8, experts=5, top_k=2, intermediate=16).parts()
    assert shapes(parts)[0] == ("router", "router", 8, 5, 0, 1, 1)
    routed = parts.weights[1:]
    assert {(each.component, each.copies, each.used) for each in routed} == {("experts", 5, 2)}
    assert sum(each.params for each in routed) == 5 * 3 * 8 * 16
    assert sum(each.active_params for each in routed) == 2 * 3 * 8 * 16


def test_what_else_a_mixture_may_have() -> None:
    """A router of 7 scores with 7 biases; shared experts 24 wide, plain, with biases; their gate of one output."""
    parts = Experts(
        hidden=8,
        experts=5,
        top_k=2,
        intermediate=16,
        gated=False,
        biases="d",
        router_outputs=7,
        router_bias=7,
        shared_width=24,
        shared_gated=False,
        shared_biases="u",
        shared_gate=True,
    ).parts()
    assert shapes(parts) == [
        ("router", "router", 8, 7, 7, 1, 1),
        ("up_proj", "experts", 8, 16, 0, 5, 2),
        ("down_proj", "experts", 16, 8, 8, 5, 2),
        ("up_proj", "shared_experts", 8, 24, 24, 1, 1),
        ("down_proj", "shared_experts", 24, 8, 0, 1, 1),
        ("shared_expert_gate", "shared_experts", 8, 1, 0, 1, 1),
    ]
    ungated = Experts(hidden=8, experts=5, top_k=2, intermediate=16, shared_width=1).parts()
    assert sum(weight.component == "shared_experts" for weight in ungated.weights) == 3
    assert named(ungated, "router").bias == 0


@pytest.mark.parametrize(
    ("norm", "elements"),
    [
        (Norm(width=64), 64),
        (Norm(width=64, count=3), 192),
        (Norm(width=64, bias=True), 128),
        (Norm(width=64, count=2, bias=True), 256),
    ],
)
def test_a_norm_has_a_number_a_channel_and_with_biases_two(norm: Norm, elements: int) -> None:
    (weight,) = norm.parts().weights
    assert (weight.params, weight.kind, weight.component) == (elements, "vector", "norms")
