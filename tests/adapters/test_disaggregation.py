"""Prefill and decode apart: every kind of load, sides of their own, and what bounds them."""

from typing import Any

import pytest

import llm_calc
from llm_calc.adapters.wire.serving import ServingEstimateAnswer
from llm_calc.core.errors import InvalidInputError, UnsupportedError

LENGTHS: dict[str, Any] = {"input_tokens": 2000, "output_tokens": 300}
DRAWN = {"distribution": "lognormal", "mean": 2000, "std": 1000}


def asked(workload: dict[str, Any], **fields: Any) -> ServingEstimateAnswer:
    return llm_calc.estimate(
        **{
            "model": "llama-3.1-8b",
            "hardware": "4x h100-80gb-sxm",
            "parallelism": {"tensor": 1},
            "disaggregated": {"prefill_replicas": 1, "decode_replicas": 3},
            "workload": workload,
        }
        | fields
    )


LOADS: list[dict[str, Any]] = [
    {**LENGTHS, "concurrency": 32},
    {**LENGTHS, "request_rate": 5.0},
    {**LENGTHS, "users": 300, "requests_per_user_per_minute": 1},
    {**LENGTHS, "input_tokens": DRAWN, "concurrency": 32},
    {**LENGTHS, "input_tokens": DRAWN, "request_rate": 5.0, "targets": {"ttft_s": 1.0}},
    {**LENGTHS, "concurrency": 16, "sessions": {"turns": 4, "think_s": 2.0}},
    {**LENGTHS, "session_rate": 1.0, "sessions": {"turns": 4, "think_s": 2.0}},
]


@pytest.mark.parametrize("load", LOADS)
def test_every_kind_of_load_is_answered(load: dict[str, Any]) -> None:
    found = asked(load)
    assert 0 < found.tpot_s < found.ttft_s < found.request_latency_s
    assert found.requests_per_s > 0
    assert (found.basis.kind, found.interval.status) == ("formula_only", "uncalibrated")
    assert any("disaggregated: the cache travels" in words for words in found.assumptions)


def test_requests_told_apart_are_near_the_closed_form_of_equal_ones() -> None:
    """Targets make the same closed loop a simulated one, whose lengths lie between 80 and 100 % of those given."""
    form, run = asked(LOADS[0]), asked({**LOADS[0], "targets": {"ttft_s": 1.0}})
    assert run.tpot_s == pytest.approx(form.tpot_s, rel=0.05)
    assert run.requests_per_s == pytest.approx(form.requests_per_s, rel=0.15)
    assert run.classes[0].targets_kept_fraction is not None


@pytest.mark.parametrize("load", LOADS)
def test_with_a_free_link_neither_side_alone_serves_less(load: dict[str, Any]) -> None:
    """Ten times the replicas of the other side never serve less; a slower link never serves more."""
    here = {"link_bytes_per_s": 1e15}
    both = asked(load, disaggregated={"prefill_replicas": 1, "decode_replicas": 3, **here})
    wide = {"hardware": "31x h100-80gb-sxm"}
    decode = asked(load, **wide, disaggregated={"prefill_replicas": 28, "decode_replicas": 3, **here})
    prefill = asked(load, **wide, disaggregated={"prefill_replicas": 1, "decode_replicas": 30, **here})
    slow = asked(load, disaggregated={"prefill_replicas": 1, "decode_replicas": 3, "link_bytes_per_s": 1e9})
    assert both.requests_per_s <= min(decode.requests_per_s, prefill.requests_per_s) * 1.03
    assert slow.ttft_s > both.ttft_s
    assert slow.requests_per_s <= both.requests_per_s * 1.01


def test_a_rate_above_what_is_served_is_said() -> None:
    found = asked({**LENGTHS, "request_rate": 500.0})
    assert found.requests_per_s < 100
    assert any("workload.request_rate: above" in words for words in found.warnings)


def test_the_decode_side_has_gpus_and_a_layout_of_its_own() -> None:
    part = {"prefill_replicas": 2, "decode_replicas": 1, "decode_parallelism": {"tensor": 2}}
    other = {**part, "decode_hardware": {"gpu": "h200-141gb-sxm", "count": 2}}
    load = {**LENGTHS, "concurrency": 32}
    found = asked(load, hardware="2x h100-80gb-sxm", disaggregated=other)
    alike = asked(load, hardware="4x h100-80gb-sxm", disaggregated=part)
    assert found.tpot_s < alike.tpot_s
    assert found.requests_per_s_per_gpu == pytest.approx(found.requests_per_s / 4)
    assert alike.requests_per_s_per_gpu == pytest.approx(alike.requests_per_s / 4)
    wrong = {**other, "decode_hardware": {"gpu": "h200-141gb-sxm", "count": 4}}
    with pytest.raises(InvalidInputError, match=r"disaggregated\.decode_hardware\.count"):
        asked(load, hardware="2x h100-80gb-sxm", disaggregated=wrong)


@pytest.mark.parametrize(
    ("load", "named"),
    [
        ({**LENGTHS, "batch": 4}, "batch"),
        ({**LENGTHS, "offline": True}, "offline"),
        ({"trace": {"text": "arrival_s,input_tokens,output_tokens\n0,10,10\n"}}, "trace"),
    ],
)
def test_what_is_not_answered_names_what_is(load: dict[str, Any], named: str) -> None:
    with pytest.raises(UnsupportedError, match=f"disaggregated.*{named}.*it takes concurrency, request_rate"):
        asked(load)


def test_sessions_say_that_nothing_is_kept_between_turns() -> None:
    found = asked(LOADS[5])
    assert any("keep between turns is not followed" in words for words in found.assumptions)
    stated = asked({**LOADS[5], "prefix_cache_hit_fraction": 0.8})
    assert stated.ttft_s < found.ttft_s


def test_sweeps_refuse_two_sides() -> None:
    part = {"prefill_replicas": 1, "decode_replicas": 3}
    apart = {
        "model": {"name": "llama-3.1-8b"},
        "hardware": {"gpu": "h100-80gb-sxm", "count": 4},
        "parallelism": {"tensor": 1},
        "disaggregated": part,
        "workload": LOADS[0],
    }
    with pytest.raises(UnsupportedError, match=r"base\.disaggregated"):
        list(llm_calc.sweep(target="serving_estimate", base=apart, grid={"workload.concurrency": [16, 32]}))
