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


def way_of(hardware: Any, tensor: int, **further: Any) -> tuple[float, str]:
    """What is said of the way, and the seconds that one prompt's cache takes, by the difference to an endless link."""
    base: dict[str, Any] = {"model": "llama-3.1-70b", "parallelism": {"tensor": tensor}, **further}
    load, part = {**LENGTHS, "concurrency": 1}, base.pop("disaggregated", {})
    found, free = (
        llm_calc.estimate(hardware=hardware, workload=load, disaggregated={**part, **link}, **base)
        for link in ({}, {"link_bytes_per_s": 1e15})
    )
    (words,) = (each for each in found.assumptions if each.startswith("disaggregated: the cache travels at"))
    return found.ttft_s - free.ttft_s, words


@pytest.mark.parametrize(
    ("hardware", "tensor", "bytes_per_s", "name"),
    [
        ("8x h100-80gb-sxm", 4, 450e9, "the GPU's own link"),
        ("16x h100-80gb-sxm", 8, 50e9, "InfiniBand NDR 400G, since 16 GPUs are more than a host's 8"),
        ("32x gb200-186gb", 16, 900e9, "the GPU's own link"),
        ("8x a40", 4, 31.5e9, "PCIe"),
        ("16x l40s", 8, 12.5e9, "100 GbE, since 16"),
    ],
)
def test_caches_travel_over_what_all_gpus_share(
    hardware: str, tensor: int, bytes_per_s: float, name: str
) -> None:
    """NVLink 450 or 900 GB/s, PCIe 4.0 x16 31.5, one 400G adapter a GPU 50, 100 GbE 12.5 (datasheets)."""
    seconds, words = way_of(hardware, tensor)
    assert name in words
    assert seconds == pytest.approx(CACHE_BYTES / (tensor * bytes_per_s), rel=0.01)


def test_hosts_of_other_sizes_and_gpus_of_two_kinds() -> None:
    small = {"gpu": "h100-80gb-sxm", "count": 8, "gpus_per_node": 4}
    assert "InfiniBand NDR 400G, since 8 GPUs are more than a host's 4" in way_of(small, 4)[1]
    decode = {"decode_hardware": {"gpu": "l40s", "count": 8}}
    assert "100 GbE, since 16" in way_of("8x h100-80gb-sxm", 8, disaggregated=decode)[1]
    same = {"decode_hardware": {"gpu": "h100-80gb-sxm", "count": 8}}
    assert "InfiniBand NDR 400G" in way_of("8x h100-80gb-sxm", 8, disaggregated=same)[1]
