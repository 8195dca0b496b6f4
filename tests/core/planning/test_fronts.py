"""Both quantities of a front by hand, and which candidate a number over all parts is."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from llm_calc.core.parallelism import Layout
from llm_calc.core.planning.candidates import Block, Row, Rows, Table
from llm_calc.core.planning.fronts import FRONTS, Part, _bound, _points
from llm_calc.core.planning.split import Split
from llm_calc.core.serving.estimate import Estimate
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


@dataclass(frozen=True)
class Plan:
    """A candidate worked out in full."""

    row: Row[Choice]
    found: Estimate
    replicas: int = 1

    @property
    def gpus(self) -> int:
        """Of all replicas."""
        return self.row.layout.gpus * self.replicas


def test_points_of_a_front_are_the_quantities_themselves() -> None:
    """On one GPU 50 tokens a second of a user and 1000 of the GPU, on two at twice the speed 100 and 500; four lose."""
    rows = part([0, 1, 2]).rows
    fast = replace(FOUND, tpot_s=0.01)
    plans = [Plan(rows.row(0), FOUND), Plan(rows.row(1), fast), Plan(rows.row(2), fast)]
    points = _points(SPEED, {MANY.id: None}, plans)
    assert [point.both for point in points] == [pytest.approx((100.0, 500.0)), pytest.approx((50.0, 1000.0))]
    assert [point.plan for point in points] == [plans[1], plans[0]]
    (point,) = _points(COST, {MANY.id: Price(3.6)}, plans[:1])
    assert point.both == pytest.approx((4.5, 1.0))  # 3.6 USD for 3.6 million tokens


@dataclass(frozen=True)
class Price:
    """Of one GPU."""

    usd_per_gpu_hour: float
