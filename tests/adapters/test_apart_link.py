"""Prefill and decode apart: the link between them is a server of its own, under every kind of load."""

from itertools import pairwise
from typing import Any

import pytest

import llm_calc
from llm_calc.adapters.wire.serving import ServingEstimateAnswer

LENGTHS: dict[str, Any] = {"input_tokens": 8000, "output_tokens": 200}
CACHE_BYTES = 8000 * 2 * 80 * 8 * 128 * 2
"""Keys and values of 80 layers, 8 heads of 128 elements of two bytes."""
LOADS: list[dict[str, Any]] = [
    {**LENGTHS, "offline": True},
    {**LENGTHS, "concurrency": 64},
    {**LENGTHS, "batch": 100},
    {**LENGTHS, "request_rate": 3.0},
]
SESSIONS: list[dict[str, Any]] = [
    {**LENGTHS, "concurrency": 64, "sessions": {"turns": 3}},
    {**LENGTHS, "session_rate": 1.0, "sessions": {"turns": 3}},
]


def asked(workload: dict[str, Any], link: float, **part: int) -> ServingEstimateAnswer:
    replicas = part.get("prefill_replicas", 1) + part.get("decode_replicas", 1)
    return llm_calc.estimate(
        model="llama-3.1-70b",
        hardware=f"{8 * replicas}x h100-80gb-sxm",
        parallelism={"tensor": 8},
        disaggregated={"link_bytes_per_s": link, **part},
        workload=workload,
    )


def named(found: ServingEstimateAnswer) -> list[str]:
    return [each for each in found.warnings if each.startswith("disaggregated.link_bytes_per_s: ")]


@pytest.mark.parametrize("load", LOADS)
def test_no_load_gets_more_caches_over_the_link_than_it_carries(load: dict[str, Any]) -> None:
    """Eight GPUs send 15.6e6 bytes a second each: one cache of 2.6 GB in 21 s."""
    most = 8 * 15.6e6 / CACHE_BYTES
    found = asked(load, 15.6e6)
    assert found.requests_per_s == pytest.approx(
        most, rel=0.01
    )  # a batch has a first prompt and a last answer
    assert found.requests_per_s <= most * (1 + 1e-6)
    (words,) = named(found)
    assert f"at most {most:.3g} requests a second" in words
    assert "2.62 GB a prompt" in words


@pytest.mark.parametrize("load", SESSIONS)
def test_sessions_send_the_caches_of_all_their_turns(load: dict[str, Any]) -> None:
    found = asked(load, 15.6e6)
    assert found.sessions is not None
    most = 8 * 15.6e6 / (CACHE_BYTES / 8000 * found.sessions.prompt_tokens)
    assert found.requests_per_s == pytest.approx(most, rel=0.02)
    assert named(found)


@pytest.mark.parametrize("load", [*LOADS, *SESSIONS])
def test_a_faster_link_never_serves_less_and_a_free_one_is_not_spoken_of(load: dict[str, Any]) -> None:
    found = [asked(load, link) for link in (1e7, 1e8, 1e9, 1e10, 1e12, 1e15)]
    rates = [each.requests_per_s for each in found]
    # Runs of requests in other order differ by a few in a thousand.
    assert all(later >= earlier * 0.995 for earlier, later in pairwise(rates))
    assert named(found[0])
    assert not named(found[-1])


def test_each_replica_has_links_of_its_own_and_the_side_with_fewer_bounds() -> None:
    load = LOADS[0]
    one = asked(load, 15.6e6).requests_per_s
    assert asked(load, 15.6e6, prefill_replicas=3).requests_per_s == pytest.approx(one)
    assert asked(load, 15.6e6, decode_replicas=3).requests_per_s == pytest.approx(one)
    both = asked(load, 15.6e6, prefill_replicas=2, decode_replicas=3)
    assert both.requests_per_s == pytest.approx(2 * one)
