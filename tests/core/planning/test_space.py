"""Layouts: what heads, experts and layers allow, and what an engine can express."""

import pytest

from llm_calc.core.model import Model
from llm_calc.core.parallelism import check_layout
from llm_calc.core.planning.space import EVERY_SIZE_UP_TO, SMALLEST_STAGE, LayoutRules, layouts
from tests.builders import deepseek_v3, llama, mixtral


@pytest.mark.parametrize(
    "model", [llama(), llama(heads=40, kv_heads=8, hidden=5120), mixtral(), deepseek_v3()]
)
@pytest.mark.parametrize("most", [1, 8, 32])
def test_every_layout_is_one_that_the_model_allows(model: Model, most: int) -> None:
    found = layouts(model, LayoutRules(), most)
    assert found[0].gpus == 1
    assert len(set(found)) == len(found)
    for layout in found:
        check_layout(model, layout)
        assert layout.gpus <= most


def test_small_deployments_are_searched_completely() -> None:
    found = {(each.tensor, each.pipeline) for each in layouts(llama(), LayoutRules(), 8)}
    heads = (1, 2, 4, 8)
    expected = {(tensor, stages) for tensor in heads for stages in range(1, 9) if tensor * stages <= 8}
    assert found == expected


def test_odd_divisors_of_heads_are_candidates() -> None:
    found = {each.tensor for each in layouts(llama(heads=40, kv_heads=8, hidden=5120), LayoutRules(), 8)}
    assert found == {1, 2, 4, 5, 8}


def test_large_deployments_are_powers_of_two_with_wide_stages() -> None:
    large = [each for each in layouts(deepseek_v3(), LayoutRules(), 32) if each.gpus > EVERY_SIZE_UP_TO]
    assert {each.gpus for each in large} == {16, 32}
    assert min(each.stage_gpus for each in large if each.pipeline > 1) == SMALLEST_STAGE


def test_dense_models_are_never_split_by_data_or_experts() -> None:
    assert all(each.data == each.expert == 1 for each in layouts(llama(), LayoutRules(), 32))


def test_data_parallel_attention_needs_shared_experts() -> None:
    for layout in layouts(mixtral(), LayoutRules(), 8):
        assert layout.expert in (1, layout.stage_gpus)
        assert layout.data == 1 or layout.expert > 1


def test_an_engine_that_deals_layers_gets_stages_alone() -> None:
    rules = LayoutRules(tensor=False, data=False, experts="none")
    assert [(each.pipeline, each.gpus) for each in layouts(mixtral(), rules, 4)] == [
        (1, 1),
        (2, 2),
        (3, 3),
        (4, 4),
    ]


def test_attention_replicated_on_every_gpu_or_none() -> None:
    rules = LayoutRules(data_beside_tensor=False)
    assert all(each.tensor == 1 or each.data == 1 for each in layouts(mixtral(), rules, 8))


def sizes(model: Model, most: int, **rules: bool) -> list[tuple[int, int, int, int]]:
    """Tensor, pipeline, data, expert of each layout."""
    found = layouts(model, LayoutRules(**rules), most)  # type: ignore[arg-type]
    return [(each.tensor, each.pipeline, each.data, each.expert) for each in found]


def test_sixteen_gpus_of_a_small_dense_model_one_by_one() -> None:
    """Four heads, six layers: up to eight GPUs every product, beyond them sixteen alone, by stages of four GPUs or one.

    Of sixteen GPUs tensor 4 by 4 stages is left: 16 heads there are not, 16 layers neither, and 2 by 8 neither.
    """
    model = llama(heads=4, kv_heads=4, hidden=64, intermediate=128, layers=6, vocab=100)
    small = [
        (tensor, stages) for tensor in (1, 2, 4) for stages in (1, 2, 3, 4, 5, 6) if tensor * stages <= 8
    ]
    by_size = sorted(small, key=lambda each: (each[0] * each[1], each[1]))
    assert sizes(model, 16) == [(tensor, stages, 1, 1) for tensor, stages in [*by_size, (4, 4)]]


def test_stages_of_sixteen_gpus_are_of_four_or_more() -> None:
    """Sixteen heads and layers: 16, 8 by 2, 4 by 4; 2 by 8 and 1 by 16 only where an engine deals layers alone."""
    model = llama(heads=16, kv_heads=16, hidden=256, intermediate=512, layers=16, vocab=100)
    assert [each for each in sizes(model, 16) if each[0] * each[1] == 16] == [
        (16, 1, 1, 1),
        (8, 2, 1, 1),
        (4, 4, 1, 1),
    ]
    assert (1, 16, 1, 1) in sizes(model, 16, tensor=False)
    # Tensor parallelism over more than sixteen is left out.
    wide = llama(heads=32, kv_heads=32, hidden=512, intermediate=512, layers=2, vocab=100)
    assert [each for each in sizes(wide, 32) if each[0] * each[1] == 32] == [(16, 2, 1, 1)]


def test_four_gpus_of_mixtral_one_by_one() -> None:
    """Experts cut over the stage or dealt to all of it; groups of attention only where they are dealt.

    Eight experts over three GPUs do not divide, nor 32 heads; three stages do.
    """
    alone = [(1, 1, 1, 1)]
    two = [(2, 1, 1, 1), (2, 1, 1, 2), (1, 1, 2, 2), (1, 2, 1, 1)]
    three = [(1, 3, 1, 1)]
    four = [(4, 1, 1, 1), (4, 1, 1, 4), (2, 1, 2, 4), (1, 1, 4, 4)]
    staged = [(2, 2, 1, 1), (2, 2, 1, 2), (1, 2, 2, 2), (1, 4, 1, 1)]
    found = sizes(mixtral(), 4)
    assert sorted(found) == sorted([*alone, *two, *three, *four, *staged])
    apart = sizes(mixtral(), 4, data_beside_tensor=False)
    assert sorted(apart) == sorted(set(found) - {(2, 1, 2, 4)})
    assert {each[2] for each in sizes(mixtral(), 4, data=False)} == {1}
    assert {each[1] for each in sizes(mixtral(), 4, pipeline=False)} == {1}
