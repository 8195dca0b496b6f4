"""The search: a wider one never finds less, reasons are true, and what candidates share is resolved once."""

from typing import Any

import pytest

from llm_calc.adapters import setup
from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.model_source import served_model
from llm_calc.adapters.planning import plans, scene
from llm_calc.adapters.planning.plans import answer_deployment_plans
from llm_calc.adapters.wire.plans import DeploymentPlansAnswer, DeploymentPlansRequest

TIGHT: dict[str, Any] = {
    "model": {"name": "gpt-oss-120b"},
    "workload": {"input_tokens": 4000, "output_tokens": 500, "request_rate": 5},
    "limits": {"ttft_s": 2, "tpot_s": 0.05, "usd_per_hour": 60, "max_gpus": 32},
    "gpus": ["rtx-5090"],
}
LLAMA: dict[str, Any] = {
    "model": {"name": "llama-3.1-70b"},
    "workload": {"input_tokens": 1024, "output_tokens": 256, "request_rate": 2},
    "limits": {"ttft_s": 2.0, "max_gpus": 8},
    "max_plans": 3,
}


def answer(request: dict[str, Any], **more: Any) -> DeploymentPlansAnswer:
    return answer_deployment_plans(
        DeploymentPlansRequest.model_validate({**request, **more}), load_catalogs()
    )


def dearest(found: DeploymentPlansAnswer) -> float:
    return max(plan.usd_per_hour or 0.0 for plan in found.plans)


@pytest.mark.repeats
@pytest.mark.parametrize("engine", ["vllm", "sglang", "trtllm"])
def test_more_engines_never_find_less(engine: str) -> None:
    narrow, wide = answer(TIGHT, engines=[engine]), answer(TIGHT)
    assert narrow.plans
    assert (wide.plans[0].usd_per_hour or 0) <= (narrow.plans[0].usd_per_hour or 0)


@pytest.mark.repeats
@pytest.mark.parametrize("gpus", [["h100-80gb-sxm"], ["l40s"], ["a100-80gb-sxm", "mi300x"]])
def test_more_gpus_never_find_less(gpus: list[str]) -> None:
    narrow, wide = answer(LLAMA, gpus=gpus), answer(LLAMA)
    shown = {plan.hardware.gpu: plan.usd_per_hour for plan in wide.plans}
    for plan in narrow.plans:
        assert (shown.get(plan.hardware.gpu) or dearest(wide)) <= (plan.usd_per_hour or 0) + 1e-9


def test_a_reason_says_how_many_were_tried() -> None:
    limits = {**TIGHT["limits"], "ttft_s": 0.2, "max_gpus": 64}
    for refusal in answer(TIGHT, limits=limits, gpus=["rtx-5090", "l40s"], engines=["vllm"]).refused:
        if "worked out in full" in refusal.reason:
            assert refusal.reason.startswith(("none of the ", "the "))
            assert any(word.isdecimal() for word in refusal.reason.split())


def test_a_named_gpu_is_not_told_to_be_named() -> None:
    found = answer(
        LLAMA, gpus=["h100-80gb-sxm", "h200-141gb-sxm", "l40s", "mi300x", "a100-80gb-sxm"], max_plans=1
    )
    assert all("name it in gpus" not in refusal.reason for refusal in found.refused)


@pytest.mark.repeats
def test_a_model_on_a_kind_of_gpu_is_resolved_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Layouts, loads and options of an engine vary what was resolved."""
    seen: list[Any] = []
    resolve = setup.resolved

    def counted(*arguments: Any, **named: Any) -> Any:
        precision = named["precision"]
        seen.append((named["hardware"].gpu, named["engine"], precision.weights, precision.kv_cache))
        return resolve(*arguments, **named)

    monkeypatch.setattr(scene, "resolved", counted)
    found = answer(LLAMA, max_plans=20)
    assert len(seen) == len(set(seen)) < found.considered.estimated


def test_an_engine_is_built_once_for_the_same_options() -> None:
    request, catalogs = DeploymentPlansRequest.model_validate(LLAMA), load_catalogs()
    kept = plans._scene(request, catalogs, served_model(request.model, catalogs))
    first = kept.started("vllm", {"max_model_len": 4096})
    assert kept.started("vllm", {"max_model_len": 4096}) is first
    assert kept.started("vllm", {"max_model_len": 4096, "max_num_seqs": 8}).engine != first.engine


@pytest.mark.parametrize("users", [9, 10])
def test_replicas_never_serve_more_requests_than_there_are(users: int) -> None:
    """By Little's law; requests that do not divide leave some replicas one less."""
    found = answer(
        {**TIGHT, "workload": {"input_tokens": 1000, "output_tokens": 200, "concurrency": users}},
        limits={"max_gpus": 32},
        objective="latency",
    )
    assert any(plan.replicas > 1 and users % plan.replicas for plan in found.plans)
    for plan in found.plans:
        assert plan.requests_per_s * plan.request_latency_s <= users * (1 + 1e-6)
        assert plan.output_tokens_per_s == pytest.approx(200 * plan.requests_per_s)


EDGE: dict[str, Any] = {
    "model": {"name": "llama-3.1-8b"},
    "gpus": ["l4"],
    "engines": ["vllm"],
    "formats": ["fp8"],
    "workload": {"input_tokens": 1024, "output_tokens": 128, "request_rate": 60},
    "objective": "gpus",
    "prices": {"l4": 0.7},
}


@pytest.mark.parametrize(
    ("limits", "gpus"),
    [
        *(({"max_gpus": most}, 18) for most in (18, 19, 20, 64)),
        ({"max_gpus": 17}, None),
        *(({"usd_per_hour": 0.7 * most}, 18) for most in (18, 19, 64)),
        ({"usd_per_hour": 0.7 * 17}, None),
    ],
    ids=str,
)
def test_a_limit_that_the_best_plan_just_keeps_does_not_hide_it(
    limits: dict[str, float], gpus: int | None
) -> None:
    """18 L4s serve 60 arrivals a second under the widest limit, so every limit down to 18 finds them."""
    found = answer(EDGE, limits=limits)
    assert [plan.gpus for plan in found.plans] == ([] if gpus is None else [gpus])
    assert bool(found.refused) is (gpus is None)


def test_a_layout_that_is_left_as_it_lies_behind_did_not_fail() -> None:
    """Six that fail end the search of a kind; what is left for its bound alone may not be among them."""
    request, catalogs = DeploymentPlansRequest.model_validate(EDGE), load_catalogs()
    found = plans._find(request, catalogs, served_model(request.model, catalogs), None)
    (candidates,) = (each for each in found.searched.candidates if len(each.places))
    search, bound = found.search, candidates.bound(int(candidates.places[0]))
    search.done.clear()
    assert search.full(bound, beaten=bound.score / 2) is None
    assert not search._has_failed(bound)
    search.done[bound.row] = None
    assert search._has_failed(bound)


@pytest.mark.parametrize(("gpu", "said"), [("rtx-4090", True), ("tpu-v5e", False)])
def test_what_does_not_fit_is_told_that_plans_keep_nothing_on_the_host(gpu: str, *, said: bool) -> None:
    load = {"input_tokens": 1024, "output_tokens": 256, "concurrency": 1}
    asked = {"model": {"name": "llama-3.1-70b"}, "workload": load, "limits": {"max_gpus": 1}, "gpus": [gpu]}
    ((refused,), found) = answer(asked).refused, answer(asked).plans
    assert not found
    assert "do not fit on any layout of up to 1 GPU of" in refused.reason
    assert refused.reason.endswith("llm-calc fit, by llama.cpp)") == said
