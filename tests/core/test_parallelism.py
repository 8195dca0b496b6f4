"""Layouts: who holds what, and what no engine runs."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_calc.core.blocks import Custom, Parts
from llm_calc.core.errors import InvalidInputError, UnsupportedError
from llm_calc.core.model import LayerGroup, Model
from llm_calc.core.parallelism import (
    Layout,
    cache_share,
    check_layout,
    indices_inside,
    largest_piece,
    one_replica,
    stage_bounds,
    stage_placed,
    stated_bounds,
    weight_share,
)
from llm_calc.core.weights import Cache, Weight, vector
from tests.builders import deepseek_v3, llama, mixtral


@given(layers=st.integers(1, 200), pipeline=st.integers(1, 64))
def test_stages_cover_every_layer_once_and_differ_by_one(layers: int, pipeline: int) -> None:
    if pipeline > layers:
        with pytest.raises(UnsupportedError, match=r"parallelism\.pipeline"):
            stage_bounds(layers, pipeline)
        return
    stages = stage_bounds(layers, pipeline)
    assert [index for stage in stages for index in stage] == list(range(layers))
    assert max(map(len, stages)) - min(map(len, stages)) <= 1


def test_surplus_layers_go_before_the_last_stage() -> None:
    assert [len(stage) for stage in stage_bounds(10, 4)] == [2, 3, 3, 2]


@pytest.mark.parametrize(("units", "ways", "held"), [(8, 4, 2), (8, 3, 3), (8, 16, 1), (1, 8, 1)])
def test_what_cannot_be_split_is_replicated(units: int, ways: int, held: int) -> None:
    assert largest_piece(units, ways) == held


def test_experts_are_dealt_whole_or_cut() -> None:
    weight = Weight(name="up", component="experts", rows=10, cols=16, copies=8, used=2, units=16)
    assert weight_share(weight, Layout(tensor=4)) == 8 * 10 * 4
    assert weight_share(weight, Layout(tensor=4, expert=4)) == 2 * 10 * 16
    assert weight_share(weight, Layout(data=8, expert=8)) == 1 * 10 * 16
    assert weight_share(weight, Layout(tensor=2, data=4, expert=4)) == 2 * 10 * 8


def test_a_tied_head_is_stored_again_on_a_last_stage_of_its_own() -> None:
    model = llama(layers=4, tied=True)
    first, last = (
        {placed.weight.name: stored for placed, stored in stage_placed(model, bounds)}
        for bounds in stage_bounds(4, 2)
    )
    assert first["embed"] == 1
    assert "lm_head" not in first
    assert last["lm_head"] == 1
    assert "embed" not in last
    whole = {placed.weight.name: stored for placed, stored in stage_placed(model, range(4))}
    assert whole["lm_head"] == 0


@pytest.mark.parametrize(
    ("layout", "field"),
    [
        (Layout(tensor=3), "parallelism.tensor"),
        (Layout(pipeline=33), "parallelism.pipeline"),
        (Layout(data=2, expert=2), "parallelism.expert"),
    ],
)
def test_impossible_layouts_name_the_field_and_what_is_accepted(layout: Layout, field: str) -> None:
    with pytest.raises(UnsupportedError, match=field) as caught:
        check_layout(llama(), layout)
    assert caught.value.field == field


def test_possible_layouts_pass() -> None:
    check_layout(deepseek_v3(), Layout(tensor=8, pipeline=2, data=2, expert=16))
    check_layout(mixtral(), Layout(tensor=2, expert=2))


@pytest.mark.parametrize("sizes", [{"tensor": 0}, {"data": -1}, {"tensor": 4, "expert": 3}])
def test_layouts_that_make_no_sense_cannot_be_built(sizes: dict[str, int]) -> None:
    with pytest.raises(InvalidInputError, match=r"parallelism\."):
        Layout(**sizes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("layout", "gpus", "stage_gpus", "groups", "expert_cut"),
    [
        (Layout(), 1, 1, 1, 1),
        # 2 x 3 x 4 GPUs, 2 x 4 a stage; nothing dealt: servers of their own, each expert in eight pieces.
        (Layout(tensor=2, pipeline=3, data=4), 24, 8, 1, 8),
        # One server, as said, or since it deals experts: over two of eight GPUs each is in four pieces.
        (Layout(tensor=2, data=4, shared=True), 8, 8, 4, 8),
        (Layout(tensor=2, data=4, expert=2), 8, 8, 4, 4),
        (Layout(tensor=2, data=4, expert=8), 8, 8, 4, 1),
        (Layout(tensor=2, data=4, expert=2, shared=False), 8, 8, 1, 4),
    ],
)
def test_gpus_groups_and_pieces_of_layouts(
    layout: Layout, gpus: int, stage_gpus: int, groups: int, expert_cut: int
) -> None:
    assert (layout.gpus, layout.stage_gpus, layout.groups, layout.expert_cut) == (
        gpus,
        stage_gpus,
        groups,
        expert_cut,
    )


def test_one_of_several_servers_is_a_replica() -> None:
    layout = Layout(tensor=2, pipeline=2, data=4)
    assert one_replica(layout) == (Layout(tensor=2, pipeline=2), 4)
    whole = Layout(data=4, expert=4)
    assert one_replica(whole) == (whole, 1)
    with pytest.raises(InvalidInputError, match=r"parallelism\.expert"):
        one_replica(Layout(data=4, expert=4, shared=False))


def test_a_layout_says_what_it_takes_instead() -> None:
    with pytest.raises(UnsupportedError) as caught:
        check_layout(llama(heads=32, kv_heads=8), Layout(tensor=3))
    # Divisors of the 32 heads; key-value heads are replicated.
    assert caught.value.details["accepted"] == [1, 2, 4, 8, 16, 32]
    with pytest.raises(UnsupportedError) as caught:
        check_layout(llama(), Layout(data=2, expert=2))
    assert caught.value.details["accepted"] == [1]
    with pytest.raises(InvalidInputError, match="4 must divide tensor x data = 6"):
        Layout(tensor=2, data=3, expert=4)


def test_stages_that_are_stated() -> None:
    assert Layout(pipeline=2, stage_layers=(3, 5)).bounds(8) == (range(3), range(3, 8))
    with pytest.raises(InvalidInputError, match=r"3 \+ 5 = 8; the model has 9 layers") as caught:
        Layout(pipeline=2, stage_layers=(3, 5)).bounds(9)
    assert caught.value.details["expected"] == 9
    with pytest.raises(InvalidInputError, match=r"names 2 stages; parallelism\.pipeline has 3"):
        Layout(pipeline=3, stage_layers=(3, 5))
    assert stated_bounds(8, ()) == ()


def test_a_draft_stands_on_the_last_stage() -> None:
    # DeepSeek-V3 with its one layer of multi-token prediction: 61 of its own, 31 and 30, the draft behind them.
    assert Layout(pipeline=2).bounds(62, 1) == (range(31), range(31, 62))
    assert Layout().bounds(62, 1) == (range(62),)


def test_stages_of_ten_layers() -> None:
    # vLLM's get_pp_indices: 10 = 3 x 3 + 1, and 11 = 4 x 2 + 3, what is over goes before the last stage.
    assert stage_bounds(10, 3) == (range(3), range(3, 7), range(7, 10))
    assert stage_bounds(11, 4) == (range(3), range(3, 6), range(6, 9), range(9, 11))
    assert stage_bounds(4, 4) == (range(1), range(1, 2), range(2, 3), range(3, 4))


def test_layers_inside_a_stage() -> None:
    # Layers 4 to 7 of a stage, of a model whose every third layer is of this kind.
    assert indices_inside((1, 4, 7, 10), range(4, 8)) == (4, 7)
    assert indices_inside((1, 4, 7, 10), range(8, 10)) == ()


def test_shares_of_caches_and_of_matrices_with_a_bias() -> None:
    # Ten key-value heads over four GPUs: three on the fullest; a latent cache is whole on each.
    assert cache_share(Cache(kind="full", elements_per_token=20, units=10), 4) == 3 / 10
    assert cache_share(Cache(kind="latent", elements_per_token=576), 8) == 1
    # 16 x 40 and a bias of 40, in ten pieces of which the fullest GPU has three.
    assert weight_share(
        Weight(name="q", component="attention", rows=16, cols=40, bias=40, units=10), Layout(tensor=4)
    ) == (680 * 3 / 10)
    # Of seven experts over three GPUs the fullest has three, each of 10 x 16 and a bias of 16.
    experts = Weight(name="up", component="experts", rows=10, cols=16, bias=16, copies=7, used=2, units=16)
    assert weight_share(experts, Layout(tensor=3, expert=3)) == 3 * 176


def with_parts(model: Model) -> Model:
    """A model with a tower, and with a block whose one set of weights four layers share."""
    shared = Weight(name="shared", component="attention", rows=8, cols=8)
    tower = Weight(name="tower", component="vision", rows=8, cols=8, used=0)
    other = vector("beside", "other", 8)
    group = LayerGroup(
        indices=(0, 1, 2, 3), blocks=(Custom(name="shared", content=Parts(weights=(shared,))),), stored=2
    )
    return replace(model, groups=(*model.groups, group), outside=(*model.outside, tower, other))


def test_what_stands_beside_the_stack_and_what_layers_share() -> None:
    """Two sets for four layers: each of two stages stores both, a stage of one layer only one."""
    model = with_parts(llama(layers=4))
    first, last = (
        {placed.weight.name: stored for placed, stored in stage_placed(model, bounds)}
        for bounds in stage_bounds(4, 2)
    )
    assert (first["tower"], "tower" in last) == (1, False)
    assert ("final_norm" in first, last["final_norm"]) == (False, 1)
    assert ("beside" in first, last["beside"]) == (False, 1)
    assert (first["shared"], last["shared"], first["q_proj"]) == (2, 2, 2)
    single = {placed.weight.name: stored for placed, stored in stage_placed(model, range(1))}
    assert (single["shared"], single["q_proj"]) == (1, 1)
    middle = {placed.weight.name for placed, _ in stage_placed(model, range(1, 2))}
    assert not middle & {"embed", "lm_head", "tower", "final_norm", "beside"}
