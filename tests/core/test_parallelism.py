"""Layouts: who holds what, and what no engine runs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_calc.core.errors import InvalidInputError, UnsupportedError
from llm_calc.core.parallelism import (
    Layout,
    check_layout,
    largest_piece,
    stage_bounds,
    stage_placed,
    weight_share,
)
from llm_calc.core.weights import Weight
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
