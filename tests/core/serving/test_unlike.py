"""Stages that differ: times of successive layers add up."""

from dataclasses import replace

import pytest

from llm_calc.core.engines.llama_cpp_fit import Loading
from llm_calc.core.engines.llama_cpp_placement import stage_shares
from llm_calc.core.engines.llama_cpp_split import no_host_tensors
from llm_calc.core.operators.work import GROUPS
from llm_calc.core.serving.step import StepLoad, step_seconds
from llm_calc.core.serving.unlike import StageShare, in_turn, unbalanced
from tests.builders import llama
from tests.core.engines.setups import setup
from tests.core.serving.cases import PERFECT, rates, work

FAST, SLOW = rates(0.8, PERFECT), rates(0.4, PERFECT)
STEP = StepLoad(sequences=1, context_start=100, context_end=100)


def share(part: float) -> StageShare:
    return StageShare(groups=(part,) * len(GROUPS), layers=part)


@pytest.mark.parametrize("part", [0.0, 0.25, 0.5, 1.0])
def test_a_step_takes_each_stage_in_turn(part: float) -> None:
    joined = in_turn([FAST, SLOW], [share(part), share(1 - part)])
    fast, slow, both = (step_seconds(work(llama()), STEP, each) for each in (FAST, SLOW, joined))
    assert both == pytest.approx(part * fast + (1 - part) * slow)


def test_equal_stages_change_nothing() -> None:
    step = replace(work(llama()), stages=2)
    joined = in_turn([FAST, FAST], [share(0.5), share(0.5)])
    assert step_seconds(step, STEP, joined) == pytest.approx(step_seconds(step, STEP, FAST))
    same, kept = unbalanced(step, joined, [FAST, FAST], [share(0.5), share(0.5)])
    assert same.stages == 2
    assert kept.overlap_loss_fraction == pytest.approx(joined.overlap_loss_fraction)


def test_a_stage_without_layers_is_none() -> None:
    step, _ = unbalanced(replace(work(llama()), stages=2), FAST, [FAST, SLOW], [share(1.0), share(0.0)])
    assert step.stages == 1


def test_a_slow_stage_loses_overlap() -> None:
    step = replace(work(llama()), stages=2)
    _, kept = unbalanced(step, FAST, [FAST, SLOW], [share(0.5), share(0.5)])
    assert kept.overlap_loss_fraction == pytest.approx(1 - (1 - 2 / 3) / (1 - 1 / 2))


def test_shares_of_all_stages_are_the_whole() -> None:
    model = llama()
    loading = Loading(n_ctx=4096, layers=(20, 13), host=no_host_tensors(model.num_layers))
    shares = stage_shares(setup(model, pipeline=2), loading)
    assert [each.layers for each in shares] == [20 / 32, 12 / 32]
    used = [sum(column) for column in zip(*(each.groups for each in shares), strict=True)]
    assert used == pytest.approx([1.0, 1.0, 0.0, 1.0])
    assert shares[1].groups[GROUPS.index("lm_head")] == 1.0
