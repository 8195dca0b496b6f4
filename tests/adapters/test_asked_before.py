"""Equal questions have equal answers, whatever was asked before: what is kept is a matter of time alone."""

from typing import Any

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.operation import Operation
from llm_calc.adapters.operations import DEPLOYMENT_PLANS, MEMORY_PLAN, RECOMMEND_GPUS, SERVING_ESTIMATE

LLAMA: dict[str, Any] = {"model": {"name": "llama-3.1-8b"}, "hardware": {"gpu": "h100-80gb-sxm"}}
EXPERTS: dict[str, Any] = {
    "model": {"name": "qwen3-30b-a3b"},
    "hardware": {"gpu": "h100-80gb-sxm", "count": 2},
    "parallelism": {"tensor": 2},
}
LENGTHS = {"input_tokens": 700, "output_tokens": 90}
QUESTIONS: list[tuple[Operation[Any, Any], dict[str, Any]]] = [
    (SERVING_ESTIMATE, {**LLAMA, "engine": {"name": "vllm"}, "workload": {**LENGTHS, "concurrency": 48}}),
    (SERVING_ESTIMATE, {**LLAMA, "engine": {"name": "sglang"}, "workload": {**LENGTHS, "request_rate": 2.5}}),
    (SERVING_ESTIMATE, {**EXPERTS, "engine": {"name": "trtllm"}, "workload": {**LENGTHS, "batch": 1}}),
    (SERVING_ESTIMATE, {**EXPERTS, "engine": {"name": "vllm"}, "workload": {**LENGTHS, "concurrency": 300}}),
    (MEMORY_PLAN, {**LLAMA, "engine": {"name": "llama.cpp"}, "workload": {**LENGTHS, "concurrency": 9}}),
    (MEMORY_PLAN, {**EXPERTS, "engine": {"name": "vllm"}, "workload": {**LENGTHS, "concurrency": 9}}),
    (
        DEPLOYMENT_PLANS,
        {
            "model": {"name": "llama-3.1-8b"},
            "gpus": ["h100-80gb-sxm", "l40s"],
            "workload": {**LENGTHS, "request_rate": 3.0},
            "limits": {"ttft_s": 1.0, "tpot_s": 0.05},
        },
    ),
    (RECOMMEND_GPUS, {"model": {"name": "qwen3-30b-a3b"}, "gpus": ["h100-80gb-sxm", "rtx-4090"]}),
]
OTHERS = 80
"""More loads and deployments than any cache of them keeps (64)."""


def answers(questions: list[tuple[Operation[Any, Any], dict[str, Any]]]) -> list[str]:
    catalogs = load_catalogs()
    return [operation.answered(body, catalogs).model_dump_json() for operation, body in questions]


@pytest.mark.repeats  # many estimates of the same lines
def test_answers_do_not_depend_on_what_was_asked_before() -> None:
    """In order, then backwards behind so many other questions that nothing of the first is kept, then once more."""
    first = answers(QUESTIONS)
    catalogs = load_catalogs()
    for number in range(OTHERS):
        load = {"input_tokens": 200 + number, "output_tokens": 40, "concurrency": 2 + number}
        kind = EXPERTS if number % 2 else LLAMA
        memory = {"gpu_memory_bytes": (64 << 30) + (number << 20)}
        hardware = {**kind["hardware"], **memory}
        SERVING_ESTIMATE.answered(
            {**kind, "hardware": hardware, "engine": {"name": "vllm"}, "workload": load}, catalogs
        )
    backwards = answers(QUESTIONS[::-1])[::-1]
    assert backwards == first
    assert answers(QUESTIONS) == first
