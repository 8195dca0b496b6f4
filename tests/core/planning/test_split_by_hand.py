"""How a load is shared out over replicas of a machine of round numbers: a step takes 10 ms, a token of it 1 us."""

from dataclasses import replace

import numpy as np
import pytest

from llm_calc.core.planning.bounds import Limits
from llm_calc.core.planning.split import Load, shape_of, split_load, with_fewer_each
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.estimate import Deployment, queue_of_many
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


def test_only_servers_answer_closed_loops_as_such() -> None:
    kinds = ("concurrency", "batch", "request_rate", "offline")
    assert [shape_of(kind, "served") for kind in kinds] == list(kinds)
    assert [shape_of(kind, "llama.cpp") for kind in kinds] == ["batch", "batch", "request_rate", "offline"]


@pytest.mark.parametrize("kind", ["concurrency", "batch"])
def test_nothing_limited_is_possible_where_memory_holds_it_and_nowhere_else(kind: str) -> None:
    """Two machines: one holds four requests, one less than one; a load is shared among the most that may be."""
    two = replace(HOLDS_FOUR, capacity=np.array([[4.0], [0.5]]))
    most = np.array([[np.inf], [1.0]])
    found = split_load(two, "served", LENGTHS, Load(kind=kind, amount=10), Limits(), most)
    assert (found.replicas[:, 0].tolist(), found.possible[:, 0].tolist()) == ([3, 10], [1.0, 0.0])
    assert found.least[:, 0].tolist() == [2, 9]


def test_a_limit_that_no_load_keeps_asks_for_endless_replicas_and_is_not_possible() -> None:
    # A step takes 10 ms: 5 ms are kept by no load, and by no number of replicas, also where any number may be.
    limits = replace(Limits(), tpot_s=0.005)
    found = split_load(HOLDS_FOUR, "served", LENGTHS, Load(kind="batch", amount=10), limits, NO_MOST)
    assert (found.replicas.item(), found.each.item(), found.possible.item()) == (np.inf, 0.0, 0.0)


def test_the_fastest_take_all_that_may_be_but_no_more_than_there_are_requests() -> None:
    load = Load(kind="batch", amount=10, fastest=True)
    for most, replicas, each in ((5.0, 5, 2), (7.0, 7, 2), (100.0, 10, 1), (2.0, 3, 4)):
        found = split_load(HOLDS_FOUR, "served", LENGTHS, load, Limits(), np.array([[most]]))
        assert (found.replicas.item(), found.each.item()) == (replicas, each)


def test_half_the_requests_each_are_twice_the_replicas() -> None:
    # Ten requests are three replicas of four; half of each are six, of 10 / 6 and so two requests.
    load = Load(kind="batch", amount=10)
    found = split_load(HOLDS_FOUR, "served", LENGTHS, load, Limits(), NO_MOST)
    for most, possible in ((6.0, 1.0), (5.0, 0.0)):
        fewer = with_fewer_each(HOLDS_FOUR, "served", LENGTHS, load, found, 0.5, np.array([[most]]))
        assert (fewer.replicas.item(), fewer.least.item(), fewer.each.item()) == (6, 6, 2)
        assert fewer.possible.item() == possible
    # An open load stays with one replica, of half of its requests, at least one.
    load = Load(kind="batch", open=True)
    found = split_load(HOLDS_FOUR, "served", LENGTHS, load, Limits(), NO_MOST)
    each = [
        with_fewer_each(HOLDS_FOUR, "served", LENGTHS, load, found, part, NO_MOST).each.item()
        for part in (0.5, 0.1)
    ]
    assert (found.each.item(), found.replicas.item(), each) == (4, 1, [2, 1])


def test_arrivals_take_95_percent_of_what_a_replica_serves() -> None:
    """Four requests of 101 tokens, 10 ms a token, are about 3.9 a second, whatever that is exactly.

    Of 94 % of it one replica takes all, of 96 % two half each, of 191 % three a third.
    """
    most = float(np.asarray(queue_of_many(HOLDS_FOUR, LENGTHS).requests_per_s).item())
    assert most == pytest.approx(4 / 1.01, rel=0.05)
    for share, replicas in ((0.94, 1), (0.96, 2), (1.89, 2), (1.91, 3)):
        load = Load(kind="request_rate", amount=share * most)
        found = split_load(HOLDS_FOUR, "served", LENGTHS, load, Limits(), NO_MOST)
        assert (found.replicas.item(), found.possible.item()) == (replicas, 1.0)
        assert found.each.item() == pytest.approx(share * most / replicas)
