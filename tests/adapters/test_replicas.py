"""Data parallelism of dense models: replicas that never meet, each as if it were the only one.

Groups of a mixture of experts are one server (``test_groups_of_mixtures``).
"""

from typing import Any

import pytest
from starlette.testclient import TestClient

from llm_calc.core.parallelism import Layout, one_replica
from llm_calc.core.serving.calibrated import layout_key

Json = dict[str, Any]
Stack = tuple[str, str, str, str | None, int]
STACKS: list[Stack] = [
    ("vllm", "h100-80gb-sxm", "qwen3-32b", "fp8", 2),
    ("vllm", "h200-141gb-sxm", "llama-3.1-8b", None, 1),
    ("vllm", "h100-80gb-sxm", "llama-3.1-70b", "fp8", 2),
    ("vllm", "b200-180gb-sxm", "qwen3-32b", "fp8", 1),
    ("sglang", "h200-141gb-sxm", "llama-3.1-8b", "fp8", 1),
    ("sglang", "h100-80gb-sxm", "qwen3-32b", None, 4),
    ("trtllm", "h100-80gb-sxm", "llama-3.1-8b", "fp8", 2),
    ("trtllm", "b200-180gb-sxm", "llama-3.1-70b", "nvfp4", 1),
    ("generic", "a100-80gb-sxm", "llama-3.1-8b", None, 1),
]
LOADS = ({"concurrency": 16}, {"concurrency": 1}, {"batch": 8}, {"offline": True}, {"request_rate": 1.0})
AMOUNTS = ("concurrency", "batch", "request_rate")


def asked(client: TestClient, stack: Stack, data: int, load: Json) -> Json:
    engine, gpu, model, weights, tensor = stack
    body = {
        "model": {"name": model},
        "precision": {"weights": weights} if weights else {},
        "hardware": {"gpu": gpu, "count": tensor * data},
        "parallelism": {"tensor": tensor, "data": data},
        "engine": {"name": engine},
        "workload": {"input_tokens": 1024, "output_tokens": 512, **load},
    }
    answer: Json = client.post("/api/serving_estimate", json=body).raise_for_status().json()
    return answer


def times_of(load: Json, replicas: int) -> Json:
    return {name: value * replicas if name in AMOUNTS else value for name, value in load.items()}


@pytest.mark.parametrize("load", LOADS, ids=lambda load: next(iter(load)) + str(next(iter(load.values()))))
@pytest.mark.parametrize("stack", STACKS, ids=lambda stack: "-".join(map(str, stack)))
def test_replicas_at_equal_loads_are_one_as_often(client: TestClient, stack: Stack, load: Json) -> None:
    """Answers have four figures, so that twice a rounded one may differ by one in the last."""
    one, replicas = asked(client, stack, 1, load), 2
    several = asked(client, stack, replicas, times_of(load, replicas))
    assert (several["tpot_s"], several["ttft_s"]) == (one["tpot_s"], one["ttft_s"])
    for rate in ("output_tokens_per_s", "requests_per_s"):
        assert several[rate] == pytest.approx(replicas * one[rate], rel=1e-3), rate


@pytest.mark.parametrize(("requests", "fullest"), [(5, 3), (7, 4), (4, 2)])
def test_of_a_batch_that_does_not_divide_the_fullest_replica_is_timed(
    client: TestClient, requests: int, fullest: int
) -> None:
    """Five requests on two replicas are three and two: times are those of three on one, rates 5/3 of its."""
    stack = STACKS[1]
    one, both = (
        asked(client, stack, data, {"batch": count}) for data, count in ((1, fullest), (2, requests))
    )
    assert (both["tpot_s"], both["ttft_s"]) == (one["tpot_s"], one["ttft_s"])
    assert both["requests_per_s"] == pytest.approx(requests / fullest * one["requests_per_s"], rel=1e-3)


@pytest.mark.parametrize(("requests", "fullest"), [(5, 3), (7, 4), (3, 2)])
def test_of_a_loop_that_does_not_divide_replicas_serve_what_each_does_alone(
    client: TestClient, requests: int, fullest: int
) -> None:
    """Five requests on two replicas are three on one and two on the other."""
    more, fewer = (asked(client, STACKS[1], 1, {"concurrency": count}) for count in (fullest, fullest - 1))
    both = asked(client, STACKS[1], 2, {"concurrency": requests})
    assert both["requests_per_s"] == pytest.approx(more["requests_per_s"] + fewer["requests_per_s"], rel=1e-3)
    assert fewer["tpot_s"] <= both["tpot_s"] <= more["tpot_s"]


@pytest.mark.parametrize(
    ("layout", "one", "replicas"),
    [
        (Layout(tensor=2, data=2), Layout(tensor=2), 2),
        (Layout(tensor=1, data=4), Layout(), 4),
        (Layout(tensor=1, data=4, expert=4), Layout(data=4, expert=4), 1),
        (Layout(tensor=2, pipeline=2), Layout(tensor=2, pipeline=2), 1),
        (Layout(data=4, shared=True), Layout(data=4, shared=True), 1),
        (Layout(tensor=4, data=2, expert=4, shared=False), Layout(tensor=4, expert=4, shared=False), 2),
    ],
)
def test_measured_layouts_are_told_by_their_replica(layout: Layout, one: Layout, replicas: int) -> None:
    assert one_replica(layout) == (one, replicas)
    assert layout_key("stack", layout) == layout_key("stack", one)
    assert layout_key("stack", layout).endswith(f"/{one.tensor}.{one.pipeline}.{one.data}.{one.expert}")
