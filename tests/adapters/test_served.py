"""How much cache a timed deployment is taken to have: as planned where the request fixes it, else as was measured."""

from dataclasses import replace
from typing import Any

import pytest

import llm_calc
from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.certainty import basis_kind
from llm_calc.adapters.deployment import Placed
from llm_calc.adapters.engines import build_engine
from llm_calc.adapters.operations import DEPLOYMENT_PLANS, MEMORY_PLAN, SERVING_ESTIMATE
from llm_calc.adapters.served import served_capacity
from llm_calc.adapters.serving import place_request
from llm_calc.adapters.wire.serving import ServingEstimateRequest
from tests.core.engines.setups import setup


def placed(engine: dict[str, Any], **workload: int) -> Placed:
    load = {"input_tokens": 3000, "output_tokens": 500, "concurrency": 8, **workload}
    body = {
        "model": {"name": "llama-3.1-8b"},
        "hardware": {"gpu": "h100-80gb-sxm"},
        "engine": engine,
        "workload": load,
    }
    return place_request(ServingEstimateRequest.model_validate(body), load_catalogs())


@pytest.mark.parametrize(
    "engine",
    [
        {"name": "trtllm", "max_tokens": 5000},
        {"name": "sglang", "max_total_tokens": 5000},
        {"name": "vllm", "num_gpu_blocks_override": 300, "max_model_len": 4096},
        {"name": "vllm", "kv_cache_memory_bytes": 629_145_600, "max_model_len": 4096},
    ],
)
def test_a_cache_whose_size_is_stated_is_as_large_as_it_is(engine: dict[str, Any]) -> None:
    """5000 tokens hold 1.4 requests of 3500."""
    found = placed(engine)
    assert float(found.deployment.capacity) == pytest.approx(1.4, abs=0.15)
    assert not any("least that was seen" in words for words in found.warnings)


@pytest.mark.parametrize(
    "engine",
    [
        {"name": "vllm", "gpu_memory_utilization": 0.25},
        {"name": "sglang", "mem_fraction_static": 0.25},
        {"name": "trtllm", "free_gpu_memory_fraction": 0.05},
    ],
)
def test_a_share_that_leaves_less_than_the_engine_s_own_counts_as_stated(engine: dict[str, Any]) -> None:
    found = placed(engine)
    assert found.plan.cache_chosen
    assert float(found.deployment.capacity) == pytest.approx(
        max(1.0, float(found.plan.sequences(3500)) * found.filled_fraction)
    )


def test_a_limit_above_what_memory_holds_changes_nothing() -> None:
    stated, plain = placed({"name": "trtllm", "max_tokens": 10_000_000}), placed({"name": "trtllm"})
    assert float(stated.deployment.capacity) == float(plain.deployment.capacity)


def on_four(engine: dict[str, Any], **load: Any) -> Placed:
    """DeepSeek-V3, whose fp8 weights leave little of four B200, which TensorRT-LLM was measured on."""
    body = {
        "model": {"name": "deepseek-v3"},
        "hardware": {"gpu": "b200-180gb-sxm", "count": 4},
        "engine": engine,
        "workload": {"input_tokens": 20_000, "output_tokens": 300, **(load or {"concurrency": 64})},
    }
    return place_request(ServingEstimateRequest.model_validate(body), load_catalogs())


def has_seen_room(found: Placed) -> bool:
    return float(found.deployment.capacity) > 1.2 * float(found.timed_plan.sequences(found.context_tokens))


CUT = {"name": "trtllm", "enable_chunked_prefill": True}


@pytest.mark.parametrize(
    "engine",
    [
        {"name": "sglang", "max_total_tokens": 60_000},
        {"name": "sglang", "mem_fraction_static": 0.88},
        {"name": "vllm", "gpu_memory_utilization": 0.98},
        {"name": "vllm", "gpu_memory_utilization": 0.95},
        {"name": "vllm", "gpu_memory_utilization": 0.92},
        {**CUT, "max_tokens": 496_832},
        {**CUT, "free_gpu_memory_fraction": 0.95},
    ],
)
def test_a_stated_size_or_share_bounds_figures_though_more_was_seen(engine: dict[str, Any]) -> None:
    """One request is run where memory holds none."""
    found = on_four(engine)
    plan = found.timed_plan
    planned = float(plan.sequences(20_300)) if plan.available_bytes > 0 else 0.0
    assert float(found.deployment.capacity) == max(1.0, planned * found.filled_fraction)
    assert not any("least that was seen" in words for words in found.warnings)


def test_a_larger_share_of_the_memory_gives_a_larger_cache() -> None:
    most = [
        float(on_four({"name": "vllm", "gpu_memory_utilization": share}).deployment.capacity)
        for share in (0.92, 0.95, 0.98)
    ]
    assert most == sorted(set(most))


@pytest.mark.parametrize(
    ("load", "seen"),
    [
        ({"concurrency": 64}, True),
        ({"batch": 64}, True),
        ({"offline": True}, True),
        ({"request_rate": 1.0}, False),
        ({"concurrency": 64, "sessions": {"turns": 2, "growth_tokens": 500, "think_s": 10}}, False),
    ],
)
def test_more_cache_than_planned_is_taken_only_under_loads_that_were_measured(
    load: dict[str, Any], seen: bool
) -> None:
    assert has_seen_room(on_four(CUT, **load)) is seen


@pytest.mark.parametrize(("engine", "seen"), [("sglang", True), ("vllm", False)])
def test_more_cache_than_planned_is_taken_only_of_stacks_that_were_measured(engine: str, seen: bool) -> None:
    """Qwen3 32B on one H100 was measured under SGLang and TensorRT-LLM; 1.5 GiB are left for its cache."""
    body = {
        "model": {"name": "qwen3-32b"},
        "hardware": {"gpu": "h100-80gb-sxm"},
        "engine": {"name": engine},
        "workload": {"input_tokens": 6000, "output_tokens": 512, "concurrency": 16},
    }
    found = place_request(ServingEstimateRequest.model_validate(body), load_catalogs())
    assert found.plan.available_bytes > 0
    assert has_seen_room(found) is seen


def test_a_plan_of_sessions_takes_the_cache_that_its_own_command_gives() -> None:
    """Four of these GPUs hold 10 of 64 sessions: neither the plan nor the estimate of its parts counts on more."""
    sessions = {"turns": 20, "growth_tokens": 1500, "think_s": 10}
    load = {"input_tokens": 6000, "output_tokens": 300, "concurrency": 64, "sessions": sessions}
    asked: dict[str, Any] = {
        "model": {"name": "deepseek-v3"},
        "gpus": ["b200"],
        "engines": ["trtllm"],
        "limits": {"ttft_s": 3, "tpot_s": 0.05},
        "workload": load,
        "speculative": {"method": "mtp"},
        "kv_tiers": [{"tier": "host", "memory_bytes": 1e12}],
    }
    best = DEPLOYMENT_PLANS.answered(asked, load_catalogs()).plans[0].model_dump(exclude_none=True)
    kept = ("hardware", "parallelism", "precision", "engine", "workload", "speculative", "kv_tiers")
    parts = {"model": asked["model"], **{name: best[name] for name in kept}}
    plan = MEMORY_PLAN.answered(parts, load_catalogs())
    found = SERVING_ESTIMATE.answered(parts, load_catalogs())
    assert found.resolved.kv_capacity_sequences <= plan.max_concurrency
    assert found.ttft_s == best["ttft_s"]


def test_a_cache_that_is_taken_larger_than_planned_is_not_called_measured() -> None:
    body = {
        "model": {"name": "llama-3.1-70b"},
        "hardware": {"gpu": "h100-80gb-sxm", "count": 2},
        "engine": {"name": "trtllm"},
        "workload": {"input_tokens": 1000, "output_tokens": 1000, "offline": True},
    }
    found = place_request(ServingEstimateRequest.model_validate(body), load_catalogs())
    assert any("least that was seen" in words for words in found.warnings)
    assert basis_kind(found) == "calibrated"
    assert basis_kind(replace(found, larger_cache=False)) == "measured"


@pytest.mark.parametrize(
    ("captured", "load", "named"),
    [
        (4, {"concurrency": 8}, True),
        (8, {"concurrency": 8}, False),
        (4, {"concurrency": None, "request_rate": 0.1}, False),
        (4, {"concurrency": None, "request_rate": 20.0}, True),
        (512, {"concurrency": 1000}, False),
    ],
)
def test_steps_beyond_the_captured_graphs_are_of_unknown_time(
    captured: int, load: dict[str, Any], named: bool
) -> None:
    load = {name: value for name, value in {"concurrency": 8, **load}.items() if value is not None}
    body = {
        "model": {"name": "llama-3.1-8b"},
        "hardware": {"gpu": "h100-80gb-sxm"},
        "engine": {"name": "sglang", "cuda_graph_max_bs": captured},
        "workload": {"input_tokens": 1000, "output_tokens": 100, **load},
    }
    found = place_request(ServingEstimateRequest.model_validate(body), load_catalogs())
    assert ("cuda_graph_max_bs" in found.untimed) is named
    assert (basis_kind(found) == "formula_only") is named


@pytest.mark.parametrize("engine", ["vllm", "sglang", "trtllm", "generic", "llama.cpp", "ollama"])
def test_an_estimate_and_a_plan_say_one_size_of_the_cache(engine: str) -> None:
    asked = {
        "model": "llama-3.1-8b",
        "engine": {"name": engine},
        "hardware": "h100",
        "workload": {"input_tokens": 1000, "output_tokens": 100},
    }
    resolved = SERVING_ESTIMATE.answered(asked, load_catalogs()).resolved
    plan = MEMORY_PLAN.answered(asked, load_catalogs())
    assert int(resolved.kv_capacity_tokens) == plan.kv_cache_tokens
    assert resolved.kv_capacity_sequences * 1100 <= resolved.kv_capacity_tokens


@pytest.mark.parametrize(
    ("engine", "cells"),
    [
        ({"name": "ollama", "num_ctx": 65_536}, 65_536),
        ({"name": "llama.cpp", "n_ctx": 65_536, "n_parallel": 1}, 65_536),
        ({"name": "llama.cpp", "n_ctx": 65_536, "n_parallel": 4}, 65_536),
    ],
)
def test_cells_that_are_made_at_start_are_the_cache_whatever_a_request_is_long(
    engine: dict[str, Any], cells: int
) -> None:
    asked = {"model": "gpt-oss-20b", "precision": "mxfp4", "engine": engine, "hardware": "rtx-4090"}
    load = {"workload": {"input_tokens": 1024, "output_tokens": 1024}}
    assert SERVING_ESTIMATE.answered({**asked, **load}, load_catalogs()).resolved.kv_capacity_tokens == cells


def test_a_smaller_cache_than_the_engine_s_own_is_warned_of_where_the_plan_does_not_fit() -> None:
    """Both take one decision and say so: 64 requests in 16 bits do not fit, and both name one number."""
    asked: dict[str, Any] = {
        "model": {"name": "qwen3-235b-a22b"},
        "precision": {"weights": "fp8"},
        "hardware": {"gpu": "h100-80gb-sxm", "count": 4},
        "engine": {"name": "vllm"},
        "workload": {"input_tokens": 8000, "output_tokens": 1000, "concurrency": 64},
    }
    plan = MEMORY_PLAN.answered(asked, load_catalogs())
    found = SERVING_ESTIMATE.answered(asked, load_catalogs())
    assert not plan.fits
    said = f"holds {plan.sequences_that_fit} requests of 9000 tokens and not 64: a memory plan does not fit"
    assert any(said in words for words in found.warnings)
    few = SERVING_ESTIMATE.answered(
        {**asked, "workload": {**asked["workload"], "concurrency": 4}}, load_catalogs()
    )
    assert not any("a memory plan does not fit" in words for words in few.warnings)
    named = {**asked, "precision": {"weights": "fp8", "kv_cache": "fp8"}}
    assert not any(
        "engine's own default" in words
        for words in SERVING_ESTIMATE.answered(named, load_catalogs()).warnings
    )


@pytest.mark.parametrize(
    ("weights", "known"), [("int3", False), ("mxfp8", False), ("int4-awq", True), ("fp8", True)]
)
def test_a_format_whose_kernels_have_no_class_is_told_and_called_no_measured_one(
    weights: str, known: bool
) -> None:
    """Its matrices take the efficiencies of 16-bit ones: nobody measured otherwise."""
    found = llm_calc.estimate(model="llama-3.1-8b", hardware="h100", precision=weights, engine="vllm")
    assert any("never measured" in words and "16-bit" in words for words in found.warnings) != known
    if not known:
        assert found.basis.kind == "formula_only"


def test_a_stack_that_was_measured_left_fifteen_percent_of_its_memory_to_the_cache() -> None:
    """As the page of performance says. Of 85 GB that are 12.75: of contexts of 8192 tokens, 1.07 GB each, 11.9.

    What is planned larger is taken as it is, what was chosen or begins in places as small as it is.
    """
    engine = build_engine("vllm", max_model_len=8192, kv_cache_memory_bytes=5 * 2**30)
    plan = replace(engine.plan(setup()), cache_chosen=False)
    each = 8192 * 2 * 8 * 128 * 32 * 2
    memory = plan.budget.memory_bytes
    assert served_capacity(plan, 8192) == pytest.approx(0.15 * memory / each, rel=1e-6)
    assert served_capacity(replace(plan, cache_chosen=True), 8192) == pytest.approx(
        5 * 2**30 / each, rel=0.01
    )
    larger = build_engine("vllm", max_model_len=8192, kv_cache_memory_bytes=20 * 2**30).plan(setup())
    assert served_capacity(replace(larger, cache_chosen=False), 8192) == pytest.approx(
        20 * 2**30 / each, rel=0.01
    )
    assert served_capacity(replace(plan, replicas=2), 8192) == pytest.approx(0.3 * memory / each, rel=1e-6)
