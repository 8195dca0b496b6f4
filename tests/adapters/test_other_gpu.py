"""Of the GPUs that are tried for a recommendation those are left out that cannot hold the weights, and no others."""

from dataclasses import replace
from typing import Any

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.memory_plan import answer_memory_plan, planned_memory
from llm_calc.adapters.operations import MEMORY_PLAN
from llm_calc.adapters.other_gpu import never_whole, too_small
from llm_calc.adapters.wire.memory import MemoryPlanRequest
from llm_calc.core.advice.memory import holds
from llm_calc.core.engines.llama_cpp import LlamaCpp

ENGINES: list[dict[str, Any]] = [
    {},
    {"n_gpu_layers": 999},
    {"n_gpu_layers": 20},
    {"n_gpu_layers": 999, "n_cpu_moe": 12},
    {"n_gpu_layers": 999, "fit": False},
]


@pytest.mark.repeats  # many plans of the same lines
@pytest.mark.parametrize("options", ENGINES, ids=str)
@pytest.mark.parametrize("model", ["qwen3-30b-a3b", "llama-3.1-70b"])
def test_what_is_left_out_is_held_by_no_plan(model: str, options: dict[str, Any]) -> None:
    """Every kind of GPU, one to four of them: of each that is left out a plan says so as well."""
    catalogs = load_catalogs()
    request = MemoryPlanRequest.model_validate(
        {
            "model": {"name": model},
            "hardware": {"gpu": "rtx-4090"},
            "engine": {"name": "llama.cpp", "n_ctx": 4096, **options},
        }
    )
    planned, left = planned_memory(request, catalogs), 0
    setup, engine = planned.subject.setup, planned.engine
    assert isinstance(engine, LlamaCpp)
    for gpu in catalogs.gpus:
        for count in (1, 2, 4):
            tried = replace(setup, gpu=gpu, layout=replace(setup.layout, pipeline=count))
            if not too_small(tried, engine):
                continue
            left += 1
            said = options.get("n_gpu_layers") is not None
            whole = said or engine.loading(tried).is_whole(setup.model.num_layers)
            assert not (whole and holds(tried, engine, planned.asked)), gpu.id
    assert (left > 20) == (options.get("n_gpu_layers") != 20)


@pytest.mark.parametrize(
    "options", [{"n_cpu_moe": 4}, {"cpu_moe": True}, {"override_tensor": "ffn_up=CPU"}], ids=str
)
def test_what_keeps_tensors_with_the_host_is_whole_on_no_gpu(options: dict[str, Any]) -> None:
    catalogs = load_catalogs()
    request = MemoryPlanRequest.model_validate(
        {
            "model": {"name": "qwen3-30b-a3b"},
            "hardware": {"gpu": "b300-288gb-sxm"},
            "engine": {"name": "llama.cpp", "n_ctx": 4096, **options},
        }
    )
    planned = planned_memory(request, catalogs)
    setup, engine = planned.subject.setup, planned.engine
    assert isinstance(engine, LlamaCpp)
    assert never_whole(setup, engine)
    for count in (1, 2, 4):
        tried = replace(setup, layout=replace(setup.layout, pipeline=count))
        assert not engine.loading(tried).is_whole(setup.model.num_layers)


def recommended(model: str, gpu: dict[str, Any], weights: str = "q4_k_m") -> str | None:
    body = {
        "model": {"name": model},
        "hardware": gpu,
        "precision": {"weights": weights},
        "engine": {"name": "llama.cpp", "n_ctx": 8192},
    }
    found = MEMORY_PLAN.answered(body, load_catalogs())
    return (
        None
        if found.recommended_gpu is None
        else f"{found.recommended_gpu.count} {found.recommended_gpu.gpu}"
    )


@pytest.mark.parametrize(
    ("model", "gpu", "named"),
    [
        # 40 GiB of weights: the next size sold (48) leaves the GPU 36 GiB, the one after that (64) 48.
        ("llama-3.3-70b", {"gpu": "apple-m4-max-36gb"}, "1 apple-m4-max-64gb"),
        ("llama-3.3-70b", {"gpu": "apple-m4-max", "gpu_memory_bytes": 48 << 30}, "1 apple-m4-max-64gb"),
        # 17.3 GiB of weights, and 16 of 24 GB are the GPU's: of this chip 32 GB is the next.
        ("qwen3-30b-a3b", {"gpu": "apple-m4-16gb"}, "1 apple-m4-32gb"),
        # 376 GiB: no size of the chip holds them, one of another does.
        ("deepseek-v3", {"gpu": "apple-m4-max-64gb"}, "1 apple-m3-ultra-512gb"),
        # 133 GiB: no machine of the kind has as much, and two of them are no machine.
        ("qwen3-235b-a22b", {"gpu": "strix-halo-64gb"}, None),
    ],
)
def test_a_machine_that_is_too_small_is_told_of_a_size_that_is_sold(
    model: str, gpu: dict[str, Any], named: str | None
) -> None:
    assert recommended(model, gpu) == named


def test_a_size_that_is_named_holds_it() -> None:
    body = {
        "model": {"name": "llama-3.3-70b"},
        "hardware": {"gpu": "apple-m4-max-64gb"},
        "precision": {"weights": "q4_k_m"},
        "engine": {"name": "llama.cpp", "n_ctx": 8192, "n_gpu_layers": 999},
    }
    assert MEMORY_PLAN.answered(body, load_catalogs()).fits
    too_small = {**body, "hardware": {"gpu": "apple-m4-max-48gb"}}
    assert not MEMORY_PLAN.answered(too_small, load_catalogs()).fits


def test_a_gpu_that_does_not_run_the_weights_is_passed_over() -> None:
    """TensorRT-LLM runs int8 on no Blackwell card (its support matrix), of which the RTX 5070 would hold them."""
    body = {
        "model": {"name": "llama2-7b"},
        "hardware": {"gpu": "h100-80gb-sxm"},
        "precision": {"weights": "int8"},
        "engine": {"name": "trtllm"},
    }
    catalogs = load_catalogs()
    found = answer_memory_plan(MemoryPlanRequest.model_validate(body), catalogs).recommended_gpu
    assert found is not None
    assert not (catalogs.gpu(found.gpu).compute_capability or "").startswith(("10.", "12."))
    other = {**body, "hardware": {"gpu": found.gpu, "count": found.count}}
    assert answer_memory_plan(MemoryPlanRequest.model_validate(other), catalogs).fits
