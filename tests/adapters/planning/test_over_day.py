"""Plans for a load that changes over the day."""

from typing import Any

import pytest

import llm_calc
from llm_calc.adapters.wire.plans import DeploymentPlansAnswer
from llm_calc.core.errors import InvalidInputError

ASKED: dict[str, Any] = {
    "model": "llama-3.1-8b",
    "limits": {"ttft_s": 1.0, "tpot_s": 0.03},
    "gpus": ["l40s"],
    "engines": ["vllm"],
    "formats": ["fp8"],
    "prices": {"l40s": 1.0},
}
LENGTHS = {"input_tokens": 1024, "output_tokens": 256}
NIGHT_AND_DAY = [2.0] * 8 + [12.0] * 16


def planned(day: dict[str, Any] | None, rate: float | None = None, **fields: Any) -> DeploymentPlansAnswer:
    load = LENGTHS if rate is None else {**LENGTHS, "request_rate": rate}
    return llm_calc.plan(**{**ASKED, "workload": load, "day": day, **fields})


def test_a_day_is_planned_for_its_peak_and_scaled_by_the_hour() -> None:
    answer = planned({"rates_per_s": NIGHT_AND_DAY})
    plan, flat = answer.plans[0], planned(None, 12.0).plans[0]
    assert (plan.replicas, plan.gpus, plan.ttft_s) == (flat.replicas, flat.gpus, flat.ttft_s)
    assert flat.day is None
    day = plan.day
    assert day is not None
    assert max(day.replicas) == plan.replicas + 1
    assert day.replicas[0] < day.replicas[12]
    assert day.gpu_hours == sum(day.replicas) * plan.hardware.count
    assert day.usd_per_day == pytest.approx(day.gpu_hours)
    assert day.usd_per_day_at_peak == pytest.approx(24 * day.gpus_at_peak)
    assert any(each.startswith("day: plans") for each in answer.assumptions)


def test_counts_of_the_plan_and_of_its_peak_are_one() -> None:
    asked = {"rates_per_s": NIGHT_AND_DAY, "spare_replicas": 2}
    plan = planned(asked, manifests=["kubernetes"]).plans[0]
    assert plan.day is not None
    assert plan.manifests is not None
    deployment: Any = plan.manifests["kubernetes"][1]
    assert plan.day.gpus_at_peak == plan.gpus_with_spares == plan.gpus + 2 * plan.hardware.count
    assert deployment["spec"]["replicas"] == plan.replicas + plan.spare_replicas == max(plan.day.replicas)
    flat = planned(None, 12.0).plans[0]
    assert (flat.spare_replicas, flat.gpus_with_spares) == (0, flat.gpus)


def test_a_wave_rises_to_the_stated_rate() -> None:
    plan = planned({"trough_fraction": 0.1, "peak_hour": 9.0, "spare_replicas": 0}, 12.0).plans[0]
    assert plan.day is not None
    assert max(plan.day.replicas) == plan.day.replicas[9] == plan.replicas


def test_limits_hold_spare_replicas_too() -> None:
    plan = planned(None, 12.0).plans[0]
    limits = {**ASKED["limits"], "max_gpus": plan.gpus}
    assert planned({"rates_per_s": NIGHT_AND_DAY, "spare_replicas": 0}, limits=limits).plans
    tight = planned({"rates_per_s": NIGHT_AND_DAY, "spare_replicas": plan.gpus}, limits=limits)
    assert not tight.plans
    for each in planned({"rates_per_s": NIGHT_AND_DAY}, limits={**limits, "max_gpus": plan.gpus + 2}).plans:
        assert each.day is not None
        assert each.day.gpus_at_peak <= plan.gpus + 2


@pytest.mark.parametrize(
    ("day", "load", "named"),
    [
        ({}, {}, "one of rates_per_s"),
        ({"rates_per_s": [1.0] * 23}, {}, r"day\.rates_per_s"),
        ({"rates_per_s": [0.0] * 24}, {}, "must not all be 0"),
        ({"rates_per_s": [1.0] * 24, "peak_hour": 3}, {}, "peak_hour goes with"),
        ({"rates_per_s": [1.0] * 24}, {"request_rate": 2.0}, r"day\.rates_per_s: the largest is 1"),
        ({"rates_per_s": [1.0] * 24}, {"concurrency": 2}, r"workload\.concurrency"),
        ({"trough_fraction": 0.5}, {}, r"day\.trough_fraction: needs"),
    ],
)
def test_a_day_that_cannot_be_is_refused(day: dict[str, Any], load: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInputError, match=named):
        llm_calc.plan(**{**ASKED, "workload": {**LENGTHS, **load}, "day": day})
