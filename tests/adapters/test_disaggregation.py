"""Prefill and decode apart: every kind of load, sides of their own, and what bounds them."""

import json
from typing import Any

import pytest

import llm_calc
from llm_calc.adapters.wire.serving import ServingEstimateAnswer
from llm_calc.core.errors import InvalidInputError, UnsupportedError

LENGTHS: dict[str, Any] = {"input_tokens": 2000, "output_tokens": 300}
NO_PREFIXES = {"name": "vllm", "enable_prefix_caching": False}
DRAWN = {"distribution": "lognormal", "mean": 2000, "std": 1000}


def asked(workload: dict[str, Any], **fields: Any) -> ServingEstimateAnswer:
    return llm_calc.estimate(
        **{
            "model": "llama-3.1-8b",
            "hardware": "4x h100-80gb-sxm",
            "parallelism": {"tensor": 1},
            "disaggregated": {"prefill_replicas": 1, "decode_replicas": 3},
            "workload": workload,
        }
        | fields
    )


LOADS: list[dict[str, Any]] = [
    {**LENGTHS, "concurrency": 32},
    {**LENGTHS, "request_rate": 5.0},
    {**LENGTHS, "users": 300, "requests_per_user_per_minute": 1},
    {**LENGTHS, "input_tokens": DRAWN, "concurrency": 32},
    {**LENGTHS, "input_tokens": DRAWN, "request_rate": 5.0, "targets": {"ttft_s": 1.0}},
    {**LENGTHS, "concurrency": 16, "sessions": {"turns": 4, "think_s": 2.0}},
    {**LENGTHS, "session_rate": 1.0, "sessions": {"turns": 4, "think_s": 2.0}},
    {**LENGTHS, "batch": 20},
    {**LENGTHS, "offline": True},
    {"trace": {"text": "arrival_s,input_tokens,output_tokens\n0,1000,10\n5,2000,100\n"}},
]


@pytest.mark.parametrize("load", LOADS)
def test_every_kind_of_load_is_answered(load: dict[str, Any]) -> None:
    found = asked(load)
    assert 0 < found.tpot_s < found.ttft_s < found.request_latency_s
    assert found.requests_per_s > 0
    assert (found.basis.kind, found.interval.status) == ("formula_only", "uncalibrated")
    assert any("disaggregated: the cache travels" in words for words in found.assumptions)


def test_requests_told_apart_are_near_the_closed_form_of_equal_ones() -> None:
    """Targets make the same closed loop a simulated one, whose lengths lie between 80 and 100 % of those given."""
    form, run = asked(LOADS[0]), asked({**LOADS[0], "targets": {"ttft_s": 1.0}})
    assert run.tpot_s == pytest.approx(form.tpot_s, rel=0.05)
    assert run.requests_per_s == pytest.approx(form.requests_per_s, rel=0.15)
    assert run.classes[0].targets_kept_fraction is not None


@pytest.mark.parametrize("load", LOADS)
def test_with_a_free_link_neither_side_alone_serves_less(load: dict[str, Any]) -> None:
    """Ten times the replicas of the other side never serve less; a slower link never serves more."""
    here = {"link_bytes_per_s": 1e15}
    both = asked(load, disaggregated={"prefill_replicas": 1, "decode_replicas": 3, **here})
    wide = {"hardware": "31x h100-80gb-sxm"}
    decode = asked(load, **wide, disaggregated={"prefill_replicas": 28, "decode_replicas": 3, **here})
    prefill = asked(load, **wide, disaggregated={"prefill_replicas": 1, "decode_replicas": 30, **here})
    slow = asked(load, disaggregated={"prefill_replicas": 1, "decode_replicas": 3, "link_bytes_per_s": 1e9})
    assert both.requests_per_s <= min(decode.requests_per_s, prefill.requests_per_s) * 1.03
    assert slow.ttft_s > both.ttft_s
    assert slow.requests_per_s <= both.requests_per_s * 1.01


def test_a_rate_above_what_is_served_is_said() -> None:
    found = asked({**LENGTHS, "request_rate": 500.0})
    assert found.requests_per_s < 100
    assert any("workload.request_rate: above" in words for words in found.warnings)


def test_the_decode_side_has_gpus_and_a_layout_of_its_own() -> None:
    part = {"prefill_replicas": 2, "decode_replicas": 1, "decode_parallelism": {"tensor": 2}}
    other = {**part, "decode_hardware": {"gpu": "h200-141gb-sxm", "count": 2}}
    load = {**LENGTHS, "concurrency": 32}
    found = asked(load, hardware="2x h100-80gb-sxm", disaggregated=other)
    alike = asked(load, hardware="4x h100-80gb-sxm", disaggregated=part)
    assert found.tpot_s < alike.tpot_s
    assert found.requests_per_s_per_gpu == pytest.approx(found.requests_per_s / 4)
    assert alike.requests_per_s_per_gpu == pytest.approx(alike.requests_per_s / 4)
    wrong = {**other, "decode_hardware": {"gpu": "h200-141gb-sxm", "count": 4}}
    with pytest.raises(InvalidInputError, match=r"disaggregated\.decode_hardware\.count"):
        asked(load, hardware="2x h100-80gb-sxm", disaggregated=wrong)


TRACE = "arrival_s,input_tokens,output_tokens\n0,1000,10\n5,2000,100\n"


def test_a_trace_of_requests_far_apart_is_each_one_alone() -> None:
    found = asked({"trace": {"text": TRACE}})
    alone = [
        asked({"input_tokens": first, "output_tokens": answer, "concurrency": 1})
        for first, answer in ((1000, 10), (2000, 100))
    ]
    # As of all arrivals no host times of closed loops are in the first tokens; steps read the mean context of the two.
    expected = sum(each.request_latency_s for each in alone) / 2
    assert found.request_latency_s == pytest.approx(expected, rel=0.1)
    assert found.trace is not None
    assert found.trace.elapsed_s == pytest.approx(5 + alone[1].request_latency_s, rel=0.02)
    assert not any("replicas take its requests" in words for words in found.assumptions)


def test_a_trace_that_comes_faster_than_it_is_served_says_so() -> None:
    lines = "".join(f"{number * 0.01},2000,100\n" for number in range(200))
    found = asked({"trace": {"text": f"arrival_s,input_tokens,output_tokens\n{lines}"}})
    most = asked({"input_tokens": 2000, "output_tokens": 100, "offline": True})
    (words,) = [each for each in found.warnings if "requests come a second" in each]
    assert f"{most.requests_per_s:.3g} are the most" in words


def test_equal_beginnings_of_a_trace_are_found_on_the_prefill_side() -> None:
    """Two prompts of two equal blocks: all of the second is there but its last token, which gives the first one."""
    text = "\n".join(
        json.dumps({"timestamp": at, "input_length": 1024, "output_length": 50, "hash_ids": [1, 2]})
        for at in (0, 9000)
    )
    found = asked({"trace": {"text": text}})
    assert found.trace is not None
    assert found.trace.hit_fraction == found.trace.most_hit_fraction == pytest.approx(1023 / 2048)
    assert any("prompts of a trace go to the one that is free" in each for each in found.assumptions)
    assert any("found by equal names" in each for each in found.assumptions)
    off = asked({"trace": {"text": text}}, engine=NO_PREFIXES)
    assert off.trace is not None
    assert off.trace.hit_fraction == 0
    assert off.ttft_s > found.ttft_s


def test_a_batch_is_its_prompts_in_line_and_the_answers_of_the_last() -> None:
    """One replica computes eight prompts one after another; their mean waits for 4.5 of them, and for one transfer."""
    one, found = asked({**LENGTHS, "batch": 1}), asked({**LENGTHS, "batch": 8})
    prompt = one.ttft_s * 0.98  # the cache travels in 2 % of it, at 450 GB/s
    assert found.ttft_s == pytest.approx(4.5 * prompt + 0.02 * one.ttft_s, rel=0.03)
    assert found.requests_per_s > 6 * one.requests_per_s
    assert any("workload.batch: all prompts come at once" in each for each in found.assumptions)


@pytest.mark.parametrize("requests", [700, 5000, 1_000_000])
def test_a_large_batch_is_as_fast_as_a_queue_but_for_its_ends(requests: int) -> None:
    queue, found = asked({**LENGTHS, "offline": True}), asked({**LENGTHS, "batch": requests})
    ends_s = queue.request_latency_s  # the first answer is filled in, the last one drains
    expected = requests / (requests / queue.requests_per_s + ends_s)
    assert expected * 0.98 < found.requests_per_s < queue.requests_per_s * 1.001


def test_a_queue_is_what_the_slower_side_serves() -> None:
    """Prompts bound: as one prompt after another. Answers bound: as many as decode replicas run, at their pace."""
    found = asked({**LENGTHS, "offline": True})
    free = {"prefill_replicas": 1, "decode_replicas": 3, "link_bytes_per_s": 1e15}
    alone = asked({**LENGTHS, "request_rate": 0.001}, disaggregated=free)
    assert found.requests_per_s == pytest.approx(1 / alone.ttft_s, rel=1e-3)
    few = asked({**LENGTHS, "offline": True}, engine={"name": "vllm", "max_num_seqs": 4})
    assert few.requests_per_s == pytest.approx(12 / (299 * few.tpot_s), rel=1e-6)
    assert few.resolved.running_sequences == pytest.approx(12)
    assert found.percentiles is None


@pytest.mark.parametrize("rate", [20.0, 23.0, 25.0, 40.0, 500.0])
def test_what_is_served_does_not_depend_on_how_much_more_is_asked_for(rate: float) -> None:
    """Above what a queue gets every rate is served alike, below it all of it."""
    most = asked({**LENGTHS, "offline": True}).requests_per_s
    found = asked({**LENGTHS, "request_rate": rate})
    assert found.requests_per_s == pytest.approx(min(rate, most))


def test_more_than_is_served_waits_longer_the_more_it_is() -> None:
    """Of 900 the mean one is the 450.5th: it waits so many times as long as between two that are served, less two that
    come."""
    most = asked({**LENGTHS, "offline": True}).requests_per_s
    two, four = (asked({**LENGTHS, "request_rate": times * most}) for times in (2, 4))
    assert four.ttft_s - two.ttft_s == pytest.approx(450.5 * (1 / 2 - 1 / 4) / most, rel=1e-3)
    assert four.tpot_s == pytest.approx(two.tpot_s)


@pytest.mark.parametrize("part", [1, 10])
def test_many_replicas_are_told_as_few_of_each(part: int) -> None:
    """Ten times the replicas under ten times the load: the same but for waits that are shared out better."""
    sides = {"prefill_replicas": 10 * part, "decode_replicas": 30 * part}
    wide: dict[str, Any] = {"hardware": f"{40 * part}x h100-80gb-sxm", "disaggregated": sides}
    small = asked(
        {**LENGTHS, "request_rate": 160.0},
        hardware="40x h100-80gb-sxm",
        disaggregated={"prefill_replicas": 10, "decode_replicas": 30},
    )
    found = asked({**LENGTHS, "request_rate": 160.0 * part}, **wide)
    assert found.tpot_s == pytest.approx(small.tpot_s, rel=0.02)
    assert found.resolved.running_sequences == pytest.approx(
        small.resolved.running_sequences * part, rel=0.02
    )


def test_a_closed_loop_beyond_what_fills_both_sides_only_waits() -> None:
    """Little's law: so many requests at the pace of a queue."""
    load = {**LENGTHS, "targets": {"ttft_s": 1.0}}
    few, many = asked({**load, "concurrency": 2000}), asked({**load, "concurrency": 200_000})
    assert many.requests_per_s == pytest.approx(few.requests_per_s, rel=0.01)
    assert many.request_latency_s == pytest.approx(200_000 / many.requests_per_s, rel=0.01)
    assert many.tpot_s == pytest.approx(few.tpot_s, rel=0.01)


def test_sessions_at_a_rate_are_as_many_as_little_s_law_makes() -> None:
    load = {**LENGTHS, "sessions": {"turns": 4, "think_s": 2.0}}
    found = asked({**load, "session_rate": 1.5})
    assert found.sessions is not None
    assert found.sessions.sessions_at_once == pytest.approx(1.5 * found.sessions.session_s, rel=0.05)
    beyond = [asked({**load, "session_rate": rate}).requests_per_s for rate in (5.0, 50.0)]
    assert beyond[0] == pytest.approx(beyond[1], rel=0.02)


def test_prefill_replicas_find_the_prompts_of_turns_before() -> None:
    """Of 2000, 4300, 6600 and 8900 tokens all but what the prompt before had: 11 000 of 21 800... the last is 8900.

    Found: 1 - 8900 / 21 800 at most, less half a block of 16 a turn and what lengths that are drawn differ.
    """
    found, off = asked(LOADS[5]), asked(LOADS[5], engine=NO_PREFIXES)
    assert found.sessions is not None
    assert off.sessions is not None
    assert found.sessions.hit_fraction == pytest.approx(1 - 8900 / 21_800, abs=0.02)
    assert found.sessions.hit_fraction <= found.sessions.most_hit_fraction
    assert (off.sessions.hit_fraction, off.sessions.most_hit_fraction) == (0, 0)
    assert found.sessions.later_turns_ttft_s is not None
    assert off.sessions.later_turns_ttft_s is not None
    assert found.sessions.later_turns_ttft_s < off.sessions.later_turns_ttft_s
    assert any("a session's prompts go to one prefill replica" in words for words in found.assumptions)
    assert any("bidirectional_kv_xfer" in words for words in found.assumptions)
    assert any("every prompt is computed whole" in words for words in off.assumptions)
    assert not any("engine.enable_prefix_caching" in words for words in off.assumptions)
    stated = asked({**LOADS[5], "prefix_cache_hit_fraction": 0.8})
    assert stated.ttft_s < found.ttft_s
    assert any("computed but for the stated 0.8" in words for words in stated.assumptions)


@pytest.mark.parametrize(
    ("engine", "words"),
    [("sglang", "enable-radix-cache"), ("trtllm", "generation servers ask"), ("generic", "differs")],
)
def test_each_engine_says_what_its_sides_do_with_caches_of_the_other(engine: str, words: str) -> None:
    found = asked(LOADS[5], engine=engine)
    assert any(words in each and "Answers are computed again" in each for each in found.assumptions)


def test_more_sessions_than_the_prefill_side_keeps_find_less() -> None:
    """A prefill replica has room for some 420 000 tokens of prompts of up to 8900."""
    hits = []
    for sessions in (8, 60, 400, 20_000):
        found = asked({**LOADS[5], "concurrency": sessions})
        assert found.sessions is not None
        (memory,) = found.sessions.tiers
        assert found.sessions.kept_tokens <= memory.capacity_tokens
        hits.append(found.sessions.hit_fraction)
    assert hits == sorted(hits, reverse=True)
    assert hits[0] > 0.5
    assert hits[-1] < 0.01


def test_two_prefill_replicas_keep_twice_as_much() -> None:
    load = {**LOADS[5], "concurrency": 100}
    one = asked(
        load, hardware="3x h100-80gb-sxm", disaggregated={"prefill_replicas": 1, "decode_replicas": 2}
    )
    two = asked(load, disaggregated={"prefill_replicas": 2, "decode_replicas": 2})
    assert one.sessions is not None
    assert two.sessions is not None
    assert two.sessions.tiers[0].capacity_tokens == pytest.approx(2 * one.sessions.tiers[0].capacity_tokens)
    assert two.sessions.hit_fraction > one.sessions.hit_fraction


def test_sweeps_refuse_two_sides() -> None:
    part = {"prefill_replicas": 1, "decode_replicas": 3}
    apart = {
        "model": {"name": "llama-3.1-8b"},
        "hardware": {"gpu": "h100-80gb-sxm", "count": 4},
        "parallelism": {"tensor": 1},
        "disaggregated": part,
        "workload": LOADS[0],
    }
    with pytest.raises(UnsupportedError, match=r"base\.disaggregated"):
        list(llm_calc.sweep(target="serving_estimate", base=apart, grid={"workload.concurrency": [16, 32]}))


APART: dict[str, Any] = {"prefill_replicas": 1, "decode_replicas": 1}


def of_two(gpu: str, count: int, **fields: Any) -> ServingEstimateAnswer:
    """One prefill replica of four H100, decode replicas of other GPUs."""
    part = {**APART, "decode_hardware": {"gpu": gpu, "count": count}, **fields.pop("part", {})}
    asked_for = {"hardware": "4x h100-80gb-sxm", "parallelism": {"tensor": 4}, "disaggregated": part}
    return asked({**LENGTHS, "concurrency": 8}, **{**asked_for, **fields})


def test_a_decode_side_that_does_not_fit_says_so() -> None:
    """70.6e9 parameters of two bytes are 131 GiB; an L4 has less than 24."""
    part = {"decode_parallelism": {"tensor": 1}}
    found = of_two("l4", 1, model="llama-3.1-70b", precision={"weights": "bf16"}, part=part)
    (words,) = [each for each in found.warnings if "does not fit" in each]
    assert words.startswith("decode side: hardware: by the engine's memory rules this does not fit")
    missing = float(words.partition("(")[2].split()[0])
    assert 131.4 - 24 < missing < 131.4
    alone = llm_calc.estimate(
        model="llama-3.1-70b",
        precision={"weights": "bf16"},
        hardware="l4",
        workload={**LENGTHS, "concurrency": 8},
    )
    assert words.removeprefix("decode side: ") in alone.warnings


def test_what_is_said_of_one_side_alone_is_said_under_its_name() -> None:
    found = of_two("a100-80gb-sxm", 4, model="llama-3.1-70b", precision={"weights": "fp8"})
    assert any(each.startswith("decode side: precision.weights: a100") for each in found.warnings)
    assert any(each.startswith("prefill side: precision.kv_cache: fp8") for each in found.assumptions)
    assert any("prefill keeps fp8, decode bf16" in each for each in found.warnings)
    assert any(each.startswith("fp8: what such checkpoints") for each in found.assumptions)
    one = of_two("a100-80gb-sxm", 4, model="llama-3.1-70b", precision={"weights": "fp8", "kv_cache": "bf16"})
    assert not any("and the cache travels as it is" in each for each in one.warnings)


def test_sizes_of_both_sides_are_resolved() -> None:
    found = of_two("h200-141gb-sxm", 2, part={"decode_parallelism": {"tensor": 2}})
    assert found.resolved.decode is not None
    assert (found.resolved.tensor, found.resolved.decode.tensor) == (4, 2)
    alone = llm_calc.estimate(
        model="llama-3.1-8b",
        hardware="2x h200-141gb-sxm",
        parallelism={"tensor": 2},
        workload={**LENGTHS, "concurrency": 8},
    )
    assert found.resolved.decode.kv_capacity_sequences == alone.resolved.kv_capacity_sequences
    assert alone.resolved.decode is None


def test_operators_of_a_phase_are_those_of_its_side() -> None:
    """The bytes of a matrix that a decode step reads: all of it on one GPU, a fourth on each of four."""
    found = of_two("h100-80gb-sxm", 1, part={"decode_parallelism": {"tensor": 1}})
    read = {each.phase: each.bytes for each in found.operators if each.name == "lm_head"}
    assert read["decode"] > 3.5 * read["prefill"]


def test_the_cache_travels_at_the_slower_link() -> None:
    """An L4 has PCIe alone, an H100 NVLink."""
    words = of_two("l4", 1, part={"decode_parallelism": {"tensor": 1}}).assumptions
    assert any("the cache travels at 31.5" in each and "PCIe" in each for each in words)


@pytest.mark.parametrize("targets", [None, {"ttft_s": 1.0}])
def test_an_engine_runs_no_more_answers_than_its_option_says(targets: dict[str, float] | None) -> None:
    load = {**LENGTHS, "concurrency": 100} | ({} if targets is None else {"targets": targets})
    few = asked(load, engine={"name": "vllm", "max_num_seqs": 4})
    many = asked(load)
    assert few.resolved.running_sequences <= 3 * 4 * (1 + 1e-9)
    assert few.requests_per_s < many.requests_per_s
    assert any("decode replicas run about 12 requests" in each for each in few.warnings)
    assert not any("decode replicas run" in each for each in many.warnings)


def test_options_that_do_nothing_over_two_sides_are_named() -> None:
    """No prompt shares a step with answers, so that the budget of a step says nothing of times."""
    engine = {"name": "vllm", "max_num_batched_tokens": 4096, "enforce_eager": True}
    found = asked(LOADS[0], engine=engine)
    assert "engine.max_num_batched_tokens: changes nothing of the times here" in found.assumptions
    assert any("engine.enforce_eager: its effect on time is not known" in each for each in found.warnings)


@pytest.mark.parametrize(("engine", "gpu"), [("llama.cpp", "h100-80gb-sxm"), ("mlx", "apple-m3-ultra")])
def test_engines_without_such_a_mode_are_refused(engine: str, gpu: str) -> None:
    with pytest.raises(UnsupportedError, match="taken under generic, sglang, trtllm, vllm") as refused:
        asked(LOADS[0], engine={"name": engine}, hardware={"gpu": gpu, "count": 4})
    assert refused.value.field == "disaggregated"


@pytest.mark.parametrize("engine", ["generic", "sglang", "trtllm", "vllm"])
def test_engines_with_such_a_mode_answer(engine: str) -> None:
    assert asked(LOADS[0], engine={"name": engine}).requests_per_s > 0


def test_a_layout_of_decode_is_chosen_aloud_or_asked_for() -> None:
    found = of_two("h200-141gb-sxm", 2)
    assert any(
        "decode_parallelism: tensor 2, all GPUs of a decode replica" in each for each in found.assumptions
    )
    spread = {
        "model": "deepseek-v3",
        "hardware": "8x h200-141gb-sxm",
        "parallelism": {"tensor": 1, "data": 8, "expert": 8},
    }
    with pytest.raises(InvalidInputError, match="must be given; a decode replica has 32 GPUs") as refused:
        of_two("h200-141gb-sxm", 32, **spread)
    assert refused.value.field == "disaggregated.decode_parallelism"
    stated = {"decode_parallelism": {"tensor": 1, "data": 32, "expert": 32}}
    answered = of_two("h200-141gb-sxm", 32, **spread, part=stated)
    assert answered.resolved.decode is not None
    assert (answered.resolved.decode.expert, answered.resolved.expert) == (32, 8)


def test_what_is_wrong_of_the_decode_side_is_named_as_it_was_stated() -> None:
    with pytest.raises(
        UnsupportedError, match=r"^disaggregated\.decode_parallelism\.tensor: 3 does not"
    ) as refused:
        of_two("h200-141gb-sxm", 3, part={"decode_parallelism": {"tensor": 3}})
    assert refused.value.field == "disaggregated.decode_parallelism.tensor"
    with pytest.raises(InvalidInputError, match=r"^disaggregated\.decode_hardware\.gpu: unknown") as unknown:
        of_two("h900", 4)
    assert unknown.value.field == "disaggregated.decode_hardware.gpu"


def test_prefill_takes_what_a_stated_decode_layout_leaves() -> None:
    """Of eight GPUs one decode replica of four leaves two each to two that prefill."""
    part = {"prefill_replicas": 2, "decode_replicas": 1, "decode_parallelism": {"tensor": 4}}
    found = asked(LOADS[0], hardware="8x h100-80gb-sxm", parallelism=None, disaggregated=part)
    assert found.resolved.tensor == 2


def test_sessions_over_two_sides_speak_of_no_kept_answers() -> None:
    stated = asked({**LOADS[5], "prefix_cache_hit_fraction": 0.8})
    assert stated.sessions is not None
    assert stated.sessions.hit_fraction == pytest.approx(0.8)
    assert stated.sessions.new_tokens == pytest.approx(0.2 * stated.sessions.prompt_tokens)
    found = asked(LOADS[5])
    assert not any("with their contexts in memory" in each for each in found.assumptions)
    assert any("with what prefill replicas keep of their prompts" in each for each in found.assumptions)


@pytest.mark.parametrize("load", LOADS)
def test_uncalibrated_answers_speak_of_no_intervals(load: dict[str, Any]) -> None:
    found = asked(load)
    assert not [each for each in found.warnings if "interval" in each]


def test_a_draft_s_cache_travels_as_well() -> None:
    """deepseek-v3 keeps a latent in each of 61 layers, and in the one that drafts: 62 / 61 of the bytes."""
    deployed = {
        "model": "deepseek-v3",
        "hardware": "16x h200-141gb-sxm",
        "parallelism": {"tensor": 8},
        "disaggregated": {**APART, "link_bytes_per_s": 1e6},
    }
    load = {**LENGTHS, "concurrency": 1}
    plain, drafted = asked(load, **deployed), asked(load, **deployed, speculative={"method": "mtp"})
    assert drafted.ttft_s / plain.ttft_s == pytest.approx(62 / 61, rel=0.002)  # the prompt takes 1 % of it


def test_adapters_are_on_both_sides() -> None:
    lora = {"rank": 16, "adapters": 2, "target_modules": ["q_proj"]}
    plain, found = of_two("l4", 1, part={"decode_parallelism": {"tensor": 1}}), None
    found = of_two("l4", 1, part={"decode_parallelism": {"tensor": 1}}, lora=lora)
    assert plain.resolved.decode is not None
    assert found.resolved.decode is not None
    assert found.resolved.decode.kv_capacity_sequences < plain.resolved.decode.kv_capacity_sequences
    assert found.tpot_s > plain.tpot_s
    assert any(each.startswith("lora: every step") for each in found.assumptions)
