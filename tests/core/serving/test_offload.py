"""Layers and experts on the host: speed falls with every one of them, and never passes the memory that holds it."""

import statistics
from typing import Any

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.hosts import load_platforms, platform_hosts
from llm_calc.adapters.operations import SERVING_ESTIMATE
from llm_calc.adapters.serving import answer_serving_estimate
from llm_calc.adapters.wire.serving import ServingEstimateAnswer, ServingEstimateRequest
from llm_calc.core.errors import CalcError, UnknownNameError, UnsupportedError
from tools.calibrate.host_runs import host_runs, ratio_of, request_of

GIB = 1 << 30


def estimated(
    model: str, gpu: str, *, weights: str = "q4_k_m", host: Any = None, kv_cache: str = "auto", **engine: Any
) -> ServingEstimateAnswer:
    request = {
        "model": {"name": model},
        "precision": {"weights": weights, "kv_cache": kv_cache},
        "hardware": {"gpu": gpu, "count": 1, "host": host},
        "engine": {"name": "llama.cpp", "n_ctx": 8192, **engine},
        "workload": {"input_tokens": 512, "output_tokens": 128, "concurrency": 1},
    }
    return answer_serving_estimate(ServingEstimateRequest(**request), load_catalogs())


def test_every_layer_on_the_host_makes_it_slower() -> None:
    times = [estimated("qwen2.5-14b", "rtx-3060-12gb", n_gpu_layers=n) for n in (49, 48, 40, 20, 1, 0)]
    tpot, ttft = [each.tpot_s for each in times], [each.ttft_s for each in times]
    assert tpot == sorted(tpot)
    assert ttft == sorted(ttft)


def test_every_layer_of_experts_on_the_host_makes_it_slower() -> None:
    times = [estimated("qwen3-30b-a3b", "rtx-4090", n_cpu_moe=n) for n in (0, 1, 12, 24, 47, 48)]
    assert [each.tpot_s for each in times] == sorted(each.tpot_s for each in times)
    said = estimated("qwen3-30b-a3b", "rtx-4090", cpu_moe=True)
    pattern = estimated("qwen3-30b-a3b", "rtx-4090", override_tensor="exps=CPU")
    assert said.tpot_s == pattern.tpot_s == times[-1].tpot_s


def test_all_layers_on_the_gpu_is_the_gpus_own_answer() -> None:
    whole = estimated("llama-3.1-8b", "rtx-4090", n_gpu_layers=33, host={"platform": "epyc-9004"})
    assert whole.tpot_s == estimated("llama-3.1-8b", "rtx-4090").tpot_s
    assert not any("host" in note and "on the host" in note for note in whole.assumptions)


@pytest.mark.parametrize("platform", [platform.id for platform in load_platforms().platforms])
def test_nothing_is_faster_than_the_memory_that_holds_it(platform: str) -> None:
    answer = estimated(
        "llama-3.1-70b", "rtx-4090", n_gpu_layers=0, host={"platform": platform, "memory_bytes": 256 * GIB}
    )
    read = sum(row.bytes for row in answer.operators if row.phase == "decode" and "host" in row.name)
    assert read > 38e9
    assert answer.tpot_s > read / platform_hosts()[platform].memory_bandwidth_bytes_per_s


def test_the_cache_on_the_host_makes_it_slower() -> None:
    near = estimated("llama-3.1-8b", "rtx-4090")
    far = estimated("llama-3.1-8b", "rtx-4090", no_kv_offload=True)
    assert far.tpot_s > near.tpot_s
    assert far.basis.kind == "formula_only"


def test_a_host_that_is_not_stated_is_named_and_widens_the_range() -> None:
    taken = estimated("qwen2.5-32b", "rtx-4090", n_gpu_layers=0)
    stated = estimated("qwen2.5-32b", "rtx-4090", n_gpu_layers=0, host={"platform": "desktop-ddr5-5600"})
    assert any("hardware.host: how fast it is was not stated" in note for note in taken.assumptions)
    assert taken.tpot_s == stated.tpot_s
    assert taken.interval.tpot_s is not None
    assert stated.interval.tpot_s is not None
    assert taken.interval.tpot_s.high > stated.interval.tpot_s.high
    assert taken.interval.status == stated.interval.status == "uncalibrated"
    assert taken.basis.kind == "formula_only"


def test_a_faster_host_is_faster() -> None:
    slow, fast = (
        estimated("qwen2.5-32b", "rtx-4090", n_gpu_layers=0, host={"memory_bandwidth_bytes_per_s": rate})
        for rate in (50e9, 100e9)
    )
    assert fast.tpot_s < 0.6 * slow.tpot_s


def test_an_unknown_platform_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"desktop-ddr5-5600"):
        estimated("qwen2.5-32b", "rtx-4090", host={"platform": "desktop-ddr5-5601"})


def test_a_host_of_its_own_beside_shared_memory_is_refused() -> None:
    with pytest.raises(CalcError, match=r"gpu_memory_bytes"):
        estimated("llama-3.1-8b", "apple-m4-max", host={"memory_bytes": 64 * GIB})


@pytest.mark.parametrize(
    "row", host_runs(), ids=lambda row: f"{row['model']}-{row['weights']}-{row['options']}"
)
def test_public_runs_lie_in_the_range_of_a_stated_host(row: dict[str, str]) -> None:
    found = SERVING_ESTIMATE.answered(request_of(row), load_catalogs())
    figure, ratio = ratio_of(row)
    metric = "tpot_s" if figure == "time a token" else "ttft_s"
    span = getattr(found.interval, metric)
    assert span is not None
    measured_s = getattr(found, metric) / ratio
    assert span.low <= measured_s <= span.high


def test_runs_that_were_found_afterwards_are_within_a_fifth() -> None:
    ratios = [ratio_of(row)[1] for row in host_runs() if row["role"] == "held out"]
    assert statistics.median(abs(ratio - 1) for ratio in ratios) < 0.2


def test_prompts_are_faster_with_larger_micro_batches_where_weights_are_copied() -> None:
    times = [
        estimated("gpt-oss-120b", "rtx-3090", weights="mxfp4", cpu_moe=True, n_ubatch=n, n_batch=4096).ttft_s
        for n in (128, 512)
    ]
    assert times[1] < times[0]


def test_what_was_said_and_changes_nothing_is_named_beside_the_speed() -> None:
    answer = estimated("qwen3-30b-a3b", "rtx-4090", override_tensor="zzz=CPU")
    assert any("override_tensor changes nothing" in each for each in answer.assumptions)


def test_a_slot_beyond_what_the_model_was_trained_with_is_named() -> None:
    answer = estimated("qwen3-8b", "rtx-4090", n_ctx=65_536, n_parallel=1)
    assert any("capped at the 40960" in each for each in answer.assumptions)


def split_between_two(**engine: Any) -> ServingEstimateAnswer:
    body = {
        "model": {"name": "llama-3.1-70b"},
        "precision": {"weights": "q4_k_m"},
        "hardware": {"gpu": "rtx-3090", "count": 2},
        "engine": {"name": "llama.cpp", "n_ctx": 8192, **engine},
        "workload": {"input_tokens": 512, "output_tokens": 128, "concurrency": 1},
    }
    return answer_serving_estimate(ServingEstimateRequest(**body), load_catalogs())


def test_parts_of_the_layers_are_taken_as_a_list() -> None:
    assert split_between_two(tensor_split=[1, 1]).tpot_s == pytest.approx(split_between_two().tpot_s)


@pytest.mark.parametrize(
    "engine",
    [{"tensor_split": [1.0]}, {"tensor_split": [0, 0]}, {"main_gpu": 2, "split_mode": "none"}],
)
def test_parts_for_other_gpus_are_refused(engine: dict[str, Any]) -> None:
    with pytest.raises(CalcError, match=rf"engine\.{next(iter(engine))}"):
        split_between_two(**engine)


def test_weights_that_vllm_copies_from_the_host_have_no_speed() -> None:
    request = {
        "model": {"name": "llama-3.1-8b"},
        "hardware": {"gpu": "h100-80gb-sxm"},
        "engine": {"name": "vllm", "cpu_offload_gb": 10},
        "workload": {"input_tokens": 512, "output_tokens": 128, "concurrency": 1},
    }
    with pytest.raises(UnsupportedError, match=r"engine\.cpu_offload_gb: .* is not modelled"):
        answer_serving_estimate(ServingEstimateRequest(**request), load_catalogs())
    request["engine"] = {"name": "vllm", "cpu_offload_gb": 0}
    assert answer_serving_estimate(ServingEstimateRequest(**request), load_catalogs()).tpot_s > 0
