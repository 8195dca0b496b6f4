"""Targets in plans: what an estimate says of each plan, and the part of requests that has to keep them."""

import math
from collections.abc import Iterator
from typing import Any

import pytest

import llm_calc
from llm_calc.adapters.wire.apart_plans import ApartPlan
from llm_calc.adapters.wire.plans import DeploymentPlansAnswer, Plan
from llm_calc.adapters.wire.serving import ClassAnswer
from llm_calc.core.errors import InvalidInputError, UnsupportedError

MODEL = "llama-3.1-8b"
ON: dict[str, Any] = {"gpus": ["h100-80gb-sxm"], "engines": ["vllm"], "formats": ["fp8"]}
DRAWN = {"distribution": "lognormal", "mean": 1000, "std": 800, "max": 8000}
SHORT = {
    "name": "short",
    "share": 0.75,
    "input_tokens": 300,
    "output_tokens": 100,
    "targets": {"ttft_s": 0.1},
}
LONG = {"name": "long", "share": 0.25, "input_tokens": DRAWN, "output_tokens": 300}
CLASSES = {"classes": [SHORT, LONG], "targets": {"ttft_s": 0.6, "tpot_s": 0.02}}
ALIKE = {"input_tokens": 1000, "output_tokens": 100, "targets": {"ttft_s": 0.25, "tpot_s": 0.012}}
LOADS: dict[str, dict[str, Any]] = {
    "classes at once": CLASSES | {"concurrency": 50},
    "classes that arrive": CLASSES | {"request_rate": 12.0},
    "as many classes as hold": CLASSES,
    "alike at once": ALIKE | {"concurrency": 50},
    "alike that arrive": ALIKE | {"request_rate": 25.0},
    "as many alike as hold": ALIKE,
    "sessions": ALIKE | {"concurrency": 50, "sessions": {"turns": 4, "think_s": 2.0}},
}
PARTS = ("hardware", "parallelism", "precision", "engine", "workload")
RATES = ("requests_per_s", "goodput_requests_per_s")


def planned(workload: dict[str, Any], **fields: Any) -> DeploymentPlansAnswer:
    return llm_calc.plan(model=MODEL, workload=workload, **{**ON, **fields})


def every(answer: DeploymentPlansAnswer) -> Iterator[Plan]:
    yield from answer.plans
    for points in (answer.pareto.throughput_against_speed, answer.pareto.cost_against_latency):
        yield from (point.plan for point in points)


def times_of(row: ClassAnswer) -> dict[str, Any]:
    return row.model_dump(exclude=set(RATES))


def assert_same(plan: Plan | ApartPlan, *more: str) -> None:
    """Times to the digit; rates are those of all replicas, some of which may have a request less."""
    body = {name: getattr(plan, name) for name in (*PARTS, *more)}
    estimate = llm_calc.estimate(model=MODEL, **body)
    assert [times_of(each) for each in plan.classes] == [times_of(each) for each in estimate.classes]
    several = plan.requests_per_s / estimate.requests_per_s
    for ours, theirs in zip(plan.classes, estimate.classes, strict=True):
        for name in RATES:
            one = getattr(theirs, name)
            assert getattr(ours, name) == (None if one is None else pytest.approx(one * several, rel=1e-12))


@pytest.mark.parametrize("held", [None, 0.9])
@pytest.mark.parametrize("load", LOADS)
def test_an_estimate_says_the_same_of_every_plan_and_it_keeps_what_is_held(
    load: str, held: float | None
) -> None:
    answer = planned(LOADS[load], limits={"targets_kept_fraction": held, "tpot_s": 0.05})
    assert answer.plans
    for plan in every(answer):
        assert plan.classes
        assert_same(plan)
        kept = [each.targets_kept_fraction for each in plan.classes]
        assert held is None or all(each is None or each >= held for each in kept)


def test_plans_without_targets_have_the_classes_of_their_estimates() -> None:
    lengths = {"input_tokens": DRAWN, "output_tokens": 100}
    for load in (lengths | {"concurrency": 8}, {"input_tokens": 500, "output_tokens": 100}):
        for plan in planned(load).plans:
            assert_same(plan)


def test_more_that_have_to_keep_targets_take_no_fewer_gpus() -> None:
    counts = [
        planned(
            LOADS["alike at once"],
            limits={"targets_kept_fraction": held},
            objective="gpus",
        )
        .plans[0]
        .gpus
        for held in (None, 0.5, 0.9, 1.0)
    ]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]


@pytest.mark.repeats
def test_an_open_load_is_the_largest_that_an_estimate_says_keeps_them() -> None:
    """Every number of requests up to twice as many, asked of the estimate, over the loads that a search knows."""
    best = planned(ALIKE, limits={"targets_kept_fraction": 0.9, "max_gpus": 1}).plans[0]
    body = {name: getattr(best, name) for name in PARTS}

    def keeps(requests: int) -> bool:
        load = best.workload.model_copy(update={"concurrency": requests})
        row = llm_calc.estimate(model=MODEL, **{**body, "workload": load}).classes[0]
        return (row.targets_kept_fraction or 0.0) >= 0.9

    own = best.workload.requests_in_flight
    assert keeps(own)
    assert not keeps(math.ceil(own * 1.4))


def test_pairs_of_sides_have_the_classes_of_their_estimates() -> None:
    limits = {"targets_kept_fraction": 0.9, "percentile": "p90", "ttft_s": 2.0}
    for load in ("classes at once", "alike at once"):
        found = planned(LOADS[load], limits=limits, prefill_apart=True).apart
        assert found
        for plan in found:
            assert_same(plan, "disaggregated")
            assert all((each.targets_kept_fraction or 0) >= 0.9 for each in plan.classes)


def test_where_none_keeps_them_there_is_none() -> None:
    load = ALIKE | {"concurrency": 4, "targets": {"ttft_s": 1e-4}}
    answer = planned(load, limits={"targets_kept_fraction": 0.01, "max_gpus": 2})
    assert answer.plans == []
    assert answer.refused


def test_what_they_do_is_said() -> None:
    free, held = planned(ALIKE), planned(ALIKE, limits={"targets_kept_fraction": 0.5})
    assert any(words.startswith("workload.targets: hold no plan back") for words in free.assumptions)
    assert any(words.startswith("limits.targets_kept_fraction: of every") for words in held.assumptions)


def test_a_part_of_requests_without_targets_is_refused_and_so_is_a_trace() -> None:
    plain = {"input_tokens": 1000, "output_tokens": 100}
    with pytest.raises(InvalidInputError, match=r"needs workload\.targets") as refused:
        planned(plain, limits={"targets_kept_fraction": 0.9})
    assert refused.value.field == "limits.targets_kept_fraction"
    line = '{"timestamp": 0, "input_length": 100, "output_length": 10}\n'
    with pytest.raises(UnsupportedError, match="no rate that bounds are made of") as unsearched:
        planned({"trace": {"text": line * 3}})
    assert unsearched.value.field == "workload.trace"


@pytest.mark.parametrize("fraction", [0.0, 1.5, -1.0])
def test_a_part_is_above_none_and_at_most_all(fraction: float) -> None:
    with pytest.raises(InvalidInputError, match=r"limits\.targets_kept_fraction"):
        planned(ALIKE, limits={"targets_kept_fraction": fraction})


def test_closed_forms_say_that_all_keep_targets_or_none() -> None:
    limits = {"targets_kept_fraction": 0.9, "max_gpus": 1}
    plan = planned(ALIKE | {"concurrency": 2}, engines=["llama.cpp"], formats=["q8_0"], limits=limits).plans[
        0
    ]
    assert any("keep targets all or not at all" in note for note in plan.notes)
