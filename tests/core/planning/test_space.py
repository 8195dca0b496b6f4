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
