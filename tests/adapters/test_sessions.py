"""Sessions as requests state them: presets, tiers, what is refused, and what the answer says."""

from typing import Any

import pytest

import llm_calc
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.adapters.wire.serving import ServingEstimateAnswer
from llm_calc.adapters.wire.workloads import SessionsAnswer
from llm_calc.adapters.workload_catalog import load_tiers, load_workloads
from llm_calc.core.errors import InvalidInputError

TURNS = {"turns": 6, "growth_tokens": 200, "think_s": 2.0}
LOAD = {"input_tokens": 1000, "output_tokens": 100, "concurrency": 8, "sessions": TURNS}


def asked(**fields: Any) -> ServingEstimateAnswer:
    return llm_calc.estimate(
        **{"model": "llama-3.1-8b", "hardware": "h100-80gb-sxm", "workload": LOAD} | fields
    )


def of_sessions(answer: ServingEstimateAnswer) -> SessionsAnswer:
    assert answer.sessions is not None
    return answer.sessions


def test_a_session_of_one_turn_is_a_request() -> None:
    plain = {name: value for name, value in LOAD.items() if name != "sessions"}
    one, none = asked(workload={**plain, "sessions": {"turns": 1, "think_s": 9.0}}), asked(workload=plain)
    assert one.sessions is None
    assert any("of one turn" in words for words in one.assumptions)
    for name in ("ttft_s", "tpot_s", "request_latency_s", "requests_per_s", "percentiles", "interval"):
        assert getattr(one, name) == getattr(none, name)


def test_contexts_that_all_fit_are_found() -> None:
    answer = of_sessions(asked())
    assert answer.hit_fraction == pytest.approx(answer.most_hit_fraction, abs=0.02)
    assert answer.longest_tokens == 1000 + 5 * 200 + 6 * 100
    assert answer.sessions_at_once == 8
    assert answer.new_tokens == pytest.approx(answer.prompt_tokens * (1 - answer.hit_fraction))


@pytest.mark.parametrize(
    ("engine", "off"),
    [
        ("vllm", {"enable_prefix_caching": False}),
        ("sglang", {"disable_radix_cache": True}),
        ("trtllm", {"enable_block_reuse": False}),
        ("trtllm", {"kv_cache_config": {"enable_block_reuse": False}}),
    ],
)
def test_nothing_is_found_where_the_cache_is_off(engine: str, off: dict[str, bool]) -> None:
    answer = asked(engine={"name": engine, **off})
    assert of_sessions(answer).hit_fraction == 0
    assert any("no equal beginnings" in words for words in answer.assumptions)
    assert answer.ttft_s > asked(engine=engine).ttft_s


def test_a_stated_share_stands() -> None:
    answer = asked(workload={**LOAD, "prefix_cache_hit_fraction": 0.25})
    assert of_sessions(answer).hit_fraction == pytest.approx(0.25, abs=0.001)
    assert of_sessions(asked(workload={**LOAD, "prefix_cache_hit_fraction": 0.0})).hit_fraction == 0


def test_tiers_keep_what_the_gpu_does_not() -> None:
    load = {**LOAD, "input_tokens": 20_000, "concurrency": 60, "sessions": {**TURNS, "growth_tokens": 500}}
    bare = asked(workload=load)
    tiered = asked(workload=load, kv_tiers=[{"tier": "host"}, {"tier": "disk", "memory_bytes": 4e12}])
    tiers = {tier.tier: tier for tier in of_sessions(tiered).tiers}
    assert set(tiers) == {"gpu", "host", "disk"}
    assert of_sessions(tiered).hit_fraction > of_sessions(bare).hit_fraction
    assert tiers["host"].capacity_tokens == pytest.approx(2 * tiers["gpu"].capacity_tokens)
    assert tiers["disk"].bandwidth_bytes_per_s == pytest.approx(load_tiers()["disk"].bytes_per_s)
    assert any("kv_tiers.disk" in words for words in tiered.assumptions)


def test_a_tier_slower_than_computing_is_named() -> None:
    slow = {"tier": "store", "memory_bytes": 1e13, "bandwidth_bytes_per_s": 1e7}
    assert any("does not pay" in words for words in asked(kv_tiers=[slow]).warnings)


def test_sessions_are_called_uncalibrated() -> None:
    answer = asked()
    assert answer.interval.status == "uncalibrated"
    assert any("never measured" in words for words in answer.warnings)


def test_a_preset_gives_what_is_left_out() -> None:
    part = WorkloadPart.model_validate({"preset": "Coding-Agent", "sessions": {"turns": 3}, "concurrency": 4})
    assert (part.output_tokens, part.concurrency) == (523, 4)
    assert part.sessions is not None
    assert (part.sessions.turns, part.sessions.growth_tokens) == (3, 760)
    answer = asked(workload={"preset": "voice", "session_rate": 1.0})
    assert any("workload.preset: voice" in words for words in answer.assumptions)
    assert asked(workload={"preset": "batch"}).sessions is None


def test_every_preset_and_tier_is_answered_and_says_where_it_is_from() -> None:
    assert set(load_workloads()) == {"chat", "rag", "coding_agent", "voice", "batch"}
    assert set(load_tiers()) == {"host", "disk", "store"}
    for name, preset in load_workloads().items():
        assert preset.source
        assert asked(workload={"preset": name}).ttft_s > 0


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"workload": {**LOAD, "concurrency": None, "request_rate": 1.0}}, "request_rate"),
        ({"workload": {**LOAD, "concurrency": None, "batch": 4}}, "batch"),
        ({"workload": {"session_rate": 1.0}}, "session_rate"),
        ({"workload": {**LOAD, "session_rate": 1.0}}, "session_rate"),
        ({"workload": {**LOAD, "sessions": {"shared_prefix_tokens": 1000}}}, "shared_prefix_tokens"),
        ({"workload": {**LOAD, "sessions": {"turn": 4}}}, "sessions.turn"),
        ({"workload": {"preset": "chit-chat"}}, "workload.preset"),
        ({"workload": {}, "kv_tiers": [{"tier": "host"}]}, "kv_tiers"),
        ({"kv_tiers": [{"tier": "disk"}]}, "kv_tiers.memory_bytes"),
        ({"kv_tiers": [{"tier": "host"}, {"tier": "host"}]}, "kv_tiers"),
        (
            {"workload": {**LOAD, "prefix_cache_hit_fraction": 0.5}, "kv_tiers": [{"tier": "host"}]},
            "kv_tiers",
        ),
        (
            {"engine": {"name": "vllm", "enable_prefix_caching": False}, "kv_tiers": [{"tier": "host"}]},
            "kv_tiers: vllm keeps no contexts",
        ),
        ({"disaggregated": {}, "hardware": "2x h100-80gb-sxm", "kv_tiers": [{"tier": "host"}]}, "kv_tiers"),
        ({"engine": "llama.cpp", "model": "qwen3-8b"}, "workload.sessions"),
    ],
)
def test_what_cannot_be_is_refused_by_name(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInputError, match=named.replace(".", r"\.")):
        asked(**fields)


def test_calibrations_refuse_sessions_by_name() -> None:
    measured = {"model": {"name": "llama-3.1-8b"}, "hardware": {"gpu": "l40s"}, "workload": LOAD}
    with pytest.raises(InvalidInputError, match="calibrate does not take sessions"):
        llm_calc.calibrate(measurements=[{**measured, "measured": {"ttft_s": 1.0}}])


def test_memory_plans_hold_the_last_turn() -> None:
    answer = llm_calc.memory_plan(model="llama-3.1-8b", hardware="h100-80gb-sxm", workload=LOAD)
    assert answer.asked_context_tokens == 2600


def test_replicas_share_the_sessions() -> None:
    one = asked()
    two = asked(hardware="2x h100-80gb-sxm", parallelism={"data": 2}, workload={**LOAD, "concurrency": 16})
    assert two.requests_per_s == pytest.approx(2 * one.requests_per_s)
    assert of_sessions(two).sessions_at_once == 16
    few = asked(hardware="4x h100-80gb-sxm", parallelism={"data": 4}, workload={**LOAD, "concurrency": 5})
    assert of_sessions(few).sessions_at_once == pytest.approx(5)
    assert of_sessions(few).sessions_per_s == pytest.approx(few.requests_per_s / TURNS["turns"])


def test_rare_sessions_are_alive_for_a_part_of_the_time() -> None:
    load = {name: value for name, value in LOAD.items() if name != "concurrency"}
    found = of_sessions(asked(workload={**load, "session_rate": 0.001}))
    assert found.sessions_at_once == pytest.approx(0.001 * found.session_s, rel=0.05)


@pytest.mark.parametrize(
    "further",
    [
        {},
        {
            "workload": {
                "concurrency": 4,
                "input_tokens": {"distribution": "uniform", "min": 500, "max": 1500},
            }
        },
        {"speculative": {"method": "ngram", "acceptance_fraction": 0.5}, "workload": {"concurrency": 4}},
    ],
    ids=["sessions", "distribution", "draft"],
)
def test_what_no_run_measured_is_not_called_calibrated(further: dict[str, Any]) -> None:
    answer = asked(**further)
    assert (answer.basis.kind, answer.interval.status) == ("formula_only", "uncalibrated")


@pytest.mark.parametrize(
    ("memory_bytes", "said"), [(1e11, "nothing is found in it"), (3e11, "this tier pays, ")]
)
def test_a_tier_that_gives_nothing_is_not_said_to_pay(memory_bytes: float, said: str) -> None:
    """128 sessions come back to it in turn: one too small for most of them has lost each before its next turn."""
    answer = asked(
        workload={
            "input_tokens": 8000,
            "output_tokens": 300,
            "concurrency": 128,
            "sessions": {"turns": 20, "growth_tokens": 500, "think_s": 5, "shared_prefix_tokens": 2000},
        },
        kv_tiers=[{"tier": "host", "memory_bytes": memory_bytes}],
    )
    assert answer.sessions is not None
    (words,) = [each for each in answer.assumptions if each.startswith("kv_tiers.host: reading")]
    assert said in words
    assert (answer.sessions.tiers[1].hit_fraction > 0.1) == (said == "this tier pays, ")


def test_a_tier_that_pays_says_by_how_much_and_what_would_hold_all() -> None:
    """A token of llama-3.1-8b keeps 2 x 32 x 8 x 128 numbers of two bytes; the last of six turns ends at 2,600."""
    answer = asked(kv_tiers=[{"tier": "host", "memory_bytes": 1e11, "bandwidth_bytes_per_s": 131_072 * 1e6}])
    (words,) = [each for each in answer.assumptions if "it would pay" in each]
    assert words.startswith("kv_tiers.host: reading a token back takes 1 us, computing it ")
    computed_us = float(words.partition("computing it ")[2].split()[0])
    assert float(words.partition("it would pay ")[2].split()[0]) == pytest.approx(computed_us, rel=0.01)
    assert f"all 8 sessions alive take {8 * 2600 * 131_072 / 1e9:.3g} GB" in words
    assert "it has 100 GB" in words
    assert not any("does not pay" in each for each in answer.warnings)


@pytest.mark.parametrize(("concurrency", "fits"), [(64, False), (20, True)])
def test_sessions_that_memory_does_not_hold_are_named_as_a_memory_plan_does(
    concurrency: int, fits: bool
) -> None:
    """The last of 20 turns ends at 4000 + 19 x (500 + 300) + 300 = 19,500 tokens."""
    sessions = {"turns": 20, "growth_tokens": 500, "think_s": 10}
    load = {
        "input_tokens": 4000,
        "output_tokens": 300,
        "concurrency": concurrency,
        "sessions": sessions,
    }
    plan = llm_calc.memory_plan(model="llama-3.1-8b", hardware="h100-80gb-sxm", workload=load)
    assert plan.fits is fits
    found = [each for each in asked(workload=load).warnings if each.startswith("workload.concurrency: by")]
    assert len(found) == (0 if fits else 1)
    assert all(f"holds {plan.sequences_that_fit} requests of 19500 tokens" in each for each in found)


@pytest.mark.parametrize(("rates", "warned"), [((5e9, 50e9), True), ((50e9, 5e9), False)])
def test_a_slower_tier_before_a_faster_one_is_named(rates: tuple[float, float], warned: bool) -> None:
    upper, lower = rates
    tiers = [
        {"tier": "store", "memory_bytes": 1e12, "bandwidth_bytes_per_s": upper},
        {"tier": "host", "memory_bytes": 1e11, "bandwidth_bytes_per_s": lower},
    ]
    found = [each for each in asked(kv_tiers=tiers).warnings if "give the fastest first" in each]
    assert len(found) == int(warned)
    assert all("store is listed before host, which reads 10 times as fast" in each for each in found)


@pytest.mark.parametrize(
    "load", [{"concurrency": 1}, {"concurrency": 2}, {"concurrency": 8}, {"session_rate": 1e-4}]
)
def test_few_sessions_are_followed_as_often_as_many(load: dict[str, Any]) -> None:
    """By hand: ten prompts of 6000 to 22 200 tokens, of which each finds all that was before it but blocks in part.

    ``sum over turns of (6300 + 1800 k) / sum of (6000 + 1800 k) = 121 500 / 141 000`` [1], and
    a run of 300 requests cuts sessions at its ends: one first prompt more or less is 0.3 points. Ten requests were
    off by up to two points.
    """
    session = {"turns": 10, "growth_tokens": 1500, "think_s": 20}
    workload = {"input_tokens": 6000, "output_tokens": 300, "sessions": session, **load}
    answer = of_sessions(
        llm_calc.estimate(model="deepseek-v3", hardware="8x h200-141gb-sxm", workload=workload)
    )
    assert answer.hit_fraction == pytest.approx(121_500 / 141_000, abs=0.004)
