"""The start of a closed loop in one go, against the scheduler that takes it request by request."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_calc.core.serving.loop import Loop, Order
from llm_calc.core.serving.run import Bounds, started
from llm_calc.core.serving.traffic import Scheduling, Traffic

FREE = Bounds(math.inf, math.inf, 64)


class OneByOne(Loop):
    """The same loop without the start in one go."""

    def begin(self) -> None:
        for slot in range(self.slots):
            self.send(slot)


def told(order: Order) -> list[list[float]]:
    return [
        each.ravel().tolist()
        for each in (order.steps, order.decoding, *order.loads, order.samples, order.ends)
    ]


@settings(max_examples=60)
@given(
    slots=st.sampled_from([1, 2, 17, 64]),
    tokens=st.sampled_from([(20, 300), (900, 1000), (3000, 100), (12_000, 400), (256, 1), (700, 3)]),
    policy=st.sampled_from(["mixed", "prefill_first"]),
    budget=st.sampled_from([512.0, 2048.0, 8192.0]),
    gained=st.sampled_from([1.0, 2.3]),
    cached=st.sampled_from([0.0, 0.5]),
    spread=st.sampled_from([0.0, 0.2]),
)
def test_a_start_in_one_go_is_the_start_one_by_one(
    slots: int,
    tokens: tuple[int, int],
    policy: str,
    budget: float,
    gained: float,
    cached: float,
    spread: float,
) -> None:
    traffic = Traffic(
        input_tokens=float(tokens[0]),
        output_tokens=float(tokens[1]),
        slots=slots,
        spread_fraction=spread,
        cached_tokens=cached * tokens[0],
    )
    rules = Scheduling(policy=policy, budget_tokens=budget, tokens_per_step=gained)  # type: ignore[arg-type]
    found, expected = (told(kind(traffic, rules, FREE).order()) for kind in (Loop, OneByOne))
    for own, wanted in zip(found, expected, strict=True):
        # sums of the same numbers in another order
        assert own == pytest.approx(wanted, rel=1e-12, abs=1e-9)


def test_three_prompts_of_a_thousand_tokens_in_steps_of_1500_by_hand() -> None:
    """1500 tokens; 1500 less one sequence that decodes; the last one token with two that decode."""
    traffic = Traffic(input_tokens=1000.0, output_tokens=100.0, slots=3, spread_fraction=0.0)
    run = Loop(traffic, Scheduling(budget_tokens=1500.0), FREE)
    start = started(run)
    assert start is not None
    steps = [start.rows[place : place + 7] for place in range(0, len(start.rows), 7)]
    assert [row[4] for row in steps] == [1500.0, 1499.0, 1.0]  # prompt tokens
    assert [row[5] for row in steps] == [2.0, 2.0, 1.0]  # prompts that they belong to
    assert [row[6] for row in steps] == [0.0, 500.0, 999.0]  # tokens before them
    assert [row[1] for row in steps] == [0.0, 1.0, 2.0]  # sequences that decode beside them
    assert start.firsts == [1, 2, 3]
    assert all(first <= second for first, second in pairwise(start.ends))
    assert start.ends == [99.0, 100.0, 101.0]  # the first step has nobody to decode


def test_what_is_not_that_simple_is_left_to_the_run() -> None:
    long = Traffic(input_tokens=20_000.0, output_tokens=100.0, slots=4)
    short = Traffic(input_tokens=4000.0, output_tokens=2.0, slots=8)
    assert started(Loop(long, Scheduling(), FREE)) is None
    assert started(Loop(short, Scheduling(), FREE)) is None
