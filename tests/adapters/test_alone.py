"""One request on an engine that serves: which measurements answer, and how it meets two."""

from typing import Any

import pytest
from starlette.testclient import TestClient

Json = dict[str, Any]


def asked(client: TestClient, engine: str, gpu: str, model: str, requests: int, **more: Any) -> Json:
    body = {
        "model": {"name": model},
        "hardware": {"gpu": gpu, "count": more.pop("count", 1)},
        "engine": {"name": engine, **more.pop("options", {})},
        "workload": {"input_tokens": 1000, "output_tokens": 200, "concurrency": requests, **more},
    }
    answer: Json = client.post("/api/serving_estimate", json=body).raise_for_status().json()
    return answer


@pytest.mark.parametrize(
    ("engine", "gpu", "model"),
    [
        ("sglang", "h20-96gb-sxm", "qwen3-8b"),
        ("sglang", "h100-80gb-sxm", "qwen3-8b"),
        ("vllm", "a100-80gb-sxm", "qwen2.5-14b"),
        ("vllm", "h100-80gb-sxm", "llama-3.1-8b"),
        ("trtllm", "a100-80gb-sxm", "llama-3.1-8b"),
    ],
)
def test_a_second_request_never_shortens_a_token(
    client: TestClient, engine: str, gpu: str, model: str
) -> None:
    tokens = [asked(client, engine, gpu, model, requests)["tpot_s"] for requests in (1, 2, 3, 8)]
    assert tokens == sorted(tokens)


def test_one_request_rests_on_runs_without_a_client_where_its_chips_have_some(client: TestClient) -> None:
    for gpu, family in (("h100-80gb-sxm", "batch"), ("mi355x", "served")):
        assert asked(client, "sglang", gpu, "qwen3-8b", 1)["basis"]["calibration"] == family
        assert asked(client, "sglang", gpu, "qwen3-8b", 2)["basis"]["calibration"] == "served"


def test_recurrent_states_are_timed_with_a_slot_a_request_and_said_so(client: TestClient) -> None:
    plain = asked(client, "sglang", "h100-80gb-sxm", "nemotron-3-nano-30b-a3b", 40)
    kept = asked(
        client,
        "sglang",
        "h100-80gb-sxm",
        "nemotron-3-nano-30b-a3b",
        40,
        options={"disable_radix_cache": False},
    )
    few = asked(
        client,
        "sglang",
        "h100-80gb-sxm",
        "nemotron-3-nano-30b-a3b",
        40,
        options={"max_running_requests": 8},
    )
    said = [each for each in plain["assumptions"] if each.startswith("engine.disable_radix_cache: ")]
    assert "runs 12 requests at once" in said[0]
    assert any(
        "holds 12 requests" in each and "one slot of recurrent state" in each for each in plain["warnings"]
    )
    assert plain["ttft_s"] < 0.2 * kept["ttft_s"]
    assert plain["ttft_s"] < 0.2 * few["ttft_s"]
    assert not any(each.startswith("engine.disable_radix_cache: ") for each in kept["assumptions"])
