"""Operators of a step, each named once."""

from typing import Any

import pytest

import llm_calc
from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.wire.serving import ServingEstimateAnswer


def test_layers_of_two_kinds_share_the_names_of_their_matrices() -> None:
    """gpt-oss-20b has 12 layers with a window and 12 without: 24 gate matrices of 32 experts, 4 of them for a token.

    24 x 4 x 2880 x 2880 elements at 4.25 bits = 423 MB; activations of one token add less than one percent.
    """
    found = llm_calc.estimate(model="gpt-oss-20b", hardware="h100-80gb-sxm")
    decode = [row for row in found.operators if row.phase == "decode"]
    assert len({row.name for row in decode}) == len(decode)
    gate = next(row for row in decode if row.name == "experts gate_proj")
    assert gate.bytes == pytest.approx(24 * 4 * 2880 * 2880 * 4.25 / 8, rel=0.01)


def seconds(found: ServingEstimateAnswer, phase: str) -> float:
    return sum(row.seconds for row in found.operators if row.phase == phase)


DEPLOYMENTS: list[dict[str, Any]] = [
    {"model": "llama-3.1-8b", "hardware": "h100", "engine": "sglang"},
    {"model": "llama-3.1-8b", "hardware": "h100", "engine": "trtllm"},
    {"model": "gpt-oss-20b", "hardware": "rtx-4090", "engine": "vllm"},
    {"model": "llama-3.1-8b", "hardware": "rtx-4090", "engine": "llama.cpp", "precision": "q4_k_m"},
    {"model": "qwen3-30b-a3b", "hardware": "rtx-3060-12gb", "engine": "llama.cpp", "precision": "q4_k_m"},
    {
        "model": "llama-3.1-70b",
        "hardware": {"gpu": "h100", "count": 8},
        "parallelism": {"tensor": 4, "pipeline": 2},
    },
    {"model": "deepseek-v3", "hardware": {"gpu": "h200", "count": 8}, "engine": "sglang"},
]


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
@pytest.mark.parametrize("load", [{}, {"batch": 1}])
def test_the_parts_of_a_step_that_nothing_interrupts_add_up_to_the_time_a_token(
    deployment: dict[str, Any], load: dict[str, int]
) -> None:
    found = llm_calc.estimate(**deployment, workload={"input_tokens": 1024, "output_tokens": 256, **load})
    assert seconds(found, "decode") == pytest.approx(found.tpot_s)
    assert seconds(found, "prefill") <= found.ttft_s * (1 + 1e-9)  # a sum of floats
    if deployment.get("engine") == "llama.cpp" or load:
        assert seconds(found, "prefill") == pytest.approx(found.ttft_s)  # no server stands before it


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
@pytest.mark.parametrize(
    "load", [{"concurrency": 16}, {"batch": 4}, {"request_rate": 0.5}, {"offline": True}]
)
def test_no_parts_exceed_the_times_that_they_are_parts_of(
    deployment: dict[str, Any], load: dict[str, Any]
) -> None:
    found = llm_calc.estimate(**deployment, workload={"input_tokens": 1024, "output_tokens": 256, **load})
    assert 0 < seconds(found, "decode") <= found.tpot_s * (1 + 1e-9)
    assert 0 < seconds(found, "prefill") <= found.ttft_s * (1 + 1e-9)


@pytest.mark.parametrize("deployment", [each for each in DEPLOYMENTS if isinstance(each["hardware"], str)])
def test_no_operator_is_faster_than_the_memory(deployment: dict[str, Any]) -> None:
    """Bytes that a step reads, at the bandwidth that the datasheet says."""
    found = llm_calc.estimate(**deployment, workload={"input_tokens": 1024, "output_tokens": 256})
    gpu = load_catalogs().gpu(deployment["hardware"])
    for row in found.operators:
        if row.phase == "decode" and "host" not in row.name:
            assert row.bytes <= row.seconds * gpu.memory_bandwidth_bytes_per_s
