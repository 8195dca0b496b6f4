"""A stack of layers counted by hand: what is stored, what is met, what may be divided."""

from dataclasses import replace

import pytest

from llm_calc.core.blocks import Attention, Custom, Experts, Mlp, Parts
from llm_calc.core.model import LayerGroup, Model, group_layers, without_speech
from llm_calc.core.weights import Scores, Weight
from tests.builders import decoder

NARROW = Mlp(hidden=8, intermediate=16)
WIDE = Mlp(hidden=8, intermediate=32)


def scoring(*units: int) -> Custom:
    """A block with a product with the context for each of these numbers of heads."""
    scores = tuple(Scores(heads=each, qk_dim=4, v_dim=4, units=each) for each in units)
    return Custom(name="scoring", content=Parts(scores=scores))


def small(*layers: tuple[object, ...], tied: bool = False) -> Model:
    return decoder(list(layers), hidden=8, vocab=10, tied=tied)  # type: ignore[arg-type]


def test_equal_layers_are_one_group_wherever_they_stand() -> None:
    groups = group_layers([(NARROW,), (WIDE,), (NARROW,)])
    assert [group.indices for group in groups] == [(0, 2), (1,)]
    assert [group.blocks for group in groups] == [(NARROW,), (WIDE,)]


@pytest.mark.parametrize(("stored", "sets"), [(None, 3), (1, 1), (2, 2)])
def test_layers_may_share_their_weights_but_are_passed_one_by_one(stored: int | None, sets: int) -> None:
    group = LayerGroup(indices=(0, 1, 4), blocks=(NARROW,), stored=stored)
    assert (group.calls, group.stored_sets) == (3, sets)
    model = replace(small((NARROW,)), groups=(group,), num_layers=5)
    inside = [each for each in model.placed if each.indices]
    assert {(each.stored, each.calls, each.indices) for each in inside} == {(sets, 3, (0, 1, 4))}


def test_the_parts_of_a_layer_are_those_of_its_blocks() -> None:
    """Two blocks of three matrices of 8 x 16 and of 8 x 32, in that order."""
    group = LayerGroup(indices=(0,), blocks=(NARROW, WIDE))
    assert sum(each.params for each in group.parts.weights) == 3 * 8 * 16 + 3 * 8 * 32
    scans = tuple(Custom(name="scan", content=Parts(scan_flops_per_token=each)) for each in (3.0, 4.0))
    assert LayerGroup(indices=(0,), blocks=scans).parts.scan_flops_per_token == 7.0


@pytest.mark.parametrize(("tied", "stored"), [(False, 1), (True, 0)])
def test_a_tied_head_is_met_but_not_stored_again(*, tied: bool, stored: int) -> None:
    model = small((NARROW,), tied=tied)
    ends = [(each.weight.name, each.stored, each.calls) for each in model.placed if not each.indices]
    assert ends == [("embed", 1, 1), ("final_norm", 1, 1), ("lm_head", stored, 1)]


def test_heads_that_tensor_parallelism_divides_are_those_of_more_than_one() -> None:
    model = small((scoring(2, 16),), (scoring(1, 8), NARROW), (scoring(16),))
    assert model.attention_units == (16, 8, 2)
    assert small((scoring(1),)).attention_units == ()


def test_experts_are_those_of_the_layer_with_most() -> None:
    few, many = (Experts(hidden=8, experts=count, top_k=2, intermediate=4) for count in (4, 6))
    assert small((few,), (many,)).num_experts == 6
    assert small((NARROW,)).num_experts == 0


def test_a_model_without_its_talker_keeps_all_else() -> None:
    said = [
        Weight(name=place, component="other", cols=3, place=place) for place in ("speech", "sound", "text")
    ]
    model = replace(small((NARROW,)), outside=tuple(said))
    assert [each.place for each in without_speech(model).outside] == ["sound", "text"]
    silent = replace(model, outside=tuple(said[1:]))
    assert without_speech(silent) is silent


def test_another_name_is_the_same_model_otherwise() -> None:
    model = small((Attention(hidden=8, heads=2, kv_heads=2, head_dim=4), NARROW))
    named = model.named("other")
    assert (named.name, model.name) == ("other", "")
    assert (named.groups, named.num_layers, named.draft_layers) == (model.groups, 1, 0)
    assert (named.head_tied, named.context_length_tokens, named.vision_tower) == (False, None, None)
