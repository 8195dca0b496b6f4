"""Both quantities of a front by hand, and which candidate a number over all parts is."""

import numpy as np
import pytest

from llm_calc.core.parallelism import Layout
from llm_calc.core.planning.candidates import Block, Rows, Table
from llm_calc.core.planning.fronts import FRONTS, Part, _bound
from llm_calc.core.planning.split import Split
from tests.core.planning.test_bounded import FOUND
from tests.core.planning.test_split_by_hand import HOLDS_FOUR
from tests.core.serving.test_machine import MANY

SPEED, COST = FRONTS


def test_what_plans_are_compared_by() -> None:
    """1000 tokens a second of four GPUs at 10 USD an hour, 20 ms a token, 4.5 s a request."""
    # Tokens a second: of one user, of one GPU.
    assert list(SPEED.signed(FOUND, 4, 10.0)) == pytest.approx([50.0, 250.0])
    # 10 USD an hour are 3.6 million tokens: 2.78 USD a million. Less of both is better.
    assert list(COST.signed(FOUND, 4, 10.0)) == pytest.approx([-4.5, -10 / 3.6])


class Choice:
    """An engine with its format."""

    searched_as: tuple[str | None, str] = ("bf16", "vllm")


def part(places: list[int]) -> Part[Choice]:
    """Three layouts, of which these keep all limits."""
    layouts = (Layout(), Layout(tensor=2), Layout(tensor=4))
    table = Table(
        blocks=(Block(gpu=MANY, choice=0, layouts=layouts),), choices=(Choice(),), starts=np.array([0, 3])
    )
    gpus = np.array([[1.0], [2.0], [4.0]])
    rows = Rows(table=table, numbers=np.arange(3), deployment=HOLDS_FOUR, family="served", gpus=gpus)
    split = Split(each=gpus, replicas=gpus, least=gpus, estimate=FOUND, possible=gpus)
    return Part(rows=rows, split=split, places=np.array(places, dtype=np.intp))


def test_candidates_are_numbered_over_all_parts() -> None:
    """Numbers 0 and 1 are the first and third layout of one part, 2 the second of another."""
    parts = [part([0, 2]), part([1])]
    found = [_bound(parts, np.array([0, 2, 3]), number) for number in (0, 1, 2)]
    assert [bound.row.layout.gpus for bound in found] == [1, 4, 2]
    assert [
        bound.split is own.split for bound, own in zip(found, (parts[0], parts[0], parts[1]), strict=True)
    ] == [
        True,
        True,
        True,
    ]
    assert [(bound.each, bound.replicas, bound.least) for bound in found] == [(1, 1, 1), (4, 4, 4), (2, 2, 2)]
