"""Lengths that vary, classes of requests with targets, users."""

from itertools import pairwise
from typing import Any

import pytest

import llm_calc
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.adapters.wire.serving import ClassAnswer, ServingEstimateAnswer
from llm_calc.core.errors import InvalidInputError

LOGNORMAL = {"distribution": "lognormal", "mean": 1000, "std": 800, "max": 8000}
SHORT = {
    "name": "short",
    "share": 0.75,
    "input_tokens": 300,
    "output_tokens": 100,
    "targets": {"ttft_s": 0.2},
}
LONG = {"name": "long", "share": 0.25, "input_tokens": LOGNORMAL, "output_tokens": 400}


def asked(workload: dict[str, Any], **fields: Any) -> ServingEstimateAnswer:
    return llm_calc.estimate(
        **{"model": "llama-3.1-8b", "hardware": "h100-80gb-sxm", "workload": workload} | fields
    )


def only(answer: ServingEstimateAnswer) -> ClassAnswer:
    (row,) = answer.classes
    return row


FIXED = {"distribution": "fixed", "mean": 180}
NARROW = {"distribution": "histogram", "edges": [100, 180, 181, 300], "counts": [0, 3, 0]}
LEVEL = {"distribution": "quantiles", "levels": [0, 0.5, 1], "values": [900, 900, 900]}


@pytest.mark.parametrize(
    "load", [{"concurrency": 12}, {"request_rate": 3.0}, {"batch": 4}, {"offline": True}]
)
def test_lengths_of_one_value_and_a_single_class_are_the_plain_load(load: dict[str, Any]) -> None:
    plain = asked({"input_tokens": 900, "output_tokens": 180, **load})
    drawn = asked({"input_tokens": LEVEL, "output_tokens": NARROW, **load})
    assert drawn == plain
    kind = {"name": "all of them", "share": 1.0, "input_tokens": LEVEL, "output_tokens": FIXED}
    single = asked({"classes": [kind], **load})
    row = only(single)
    assert (row.name, row.ttft_s, row.percentiles) == ("all of them", plain.ttft_s, plain.percentiles)
    assert single.model_copy(update={"classes": []}) == plain


def test_plans_take_lengths_of_one_value_as_numbers() -> None:
    part = WorkloadPart.model_validate({"input_tokens": LEVEL, "output_tokens": FIXED, "request_rate": 2.0})
    assert (part.input_tokens, part.output_tokens, part.varies) == (900, 180, False)


def test_means_of_a_run_are_those_of_the_distribution() -> None:
    row = only(asked({"input_tokens": LOGNORMAL, "output_tokens": 100, "request_rate": 4.0}))
    assert row.requests == 900
    assert row.input_tokens == pytest.approx(995, rel=0.03)
    assert row.percentiles is not None
    assert row.percentiles.ttft_s.p99 > row.percentiles.ttft_s.p50


def test_classes_have_their_shares_lengths_and_targets() -> None:
    answer = asked({"classes": [SHORT, LONG], "request_rate": 4.0})
    short, long = answer.classes
    assert short.requests_per_s + long.requests_per_s == pytest.approx(answer.requests_per_s)
    assert short.requests / 900 == pytest.approx(0.75, abs=0.01)
    assert (short.input_tokens, short.output_tokens, long.output_tokens) == (300, 100, 400)
    assert short.targets_kept_fraction is not None
    assert short.goodput_requests_per_s == pytest.approx(short.requests_per_s * short.targets_kept_fraction)
    assert (long.targets_kept_fraction, long.goodput_requests_per_s) == (None, None)


def test_tighter_targets_are_kept_by_fewer() -> None:
    kept = [
        only(
            asked({"input_tokens": LOGNORMAL, "output_tokens": 100, "request_rate": 8.0, "targets": targets})
        )
        for targets in (
            {"ttft_s": 10.0},
            {"ttft_s": 0.08},
            {"ttft_s": 0.08, "tpot_s": 0.009},
            {"ttft_s": 1e-6},
        )
    ]
    parts = [row.targets_kept_fraction for row in kept]
    assert parts[0] == 1.0
    assert parts[-1] == 0.0
    assert all(a is not None and b is not None and a >= b for a, b in pairwise(parts))


def test_users_make_a_rate() -> None:
    load = {"input_tokens": 1000, "output_tokens": 100}
    users = asked({**load, "users": 120, "requests_per_user_per_minute": 2})
    rate = asked({**load, "request_rate": 4.0})
    assert (users.ttft_s, users.requests_per_s) == (rate.ttft_s, rate.requests_per_s)
    assert any("4 requests a second" in words for words in users.assumptions)


def test_sessions_take_distributions() -> None:
    answer = asked(
        {"input_tokens": LOGNORMAL, "output_tokens": 100, "concurrency": 8, "sessions": {"turns": 4}}
    )
    assert answer.sessions is not None
    assert answer.sessions.hit_fraction > 0.3


def test_memory_holds_the_longest_request() -> None:
    answer = llm_calc.memory_plan(
        model="llama-3.1-8b",
        hardware="h100-80gb-sxm",
        workload={"input_tokens": LOGNORMAL, "output_tokens": 100, "concurrency": 2},
    )
    assert answer.asked_context_tokens == pytest.approx(8100, rel=0.2)


@pytest.mark.parametrize(
    ("workload", "named"),
    [
        ({"input_tokens": {"distribution": "zipf"}}, "workload.input_tokens"),
        ({"input_tokens": {"distribution": "lognormal", "mean": 10}}, "lognormal needs std"),
        ({"input_tokens": {"distribution": "fixed", "mean": 10, "std": 1}}, "fixed has no std"),
        ({"input_tokens": {"distribution": "uniform", "min": 9, "max": 3}}, "min must not be above max"),
        (
            {"output_tokens": {"distribution": "quantiles", "levels": [0, 1], "values": [9, 3]}},
            "must not fall",
        ),
        ({"output_tokens": {"distribution": "histogram", "edges": [1, 2], "counts": [0]}}, "not all be 0"),
        ({"classes": [SHORT]}, "shares must add up to 1"),
        ({"classes": [{**SHORT, "share": 0.5}, {**SHORT, "share": 0.5}]}, "a name of its own"),
        ({"classes": [SHORT, LONG], "input_tokens": 5}, "input_tokens and classes exclude"),
        ({"classes": [SHORT, LONG], "batch": 4}, "batch takes no distributions"),
        ({"input_tokens": LOGNORMAL, "offline": True}, "offline takes no distributions"),
        ({"classes": [SHORT, LONG], "sessions": {"shared_prefix_tokens": 300}}, "must be below input_tokens"),
        ({"users": 3}, "must be given together"),
        ({"users": 60, "requests_per_user_per_minute": 1, "request_rate": 2.0}, "must agree"),
        ({"targets": {}}, "at least one of ttft_s"),
    ],
)
def test_what_cannot_be_is_refused_by_name(workload: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInputError, match=named.replace(".", r"\.")):
        asked(workload)


@pytest.mark.parametrize(
    "workload",
    [
        {"input_tokens": LOGNORMAL, "output_tokens": 100, "request_rate": 4.0},
        {"classes": [SHORT, LONG], "concurrency": 16},
    ],
)
def test_plans_for_lengths_that_vary_are_their_own_estimates(workload: dict[str, Any]) -> None:
    answer = llm_calc.plan(
        model="llama-3.1-8b", workload=workload, gpus=["l40s"], engines=["vllm"], limits={"ttft_s": 5.0}
    )
    plan = answer.plans[0]
    own = llm_calc.estimate(
        model="llama-3.1-8b",
        hardware=plan.hardware.model_dump(exclude_none=True),
        parallelism=plan.parallelism.model_dump(),
        precision=plan.precision.model_dump(exclude_none=True),
        engine=plan.engine.model_dump(exclude_none=True),
        workload=plan.workload.model_dump(exclude_none=True, exclude_defaults=True),
    )
    assert (own.ttft_s, own.tpot_s) == (plan.ttft_s, plan.tpot_s)
    assert own.output_tokens_per_s * plan.replicas == pytest.approx(plan.output_tokens_per_s)
    assert getattr(plan.engine, "max_model_len", 0) >= 8000
    assert any("lengths that vary were never measured" in each for each in answer.warnings)


def test_a_sweep_simulates_classes_row_by_row() -> None:
    base = {"model": {"name": "llama-3.1-8b"}, "hardware": {"gpu": "h100-80gb-sxm"}}
    load = {"classes": [SHORT, LONG], "request_rate": 1.0}
    grid = {"workload.request_rate": [1.0, 2.0]}
    rows = list(llm_calc.sweep(target="serving_estimate", base={**base, "workload": load}, grid=grid))
    assert [row["method"] for row in rows] == ["simulated", "simulated"]
    one = asked({**load, "request_rate": 2.0})
    assert rows[1]["ttft_s"] == pytest.approx(one.ttft_s)
    with pytest.raises(InvalidInputError, match="no closed form"):
        list(
            llm_calc.sweep(
                target="serving_estimate", base={**base, "workload": load}, grid=grid, method="closed_form"
            )
        )


@pytest.mark.parametrize("load", [{"concurrency": 4}, {"request_rate": 3.0}])
def test_answers_of_one_token_have_the_time_of_the_step_that_would_follow(load: dict[str, Any]) -> None:
    answer = asked({"input_tokens": 900, "output_tokens": 1, "targets": {"ttft_s": 1.0}, **load})
    assert answer.tpot_s > 0.001
    assert only(answer).tpot_s is None


def test_users_and_classes_stand_over_a_preset() -> None:
    users = WorkloadPart.model_validate({"preset": "batch", "users": 30, "requests_per_user_per_minute": 2})
    assert (users.offline, users.request_rate) == (None, 1.0)
    kinds = WorkloadPart.model_validate(
        {"preset": "batch", "classes": [{**SHORT, "share": 1.0}], "concurrency": 2}
    )
    assert kinds.mean_input_tokens == 300


def test_a_rare_class_has_its_share_of_the_requests_though_the_run_saw_none() -> None:
    rare = {"name": "rare", "share": 0.0001, "input_tokens": 5000, "output_tokens": 10}
    rows = asked({"classes": [{**SHORT, "share": 0.9999}, rare], "request_rate": 4.0}).classes
    assert (rows[1].requests, rows[1].ttft_s) == (0, None)
    assert rows[1].requests_per_s == pytest.approx(0.0004)


@pytest.mark.parametrize(
    ("length", "said"),
    [
        ({"distribution": "uniform", "min": 5}, "workload.input_tokens: uniform needs max"),
        ({}, "workload.input_tokens.distribution: is required"),
        ("long", "workload.input_tokens: must be a whole number or a JSON object"),
    ],
)
def test_a_length_that_is_refused_is_named_as_it_was_written(length: object, said: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        asked({"input_tokens": length})
    assert refused.value.message == said


CHAT = {"name": "chat", "share": 0.6, "input_tokens": 800, "output_tokens": 150, "targets": {"ttft_s": 0.5}}
AGENT = {"name": "agent", "share": 0.4, "input_tokens": 3000, "output_tokens": 400}


def test_classes_of_sessions_grow_each_by_its_own() -> None:
    """Prompts of a class grow by its first prompt beyond the shared beginning and its answer: 800, 1450, 2100, 2750."""
    turns = {"turns": 4, "think_s": 2.0, "shared_prefix_tokens": 300}
    found = asked({"classes": [CHAT, AGENT], "concurrency": 40, "sessions": turns})
    chat, agent = found.classes
    # Lengths are drawn within 20 % of what is given.
    assert chat.input_tokens == pytest.approx((800 + 1450 + 2100 + 2750) / 4, rel=0.05)
    assert agent.input_tokens == pytest.approx(3000 + 1.5 * (2700 + 400), rel=0.05)
    assert chat.requests_per_s == pytest.approx(0.6 * found.requests_per_s)
    assert chat.targets_kept_fraction is not None
    assert agent.targets_kept_fraction is None
    assert found.sessions is not None
    assert found.sessions.longest_tokens == pytest.approx(3000 + 3 * 2700 + 4 * 400)
    assert any("growth_tokens: 500 and 2700, as first prompts have" in each for each in found.assumptions)
    # New are first prompts, growth and the last token of answers, but for the shared beginning of all.
    new = 0.6 * (500 + 3 * 501) + 0.4 * (2700 + 3 * 2701)
    prompts = 0.6 * (800 + 1450 + 2100 + 2750) + 0.4 * (4 * 3000 + 6 * 3100)
    assert found.sessions.most_hit_fraction == pytest.approx(1 - new / prompts, abs=0.002)
    assert found.sessions.hit_fraction == pytest.approx(found.sessions.most_hit_fraction, abs=0.02)


def test_a_single_class_of_sessions_is_the_sessions_themselves() -> None:
    load = {"concurrency": 8, "sessions": {"turns": 3, "think_s": 1.0}}
    plain = asked({"input_tokens": 800, "output_tokens": 150, **load})
    single = asked({"classes": [{**AGENT, **CHAT, "share": 1.0, "targets": None}], **load})
    assert only(single).ttft_s == plain.ttft_s
    assert single.model_copy(update={"classes": []}) == plain


def test_classes_of_sessions_run_over_two_sides_and_at_a_rate() -> None:
    load = {"classes": [CHAT, AGENT], "session_rate": 0.2, "sessions": {"turns": 3, "think_s": 1.0}}
    here = asked(load)
    apart = asked(load, hardware="2x h100-80gb-sxm", parallelism={"tensor": 1}, disaggregated={})
    for found in (here, apart):
        assert [each.name for each in found.classes] == ["chat", "agent"]
        assert found.requests_per_s == pytest.approx(0.6)


@pytest.mark.parametrize("load", [{"concurrency": 8}, {"session_rate": 0.2}])
def test_plans_of_classes_of_sessions_are_their_estimates(load: dict[str, Any]) -> None:
    sessions = {"turns": 3, "think_s": 2.0}
    answer = llm_calc.plan(
        model="llama-3.1-8b",
        gpus=["h100-80gb-sxm", "l40s"],
        workload={"classes": [{**CHAT, "targets": None}, AGENT], "sessions": sessions, **load},
        limits={"ttft_s": 2.0, "tpot_s": 0.05},
    )
    assert answer.plans
    for found in answer.plans:
        names = ("hardware", "parallelism", "precision", "engine", "workload")
        again = llm_calc.estimate(
            model="llama-3.1-8b", **{name: getattr(found, name).model_dump() for name in names}
        )
        assert found.ttft_s == pytest.approx(again.ttft_s, rel=1e-9)
        assert found.tpot_s == pytest.approx(again.tpot_s, rel=1e-9)
        assert found.ttft_s <= 2.0
        assert len(again.classes) == 2


@pytest.mark.repeats
@pytest.mark.parametrize(
    "load", [{}, {"concurrency": 12}, {"concurrency": 300}, {"request_rate": 3.0}, {"request_rate": 300.0}]
)
@pytest.mark.parametrize("apart", [False, True])
def test_a_target_counts_requests_and_changes_none(load: dict[str, Any], *, apart: bool) -> None:
    sides = {"disaggregated": {}, "hardware": {"gpu": "h100-80gb-sxm", "count": 2}} if apart else {}
    sides |= {"parallelism": {}} if apart else {}
    workload = {"input_tokens": 900, "output_tokens": 180, **load}
    plain = asked(workload, **sides)
    kept = []
    for factor in (0.01, 0.8, 1.25, 100.0):
        targets = {"ttft_s": plain.ttft_s * factor, "request_latency_s": plain.request_latency_s * 100}
        counted = asked(workload | {"targets": targets}, **sides)
        row = only(counted)
        assert row.targets_kept_fraction is not None
        kept.append(row.targets_kept_fraction)
        assert row.goodput_requests_per_s == pytest.approx(kept[-1] * plain.requests_per_s)
        shown = {"classes": plain.classes, "assumptions": plain.assumptions}
        assert counted.model_copy(update=shown) == plain
    assert kept == sorted(kept)
    assert (kept[0], kept[-1]) == (0.0, 1.0)
    spread = counted.percentiles
    # Prompts that end in one step have one time, so that more than half may be at the median; but by what a percentile
    # is, fewer than 90 % are at or below anything less than p90.
    if spread is not None:
        seen = spread.ttft_s
        for share, limit, above in ((0.5, seen.p50, 0.9), (0.9, seen.p90, 0.95)):
            part = only(asked(workload | {"targets": {"ttft_s": limit}}, **sides)).targets_kept_fraction
            assert part is not None
            larger = (seen.p90 if above == 0.9 else seen.p95) > limit
            assert share - 0.02 <= part <= (above + 0.02 if larger and not apart else 1.0)


NEGATIVE = {"distribution": "normal", "mean": 200, "std": 200}


def test_a_mean_that_bounds_move_is_said() -> None:
    """A normal of 200 +- 200 cut at 1: 1 + 199 Phi(0.995) + 200 phi(0.995) = 216.8 (a censored mean, by hand)."""
    answer = asked({"input_tokens": NEGATIVE, "output_tokens": 100, "request_rate": 2.0})
    (said,) = [
        words for words in answer.assumptions if words.startswith("workload.input_tokens: lengths are drawn")
    ]
    assert float(said.partition("mean of ")[2].split()[0]) == pytest.approx(216.8, rel=0.005)
    assert "where 200 is stated" in said
    plans = llm_calc.plan(
        model="llama-3.1-8b",
        gpus=["l40s"],
        engines=["vllm"],
        workload={"input_tokens": NEGATIVE, "concurrency": 4},
    )
    assert any("where 200 is stated" in words for words in plans.assumptions)
    narrow = NEGATIVE | {"std": 20}
    few = asked({"input_tokens": narrow, "request_rate": 2.0})
    assert not any("200 is stated" in words for words in few.assumptions)
