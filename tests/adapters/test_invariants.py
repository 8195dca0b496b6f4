"""What has to hold of sessions, sides, drafts and replicas whatever the engine, asked as users ask."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_calc import estimate

ENGINES = ("vllm", "sglang", "trtllm")
OFF: dict[str, dict[str, Any]] = {
    "vllm": {"enable_prefix_caching": False},
    "sglang": {"disable_radix_cache": True},
    "trtllm": {"enable_block_reuse": False},
}
FEW = settings(max_examples=6)
sizes = {"prompt": st.integers(200, 6000), "answer": st.integers(20, 400), "alive": st.integers(1, 12)}


def asked(engine: str, workload: dict[str, Any], **further: Any) -> Any:
    part = {"name": engine, **further.pop("options", {})}
    fields = {"model": "llama-3.1-8b", "hardware": "h100-80gb-sxm", **further}
    return estimate(engine=part, workload=workload, **fields)


@pytest.mark.parametrize("engine", ENGINES)
@given(**sizes)
@FEW
def test_sessions_of_one_turn_are_the_closed_loop(engine: str, prompt: int, answer: int, alive: int) -> None:
    load = {"input_tokens": prompt, "output_tokens": answer, "concurrency": alive}
    plain, turn = asked(engine, load), asked(engine, {**load, "sessions": {"turns": 1}})
    for name in ("ttft_s", "tpot_s", "request_latency_s", "output_tokens_per_s"):
        assert getattr(turn, name) == getattr(plain, name), name


@pytest.mark.parametrize("engine", ENGINES)
@given(prompt=st.integers(200, 3000), answer=st.integers(20, 300), turns=st.integers(2, 6))
@FEW
def test_hits_are_none_without_a_cache_and_all_but_what_is_new_with_room(
    engine: str, prompt: int, answer: int, turns: int
) -> None:
    load = {"input_tokens": prompt, "output_tokens": answer, "concurrency": 2, "sessions": {"turns": turns}}
    found = asked(engine, load).sessions
    # an engine may keep whole blocks alone, of 64 tokens at most: a block less of each later turn
    lost = (turns - 1) / turns * 64 / found.prompt_tokens
    assert found.most_hit_fraction - lost - 0.02 <= found.hit_fraction <= found.most_hit_fraction
    assert asked(engine, load, options=OFF[engine]).sessions.hit_fraction == 0


@pytest.mark.parametrize("engine", ENGINES)
@given(gib=st.floats(1, 200), more=st.floats(1, 8), alive=st.integers(20, 80))
@FEW
def test_more_memory_below_the_gpu_never_finds_less(engine: str, gib: float, more: float, alive: int) -> None:
    load = {
        "input_tokens": 4000,
        "output_tokens": 200,
        "concurrency": alive,
        "sessions": {"turns": 5, "think_s": 20.0},
    }
    hits = [
        asked(engine, load, kv_tiers=[{"tier": "host", "memory_bytes": size * 2**30}]).sessions.hit_fraction
        for size in (gib, gib * more)
    ]
    # a run of some hundred turns tells hit rates within 2 points: shorter times move who comes first
    assert hits[1] >= hits[0] - 0.02


@pytest.mark.parametrize("engine", ENGINES)
@given(**sizes, prefills=st.integers(1, 3), decodes=st.integers(1, 3))
@FEW
def test_with_a_free_link_both_sides_bound_what_is_served(
    engine: str, prompt: int, answer: int, alive: int, prefills: int, decodes: int
) -> None:
    """One side alone: the other a hundred times as many."""

    def served(first: int, second: int) -> float:
        part = {"prefill_replicas": first, "decode_replicas": second, "link_bytes_per_s": 1e15}
        found = asked(
            engine,
            {"input_tokens": prompt, "output_tokens": answer, "concurrency": 16 * alive},
            hardware={"gpu": "h100-80gb-sxm", "count": first + second},
            parallelism={"tensor": 1},
            disaggregated=part,
        )
        return float(found.requests_per_s)

    both = served(prefills, decodes)
    assert both <= served(prefills, 100 * decodes) * (1 + 1e-6)
    assert both <= served(100 * prefills, decodes) * (1 + 1e-6)


@pytest.mark.parametrize("engine", ENGINES)
@given(**sizes, tokens=st.integers(1, 6))
@FEW
def test_a_draft_of_which_nothing_is_accepted_is_never_faster(
    engine: str, prompt: int, answer: int, alive: int, tokens: int
) -> None:
    load = {"input_tokens": prompt, "output_tokens": answer, "concurrency": alive}
    part = {"method": "eagle3", "draft_tokens": tokens, "acceptance_fraction": 0.0}
    plain, drafted = asked(engine, load), asked(engine, load, speculative=part)
    assert drafted.tpot_s >= plain.tpot_s * (1 - 1e-9)
    assert drafted.output_tokens_per_s <= plain.output_tokens_per_s * (1 + 1e-9)


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
@given(
    prompt=st.integers(200, 6000),
    answer=st.integers(20, 400),
    each=st.integers(1, 8),
    replicas=st.sampled_from([2, 4, 8]),
)
@FEW
def test_replicas_at_as_many_prompts_wait_no_longer_than_one_with_one(
    engine: str, prompt: int, answer: int, each: int, replicas: int
) -> None:
    load = {"input_tokens": prompt, "output_tokens": answer}
    one = asked(engine, {**load, "concurrency": each})
    many = asked(
        engine,
        {**load, "concurrency": each * replicas},
        hardware={"gpu": "h100-80gb-sxm", "count": replicas},
        parallelism={"data": replicas},
    )
    assert many.ttft_s <= one.ttft_s * (1 + 1e-9)
    assert many.tpot_s <= one.tpot_s * (1 + 1e-9)


LENGTHS = (
    400,
    {"distribution": "lognormal", "mean": 900, "std": 900},
    {"distribution": "uniform", "min": 50, "max": 3000},
)
PARTS: tuple[dict[str, Any], ...] = (
    {},
    {"kv_tiers": [{"tier": "host"}]},
    {"kv_tiers": [{"tier": "host", "memory_bytes": 4e9}, {"tier": "disk", "memory_bytes": 1e12}]},
    {"speculative": {"method": "ngram", "draft_tokens": 2}},
)


@pytest.mark.parametrize("engine", ENGINES)
@given(
    prompt=st.sampled_from(LENGTHS),
    answer=st.sampled_from(LENGTHS),
    turns=st.integers(2, 12),
    shared=st.sampled_from([0, 40]),
    load=st.sampled_from(
        [{"concurrency": 3}, {"concurrency": 60}, {"session_rate": 0.02}, {"session_rate": 2.0}]
    ),
    part=st.sampled_from(PARTS),
)
@settings(max_examples=12)
def test_no_part_of_an_answer_is_above_its_whole(
    engine: str, prompt: Any, answer: Any, turns: int, shared: int, load: dict[str, Any], part: dict[str, Any]
) -> None:
    sessions = {"turns": turns, "think_s": 3.0, "growth_tokens": 200, "shared_prefix_tokens": shared}
    if engine == "trtllm":
        part = {name: value for name, value in part.items() if name != "kv_tiers"}
    found = asked(
        engine, {"input_tokens": prompt, "output_tokens": answer, "sessions": sessions, **load}, **part
    )
    kept = found.sessions
    # answers are rounded to twelve digits at least
    assert 0 <= kept.hit_fraction <= kept.most_hit_fraction * (1 + 1e-9) <= 1
    assert sum(each.hit_fraction for each in kept.tiers) == pytest.approx(kept.hit_fraction)
    assert 0 <= kept.new_tokens <= kept.prompt_tokens
    assert kept.kept_tokens <= kept.tiers[0].capacity_tokens
    for name in ("ttft_s", "tpot_s", "request_latency_s"):
        ladder = list(getattr(found.percentiles, name).model_dump().values())
        assert ladder == sorted(ladder)
    assert found.request_latency_s >= found.ttft_s
    turned = sorted((kept.first_turn_ttft_s, kept.later_turns_ttft_s))
    assert turned[0] * (1 - 1e-9) <= found.ttft_s <= turned[1] * (1 + 1e-9)


def test_a_stated_share_above_what_prompts_have_in_common_is_named() -> None:
    load = {"input_tokens": 1000, "output_tokens": 100, "concurrency": 2, "sessions": {"turns": 2}}
    words = "workload.prefix_cache_hit_fraction: 0.9 is more than the"
    for stated, said in ((0.9, True), (0.1, False)):
        found = asked("vllm", {**load, "prefix_cache_hit_fraction": stated})
        assert any(each.startswith(words) for each in found.warnings) is said
