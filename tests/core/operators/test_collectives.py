"""What collectives are and for whose tokens, counted on small stacks: two dense layers and one with experts."""

import pytest

from llm_calc.core.blocks import Attention, Custom, Experts, LatentAttention, Mlp, Parts
from llm_calc.core.operators.collectives import collective_works, layer_counts
from llm_calc.core.operators.work import LayerCounts
from llm_calc.core.parallelism import Layout
from llm_calc.core.weights import Cache, Scores, Weight
from tests.builders import decoder

ATTENTION = Attention(hidden=64, heads=8, kv_heads=4, head_dim=8)
LATENT = LatentAttention(hidden=64, heads=8, q_rank=16, kv_rank=8, nope_dim=8, rope_dim=4, v_dim=8)
MLP = Mlp(hidden=64, intermediate=128)
EXPERTS = Experts(hidden=64, experts=2, top_k=1, intermediate=32)
STATE = Custom(name="state", content=Parts(caches=(Cache(kind="state", state_elements=5),)))
SELECTED = Custom(name="top", content=Parts(scores=(Scores(heads=1, qk_dim=8, v_dim=8, top_k=1),)))
STACK = decoder(
    [(ATTENTION, MLP), (LATENT, MLP), (ATTENTION, EXPERTS), (STATE, MLP), (STATE, SELECTED, MLP)],
    hidden=64,
    vocab=10,
)


def test_layers_by_what_they_hold() -> None:
    assert layer_counts(STACK) == LayerCounts(
        layers=5, expert_layers=1, latent_layers=1, sparse_layers=1, recurrent_layers=2
    )


@pytest.mark.parametrize(("copies", "layers"), [(1, 0), (2, 1), (3, 1)])
def test_one_expert_alone_is_no_layer_with_experts(copies: int, layers: int) -> None:
    routed = Weight(name="w", component="experts", rows=8, cols=8, copies=copies)
    model = decoder([(Custom(name="one", content=Parts(weights=(routed,))),)], hidden=8, vocab=10)
    assert layer_counts(model).expert_layers == layers


def test_copies_of_anything_but_experts_are_none() -> None:
    shared = tuple(
        Weight(name="w", component=component, rows=8, cols=8, copies=4)
        for component in ("mlp", "shared_experts", "attention")
    )
    model = decoder([(Custom(name="other", content=Parts(weights=shared)),)], hidden=8, vocab=10)
    assert layer_counts(model).expert_layers == 0


@pytest.mark.parametrize(
    ("layout", "works"),
    [
        (Layout(tensor=2), [("all-reduce", 10, 2, 1.0)]),
        # Two replicas of attention: an all-reduce has the tokens of its own, half of all; experts see all.
        (
            Layout(tensor=2, data=2, expert=4),
            [("all-reduce", 9, 2, 0.5), ("expert dispatch and combine", 1, 4, 1.0)],
        ),
        (Layout(data=4, expert=4), [("expert dispatch and combine", 1, 4, 1.0)]),
    ],
)
def test_calls_ranks_and_whose_tokens(layout: Layout, works: list[tuple[str, int, int, float]]) -> None:
    """Two a layer of five; where experts are dealt, 5 + 4 inside a replica and one over all. 64 numbers of 2 bytes."""
    found = collective_works(STACK, layer_counts(STACK), layout)
    assert [(each.name, each.calls, each.ranks, each.token_share) for each in found] == works
    assert {each.bytes_per_token for each in found} == {128.0}
    assert not any(each.decoding_only for each in found)


def test_a_stack_without_experts_sends_nothing_to_them() -> None:
    dense = decoder([(ATTENTION, MLP)], hidden=64, vocab=10)
    assert collective_works(dense, layer_counts(dense), Layout(data=2, expert=2)) == ()
