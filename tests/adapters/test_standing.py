"""What is kept of deployments: equal questions share it, and no answer differs for it."""

from typing import Any

from llm_calc.adapters import engines, served, setup, standing
from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.serving import answer_serving_estimate, place_request
from llm_calc.adapters.wire.parts import HardwarePart, ModelPart, PrecisionPart
from llm_calc.adapters.wire.serving import ServingEstimateRequest
from llm_calc.core.errors import CalcError

CATALOGS = load_catalogs()
BASE: dict[str, Any] = {
    "model": {"name": "llama-3.1-70b"},
    "precision": {"weights": "fp8"},
    "hardware": {"gpu": "h100-80gb-sxm", "count": 4},
    "engine": {"name": "vllm"},
    "workload": {"input_tokens": 1000, "output_tokens": 200, "concurrency": 8},
}
OTHERS: tuple[dict[str, Any], ...] = (
    {},
    {"workload": {"input_tokens": 3000, "output_tokens": 200, "concurrency": 8}},
    {"workload": {"input_tokens": 1000, "output_tokens": 200, "request_rate": 2.0}},
    {"workload": {"input_tokens": 1000, "output_tokens": 200, "batch": 1}},
    {"engine": {"name": "vllm", "gpu_memory_utilization": 0.8}},
    {"engine": {"name": "sglang"}},
    {"precision": {"weights": "bf16"}},
    {"precision": {"weights": "fp8", "kv_cache": "bf16"}},
    {"hardware": {"gpu": "h200-141gb-sxm", "count": 4}},
    {"hardware": {"gpu": "h100-80gb-sxm", "count": 4, "gpus_per_node": 2}},
    {"hardware": {"gpu": "h100-80gb-sxm", "count": 4, "gpus_per_node": 8}},
    {"parallelism": {"tensor": 2, "pipeline": 2}},
    {"speculative": {"method": "ngram", "acceptance_fraction": 0.6}},
    {"model": {"name": "llama-3.1-8b"}, "hardware": {"gpu": "m4-max"}, "engine": {"name": "llama.cpp"}},
)
KEPT = (setup._kept_subject, standing._kept, engines._kept_engine, served.with_served_cache)


def request_of(changed: dict[str, Any]) -> ServingEstimateRequest:
    return ServingEstimateRequest.model_validate(BASE | changed)


def told(changed: dict[str, Any]) -> str:
    """The answer, or why there is none."""
    try:
        return answer_serving_estimate(request_of(changed), CATALOGS).model_dump_json()
    except CalcError as error:
        return error.message


def forget() -> None:
    for each in KEPT:
        each.cache_clear()


def test_answers_are_those_of_a_process_that_was_never_asked() -> None:
    """Every question after all others, and the first after each of them."""
    fresh = []
    for changed in OTHERS:
        forget()
        fresh.append(told(changed))
    assert len(set(fresh)) >= len(OTHERS) - 1  # a node of eight GPUs is what is taken anyway
    forget()
    for _ in range(2):
        assert [told(changed) for changed in OTHERS] == fresh
    assert [told(changed) for changed in reversed(OTHERS)] == fresh[::-1]


def test_loads_of_one_deployment_share_its_plan_and_its_work() -> None:
    forget()
    first, other = (place_request(request_of(OTHERS[place]), CATALOGS) for place in (0, 1))
    assert first.plan is other.plan
    assert first.operators is other.operators
    assert first.subject is other.subject
    alone = place_request(request_of(OTHERS[3]), CATALOGS)
    # A batch meets no others, so that its work is timed at other rates.
    assert alone.offload is not first.offload


def test_a_configuration_is_read_anew() -> None:
    forget()
    config = CATALOGS.model("llama-3.1-8b").config
    told({"model": {"hf_config": config}})
    assert setup._kept_subject.cache_info().currsize == 0


def test_what_is_stated_is_told_apart_from_what_is_taken() -> None:
    """Equal hardware, of which one request says how many GPUs a node has."""
    forget()
    parts = {"model": ModelPart(name="llama-3.1-8b"), "precision": PrecisionPart(), "engine": "vllm"}
    for stated in ({}, {"gpus_per_node": 8}, {}):
        hardware = HardwarePart(gpu="l40s", count=2, **stated)
        setup.resolve_setup(CATALOGS, hardware=hardware, parallelism=None, **parts)  # type: ignore[arg-type]
    assert setup._kept_subject.cache_info()[:2] == (1, 2)
