"""Runs of an open queue counted step by step on a machine whose every step takes 10 ms.

The machine of :mod:`.test_by_hand` reads 10^10 bytes of weights in 10 ms, in which it could multiply 10 000 tokens: as
long as a step has fewer, it takes 10 ms whatever is in it. Every request has 100 prompt tokens and 5 of an answer: its
first token at the end of its prompt's step, its last four steps later. Both classes follow the same rules where nothing
waits for room.
"""

from math import inf

import pytest

from llm_calc.core.serving.clock import clock_of
from llm_calc.core.serving.flow import Flow
from llm_calc.core.serving.line import Line
from llm_calc.core.serving.open import OpenRun
from llm_calc.core.serving.run import Bounds
from llm_calc.core.serving.speculation import NO_DRAFT
from llm_calc.core.serving.traffic import Scheduling, Served, Traffic
from tests.core.serving.test_by_hand import STEP, rates

FREE = Bounds(inf, inf, 0)
# Roofs join by their cubes: 250 of 10 000 tokens are a 40th of the time, whose cube adds a third of 40^-3, 5e-6.
NEAR = 1e-5


def served(
    kind: type[Flow] | type[Line] | type[OpenRun],
    arrivals_ms: tuple[float, ...],
    rules: Scheduling,
    bounds: Bounds = FREE,
    *,
    cached: float = 0.0,
    output: float = 5.0,
    asked: int = 0,
) -> Served | None:
    """What requests see that come at these times."""
    traffic = Traffic(
        input_tokens=100.0,
        output_tokens=output,
        arrivals_s=tuple(each / 1e3 for each in arrivals_ms),
        spread_fraction=0.0,
        cached_tokens=cached,
        asked=asked,
    )
    return kind(clock_of(STEP, rates(), NO_DRAFT, traffic), traffic, rules, bounds).served()


EASY = [
    # One alone: 10 ms, and 40 more. It runs, decoding, for 40 of 50 ms.
    ((0.0,), 2048.0, "mixed", [10], [50], 0.8),
    # It comes at 5 ms to an idle engine: the clock starts with it.
    ((5.0,), 2048.0, "mixed", [10], [50], 40 / 55),
    # Two at once have room in one step.
    ((0.0, 0.0), 2048.0, "mixed", [10, 10], [50, 50], 80 / 50),
    # The second comes within the third step, which ends at 30 ms; its own step ends at 40 and is one of the first's.
    ((0.0, 25.0), 2048.0, "mixed", [10, 15], [50, 55], 80 / 80),
    # Where decoding stops for prompts, the first loses that step.
    ((0.0, 25.0), 2048.0, "prefill_first", [10, 15], [60, 55], 90 / 80),
    # Steps of 150 tokens: one and a half prompts, then 149 beside the first of what is left.
    ((0.0, 0.0), 150.0, "mixed", [10, 20], [50, 60], 80 / 60),
    ((0.0, 0.0, 0.0), 150.0, "mixed", [10, 20, 30], [50, 60, 70], 120 / 70),
    # Without mixing two steps have all three prompts, and the first waits for the second of them.
    ((0.0, 0.0, 0.0), 150.0, "prefill_first", [10, 20, 20], [60, 60, 60], 130 / 60),
    # Idle between two.
    ((0.0, 200.0), 2048.0, "mixed", [10, 10], [50, 50], 80 / 250),
]


@pytest.mark.parametrize("kind", [Line, Flow, OpenRun])
@pytest.mark.parametrize(("arrivals", "budget", "policy", "first", "last", "running"), EASY)
def test_steps_of_requests_that_have_room(
    kind: type[Flow] | type[Line] | type[OpenRun],
    arrivals: tuple[float, ...],
    budget: float,
    policy: str,
    first: list[float],
    last: list[float],
    running: float,
) -> None:
    found = served(kind, arrivals, Scheduling(policy=policy, budget_tokens=budget))  # type: ignore[arg-type]
    assert found is not None
    order = found.latency_s.argsort(kind="stable") if kind is OpenRun else slice(None)
    assert found.ttft_s * 1e3 == pytest.approx(first, rel=NEAR)
    assert sorted(found.latency_s * 1e3) == pytest.approx(sorted(last), rel=NEAR)
    if kind is not OpenRun:
        assert found.latency_s[order] * 1e3 == pytest.approx(last, rel=NEAR)
        assert found.tpot_s * 4 == pytest.approx(found.latency_s - found.ttft_s, rel=NEAR)
    assert found.mean_running == pytest.approx(running, rel=NEAR)
    assert found.output_tokens == 5 * len(arrivals)
    ends = [come + took for come, took in zip(arrivals, last, strict=True)]
    assert found.elapsed_s * 1e3 == pytest.approx(max(ends), rel=NEAR)


WAITING = [
    # Room for 105 tokens, one request: the second enters when the first has left.
    (Bounds(105.0, inf, 0), [10, 60], [50, 100]),
    (Bounds(209.0, inf, 0), [10, 60], [50, 100]),
    (Bounds(210.0, inf, 0), [10, 10], [50, 50]),
    # One always has room.
    (Bounds(1.0, inf, 0), [10, 60], [50, 100]),
    # The engine takes one at once, or two.
    (Bounds(inf, 1.0, 0), [10, 60], [50, 100]),
    (Bounds(inf, 2.0, 0), [10, 10], [50, 50]),
    (Bounds(inf, 0.5, 0), [10, 60], [50, 100]),
]


@pytest.mark.parametrize(("bounds", "first", "last"), WAITING)
def test_a_second_request_waits_for_room(bounds: Bounds, first: list[float], last: list[float]) -> None:
    for kind in (Line, OpenRun):
        found = served(kind, (0.0, 0.0), Scheduling(), bounds)
        assert found is not None
        assert found.ttft_s * 1e3 == pytest.approx(first, rel=NEAR)
        assert found.latency_s * 1e3 == pytest.approx(last, rel=NEAR)
    flowing = served(Flow, (0.0, 0.0), Scheduling(), bounds)
    assert (flowing is None) == (first[1] > 10)  # a flow is of requests that never wait


def test_a_part_of_the_answer_is_enough_to_enter() -> None:
    """100 tokens and 0.2 of 5 are 101 each: two have room in 202, not in 201."""
    rules = Scheduling(reserved_fraction=0.2)
    for capacity, first in ((202.0, 10), (201.0, 60)):
        found = served(Line, (0.0, 0.0), rules, Bounds(capacity, inf, 0))
        assert found is not None
        assert found.ttft_s[1] * 1e3 == pytest.approx(first, rel=NEAR)


@pytest.mark.parametrize(
    ("cached", "steps"), [(0.0, 4), (24.0, 4), (25.0, 3), (26.0, 3), (75.0, 1), (99.0, 1)]
)
def test_what_is_cached_needs_no_steps(cached: float, steps: int) -> None:
    """Steps of 25 tokens for 100 less those that are there."""
    found = served(Line, (0.0,), Scheduling(budget_tokens=25.0), cached=cached)
    assert found is not None
    assert found.ttft_s * 1e3 == pytest.approx([10 * steps], rel=NEAR)
    assert found.latency_s * 1e3 == pytest.approx([10 * steps + 40], rel=NEAR)


@pytest.mark.parametrize(("gained", "steps"), [(1.0, 4), (2.0, 2), (4.0, 1), (3.0, 2)])
def test_four_tokens_in_steps_that_gain_several(gained: float, steps: int) -> None:
    for kind in (Line, Flow):
        found = served(kind, (0.0,), Scheduling(tokens_per_step=gained))
        assert found is not None
        assert found.latency_s * 1e3 == pytest.approx([10 + 10 * steps], rel=NEAR)


def test_answers_of_one_token_have_no_time_a_token() -> None:
    for kind in (Line, Flow):
        found = served(kind, (0.0, 0.0), Scheduling(), output=1.0)
        assert found is not None
        assert len(found.tpot_s) == 0
        assert found.latency_s * 1e3 == pytest.approx([10, 10], rel=NEAR)
        assert found.output_tokens == 2


def test_only_those_that_are_asked_for_are_told() -> None:
    """The run ends with the first at 50 ms, while the second, of 25 ms, has run since 40."""
    for kind in (Line, Flow):
        found = served(kind, (0.0, 25.0, 900.0), Scheduling(), asked=1)
        assert found is not None
        assert found.latency_s * 1e3 == pytest.approx([50], rel=NEAR)
        assert found.elapsed_s * 1e3 == pytest.approx(50, rel=NEAR)
        assert found.output_tokens == 5
        assert found.mean_running == pytest.approx(50 / 50, rel=NEAR)
