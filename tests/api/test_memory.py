"""``/api/memory_plan`` over HTTP."""

import pytest
from fastapi.testclient import TestClient

from llm_calc.adapters.wire.memory import MEMORY_PLAN_EXAMPLES

BODY = {"model": {"name": "llama-3.1-8b"}, "hardware": {"gpu": "h100-80gb-sxm"}}


def test_the_example_is_answered(client: TestClient) -> None:
    answer = client.post("/api/memory_plan", json=MEMORY_PLAN_EXAMPLES[0])
    assert answer.status_code == 200
    assert answer.json()["fits"] is True


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"model": {"name": "llama-3.1-9b"}}, "llama-3.1-8b"),
        ({"hardware": {"gpu": "h100"}, "surprise": 1}, "surprise"),
        ({"hardware": {"gpu": "h1000"}}, "h100"),
        ({"hardware": {"gpu": "h100-80gb-sxm", "count": 2}, "parallelism": {"tensor": 4}}, "hardware.count"),
        ({"hardware": {"gpu": "h100-80gb-sxm", "count": 3}}, "parallelism: none was given"),
        ({"engine": {"name": "vllm", "n_ctx": 1}}, "n_ctx"),
        ({"engine": {"name": "tgi"}}, "engine"),
        ({"engine": {"name": "vllm", "gpu_memory_utilization": 1.5}}, "gpu_memory_utilization"),
        ({"precision": {"weights": "int5"}}, "precision.weights"),
        ({"precision": {"weights": "q4_k_m"}, "engine": {"name": "trtllm"}}, "GGUF"),
    ],
)
def test_what_cannot_be_right_is_refused_by_name(
    client: TestClient, change: dict[str, object], named: str
) -> None:
    answer = client.post("/api/memory_plan", json=BODY | change)
    assert answer.status_code == 400
    assert named in answer.json()["error"]
