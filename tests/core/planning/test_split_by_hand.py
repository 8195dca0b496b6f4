"""How a load is shared out over replicas of a machine of round numbers: a step takes 10 ms, a token of it 1 us."""

from dataclasses import replace

import numpy as np
import pytest

from llm_calc.core.planning.bounds import Limits
from llm_calc.core.planning.split import Load, split_load
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.estimate import Deployment
from tests.core.serving.test_by_hand import STEP, rates

ROW = np.array([[4.0]])
HOLDS_FOUR = Deployment(work=STEP, rates=rates(), capacity=ROW, limit=np.inf)
LENGTHS = Lengths(input_tokens=100.0, output_tokens=101.0)
NO_MOST = np.array([[np.inf]])


@pytest.mark.parametrize(
    ("amount", "replicas", "each"),
    [(4, 1, 4), (5, 2, 3), (10, 3, 4), (12, 3, 4), (13, 4, 4)],
)
@pytest.mark.parametrize("kind", ["concurrency", "batch"])
def test_requests_at_once_take_as_many_replicas_as_hold_them(
    kind: str, amount: float, replicas: float, each: float
) -> None:
    found = split_load(HOLDS_FOUR, "served", LENGTHS, Load(kind=kind, amount=amount), Limits(), NO_MOST)
    assert (found.replicas.item(), found.each.item(), found.possible.item()) == (replicas, each, 1.0)


def test_a_limit_below_the_time_of_a_step_is_kept_by_no_load() -> None:
    load = Load(kind="batch", amount=10)
    for tpot_s, possible in ((0.009, 0.0), (0.011, 1.0)):
        limits = replace(Limits(), tpot_s=tpot_s)
        found = split_load(HOLDS_FOUR, "served", LENGTHS, load, limits, NO_MOST)
        assert found.possible.item() == possible
    assert found.replicas.item() == 3


def test_more_replicas_than_there_may_be_are_not_possible() -> None:
    # Twenty requests take five replicas of four; four are still worth a run, three are not.
    for most, possible in ((5.0, 1.0), (4.0, 1.0), (3.0, 0.0)):
        found = split_load(
            HOLDS_FOUR, "served", LENGTHS, Load(kind="batch", amount=20), Limits(), np.array([[most]])
        )
        assert (found.replicas.item(), found.possible.item()) == (5, possible)


@pytest.mark.parametrize(("request_latency_s", "possible"), [(0.9, 0.0), (1.2, 1.0)])
def test_a_request_takes_its_hundred_steps(request_latency_s: float, possible: float) -> None:
    limits = Limits(request_latency_s=request_latency_s)
    load = Load(kind="batch", amount=1)
    found = split_load(HOLDS_FOUR, "served", LENGTHS, load, limits, NO_MOST)
    assert found.possible.item() == possible
