"""Plans for sessions: what an estimate says of each plan, and what more of a pause, a limit or a rate changes."""

from typing import Any

import pytest

import llm_calc
from llm_calc.adapters.planning.turns import turn_lengths
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.adapters.wire.plans import DeploymentPlansAnswer
from llm_calc.core.errors import InvalidInputError

SESSIONS: dict[str, Any] = {"turns": 8, "growth_tokens": 500, "think_s": 10.0, "shared_prefix_tokens": 500}
CHAT: dict[str, Any] = {"input_tokens": 1500, "output_tokens": 250, "sessions": SESSIONS}


def planned(workload: dict[str, Any], **fields: Any) -> DeploymentPlansAnswer:
    asked = {
        "model": "llama-3.1-8b",
        "gpus": ["l40s"],
        "engines": ["vllm"],
        "formats": ["fp8"],
        "limits": {"ttft_s": 1.0, "tpot_s": 0.05},
        "workload": workload,
    }
    return llm_calc.plan(**{**asked, **fields})


@pytest.mark.parametrize("load", [{"concurrency": 100}, {"session_rate": 0.8}])
def test_an_estimate_says_the_same_of_every_plan(load: dict[str, Any]) -> None:
    answer = planned(CHAT | load, engines=None, gpus=["l40s", "h100-80gb-sxm"])
    assert len(answer.plans) >= 2
    for plan in answer.plans:
        estimate = llm_calc.estimate(
            model="llama-3.1-8b",
            **{
                name: getattr(plan, name)
                for name in ("hardware", "parallelism", "precision", "engine", "workload")
            },
        )
        assert (estimate.ttft_s, estimate.tpot_s) == (plan.ttft_s, plan.tpot_s)
        assert plan.ttft_s <= 1.0
        assert plan.tpot_s <= 0.05
        assert plan.basis == "formula_only"
        assert plan.engine.name != "llama.cpp"


def test_sessions_of_one_turn_are_the_plain_load() -> None:
    plain = {"input_tokens": 1500, "output_tokens": 250, "concurrency": 40}
    one, alone = planned(plain | {"sessions": {"turns": 1}}), planned(plain)
    assert [plan.ttft_s for plan in one.plans] == [plan.ttft_s for plan in alone.plans]
    assert [plan.gpus for plan in one.plans] == [plan.gpus for plan in alone.plans]


@pytest.mark.repeats
def test_longer_pauses_need_no_more_gpus() -> None:
    counts = [
        planned(CHAT | {"concurrency": 400, "sessions": SESSIONS | {"think_s": pause}}, objective="gpus")
        .plans[0]
        .gpus
        for pause in (0.0, 10.0, 60.0)
    ]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]


def test_sessions_at_a_rate_are_shared_out() -> None:
    plan = planned(CHAT | {"session_rate": 2.0}).plans[0]
    assert plan.workload.session_rate == pytest.approx(2.0 / plan.replicas)
    assert plan.requests_per_s == pytest.approx(2.0 * 8, rel=0.02)


def test_bounds_find_all_that_some_request_had() -> None:
    part = WorkloadPart.model_validate(CHAT | {"concurrency": 1})
    lengths = turn_lengths(part)
    # 1500 tokens at first, 750 more each of 7 turns: the mean of 8 turns is 1500 + 3.5 x 750.
    assert lengths.input_tokens == pytest.approx(1500 + 3.5 * 750)
    # New: 1000 of a first turn, 500 and the last token of the answer before of each later one.
    assert lengths.cached_fraction == pytest.approx(1 - (1000 + 7 * 501) / 8 / lengths.input_tokens)
    stated = part.model_copy(update={"prefix_cache_hit_fraction": 0.25})
    assert turn_lengths(stated).cached_fraction == 0.25


def test_engines_whose_prompt_caches_are_not_known_take_no_part() -> None:
    with pytest.raises(InvalidInputError, match=r"engines: prompt caches of llama\.cpp are not modelled"):
        planned(CHAT | {"concurrency": 4}, engines=["llama.cpp"])
