"""Memories below the GPU's in a memory plan: sizes and times by hand, and what is refused."""

from typing import Any

import pytest

import llm_calc
from llm_calc.adapters.wire.memory import MemoryPlanAnswer
from llm_calc.core.errors import CalcError

A_TOKEN = 2 * 32 * 8 * 128 * 2
"""Llama-3.1-8B: keys and values of 32 layers, 8 heads, 128 wide, in two bytes [bytes]."""
MULTIPLIED = 8_030_261_248 - 2 * 128_256 * 4096
"""Its parameters without embedding and head."""
H100_BF16 = 989.4e12
SESSIONS = {"sessions": {"turns": 6}, "input_tokens": 1000, "output_tokens": 200, "concurrency": 16}


def plan(*tiers: dict[str, Any], **parts: Any) -> MemoryPlanAnswer:
    asked: dict[str, Any] = {
        "model": "llama-3.1-8b",
        "hardware": {"gpu": "h100-80gb-sxm", "count": 2},
        "parallelism": {"tensor": 2},
        "engine": "vllm",
        "workload": {"input_tokens": 7000, "output_tokens": 1000, "concurrency": 4},
    }
    return llm_calc.memory_plan(**asked | parts, kv_tiers=list(tiers))


def test_a_tier_is_answered_with_what_it_takes_and_holds() -> None:
    found = plan({"tier": "host", "memory_bytes": 2e11}, {"tier": "disk", "memory_bytes": 1e12})
    host, disk = found.kv_tiers
    assert host.memory_bytes == host.memory_bytes_per_host == 200_000_000_000
    assert host.capacity_tokens == int(2e11 / A_TOKEN)
    assert host.sequences == int(2e11 / A_TOKEN / 8000)
    assert host.read_s_per_token == pytest.approx(A_TOKEN / host.bandwidth_bytes_per_s)
    # PCIe 5.0 x16 of two GPUs: 16 lanes x 32 GT/s x 128 / 130 / 8
    assert host.bandwidth_bytes_per_s == pytest.approx(2 * 16 * 32e9 * 128 / 130 / 8)
    assert host.compute_s_per_token_at_least == pytest.approx(2 * MULTIPLIED / (2 * H100_BF16), rel=1e-3)
    assert host.pays is True
    # PCIe 4.0 x4: 131072 bytes in 16.6 us, where two H100 take 7 at least
    assert disk.read_s_per_token == pytest.approx(A_TOKEN / 7.877e9)
    assert disk.pays is None
    assert any("kv_tiers.host" in words and "it pays" in words for words in found.assumptions)


def test_what_holds_nothing_pays_nothing() -> None:
    """A tier of one byte holds no token; 70.6 * 10^9 parameters in two bytes do not lie in 80 GB."""
    empty = plan({"tier": "host", "memory_bytes": 1})
    assert (empty.kv_tiers[0].capacity_tokens, empty.kv_tiers[0].pays) == (0, False)
    assert any("holds 0 tokens a replica" in words for words in empty.warnings)
    alone: dict[str, Any] = {"hardware": "h100-80gb-sxm", "parallelism": None}
    short = plan(
        {"tier": "host", "memory_bytes": 10**12},
        {"tier": "store", "memory_bytes": 10**12},
        model="llama-3.3-70b",
        **alone,
    )
    assert [each.pays for each in short.kv_tiers] == [False, False]
    assert (
        sum("pays nothing, since the plan holds no request of 8000" in each for each in short.warnings) == 2
    )
    for found in (empty, short):
        assert not any("it pays" in words for words in found.assumptions)


def test_less_than_a_context_is_warned_of_and_not_said_to_pay() -> None:
    less, enough = (plan({"tier": "host", "memory_bytes": A_TOKEN * tokens}) for tokens in (7999, 8000))
    assert less.kv_tiers[0].pays is None
    assert any("7999 tokens a replica, less than one context of 8000" in words for words in less.warnings)
    assert enough.kv_tiers[0].pays is True
    assert not any("kv_tiers" in words for words in enough.warnings)


def test_a_links_peak_is_no_speed_that_reading_reaches() -> None:
    """Computing takes 7.05 us at least: a disk that reads in 5 us pays at its word, a link of that peak not surely."""
    rate = A_TOKEN / 5e-6
    stated = plan({"tier": "disk", "memory_bytes": 1e12, "bandwidth_bytes_per_s": rate})
    assert stated.kv_tiers[0].pays is True
    assert any("read back in 5 us and computed" in words for words in stated.assumptions)
    # 320 KiB over PCIe 4.0 x4: 41.6 us; 70.6e9 parameters less two tables of 128256 x 8192 on two GPUs: 69.2 us
    link = plan({"tier": "disk", "memory_bytes": 1e12}, model="llama-3.3-70b")
    disk = link.kv_tiers[0]
    computed_s = 2 * (70_553_706_496 - 2 * 128_256 * 8192) / (2 * H100_BF16)
    assert disk.compute_s_per_token_at_least == pytest.approx(computed_s, rel=1e-3)
    assert disk.read_s_per_token == pytest.approx(2 * 80 * 8 * 128 * 2 / 7.877e9)
    assert disk.pays is None
    assert any("us at least and computed" in words for words in link.assumptions)


@pytest.mark.parametrize(
    ("parts", "peak"),
    [
        ({"precision": {"weights": "fp8"}, "hardware": {"gpu": "a100-80gb-sxm", "count": 2}}, 312e12),
        ({"precision": {"weights": "fp8"}}, 1978.9e12),
        ({"precision": {"weights": "int4-awq"}}, H100_BF16),
    ],
    ids=["fp8 on a GPU without", "fp8", "int4"],
)
def test_weights_are_computed_with_as_the_gpu_can(parts: dict[str, Any], peak: float) -> None:
    """Dense peaks of NVIDIA's datasheets: A100 312 TFLOP/s in bf16, H100 SXM 989.4 in bf16 and 1978.9 in fp8."""
    tier = plan({"tier": "host", "memory_bytes": 1e11}, **parts).kv_tiers[0]
    assert tier.compute_s_per_token_at_least == pytest.approx(2 * MULTIPLIED / (2 * peak), rel=1e-3)


def test_a_tier_of_no_size_is_twice_the_cache_and_said() -> None:
    found = plan({"tier": "host"})
    assert found.kv_tiers[0].capacity_tokens == pytest.approx(2 * found.kv_cache_tokens, abs=1)
    assert any("twice the KV cache" in words for words in found.assumptions)


def test_replicas_and_hosts_share_a_tier() -> None:
    many = plan(
        {"tier": "host", "memory_bytes": 8e11},
        {"tier": "store", "memory_bytes": 8e11},
        hardware={"gpu": "h100-80gb-sxm", "count": 16},
        parallelism={"tensor": 2, "data": 8},
    )
    host, store = many.kv_tiers
    assert (host.memory_bytes, host.memory_bytes_per_host) == (800_000_000_000, 400_000_000_000)
    assert store.memory_bytes_per_host is None
    assert host.capacity_tokens == pytest.approx(8e11 / A_TOKEN, abs=1)


def test_a_plan_and_an_estimate_say_one_capacity() -> None:
    tier = {"tier": "host", "memory_bytes": 1e11}
    asked: dict[str, Any] = {"model": "llama-3.1-8b", "hardware": "h100-80gb-sxm", "workload": SESSIONS}
    estimated = llm_calc.estimate(**asked, kv_tiers=[tier])
    planned = llm_calc.memory_plan(**asked, kv_tiers=[tier])
    assert estimated.sessions is not None
    there = next(each for each in estimated.sessions.tiers if each.tier == "host")
    here = planned.kv_tiers[0]
    assert here.capacity_tokens == int(there.capacity_tokens)
    assert here.bandwidth_bytes_per_s == pytest.approx(there.bandwidth_bytes_per_s)


def test_a_host_too_small_for_its_tier_is_named() -> None:
    host = {"memory_bytes": 100 << 30}
    hardware = {"gpu": "h100-80gb-sxm", "count": 2, "host": host}
    found = plan({"tier": "host", "memory_bytes": 2e11}, hardware=hardware)
    assert any("kv_tiers.host: takes 200 GB" in each and "stated" in each for each in found.warnings)
    enough = plan({"tier": "host", "memory_bytes": 1e11}, hardware=hardware)
    assert not any("kv_tiers" in each for each in enough.warnings)


@pytest.mark.parametrize(
    ("tiers", "parts", "says"),
    [
        ([{"tier": "disk"}], {}, "size of a local NVMe disk must be given"),
        ([{"tier": "host"}, {"tier": "host"}], {}, "named once"),
        (
            [{"tier": "host"}],
            {"engine": {"name": "vllm", "enable_prefix_caching": False}},
            "keeps no contexts",
        ),
        ([{"tier": "host"}], {"engine": "llama.cpp", "parallelism": {"pipeline": 2}}, "not modelled"),
    ],
)
def test_what_an_estimate_refuses_a_plan_refuses(
    tiers: list[dict[str, Any]], parts: dict[str, Any], says: str
) -> None:
    with pytest.raises(CalcError, match=says):
        plan(*tiers, **parts)


def test_without_tiers_nothing_is_said_of_them() -> None:
    found = plan()
    assert found.kv_tiers == []
    assert "kv_tiers" not in " ".join((*found.assumptions, *found.warnings))
