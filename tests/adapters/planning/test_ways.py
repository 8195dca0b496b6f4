"""Speculation, adapters, memories below the GPU's and contexts over GPUs as parts of plans."""

import json
import shlex
from typing import Any

import pytest

from llm_calc import estimate, memory_plan, plan
from llm_calc.core.errors import InvalidInputError

DENSE = {"name": "llama-3.1-8b"}
LATENT = {"name": "deepseek-v3"}
PARTS = ("hardware", "parallelism", "precision", "engine", "workload", "speculative", "lora")
SESSIONS = {
    "input_tokens": 4096,
    "output_tokens": 256,
    "concurrency": 24,
    "sessions": {"turns": 6, "think_s": 20},
}
WAYS: dict[str, dict[str, Any]] = {
    "draft": {"speculative": {"method": "ngram", "acceptance_fraction": 0.6}},
    "head": {"speculative": {"method": "eagle3", "draft_tokens": 4}},
    "smaller model": {"speculative": {"draft": {"name": "llama-3.2-1b"}, "acceptance_fraction": 0.8}},
    "adapters": {"lora": {"adapters": 4, "rank": 32}},
    "both": {"lora": {"rank": 8}, "speculative": {"method": "eagle3"}},
    "tier": {"kv_tiers": [{"tier": "host", "memory_bytes": 200_000_000_000}], "workload": SESSIONS},
    "contexts": {
        "model": LATENT,
        "gpus": ["h200-141gb-sxm"],
        "limits": {"max_gpus": 8},
        "context_parallel": [8],
        "workload": {"input_tokens": 30000, "output_tokens": 200, "concurrency": 16},
    },
}


def asked(engine: str, **further: Any) -> dict[str, Any]:
    base = {
        "model": DENSE,
        "gpus": ["h100-80gb-sxm"],
        "engines": [engine],
        "workload": {"input_tokens": 1024, "output_tokens": 128, "concurrency": 4},
        "limits": {"max_gpus": 2},
        "objective": "latency",
    }
    return {**base, **further}


def best(engine: str, **further: Any) -> dict[str, Any]:
    answer = plan(**asked(engine, **further))
    found: dict[str, Any] = json.loads(answer.model_dump_json())["plans"][0]
    return found


@pytest.mark.parametrize("engine", ["vllm", "sglang", "trtllm"])
@pytest.mark.parametrize("way", WAYS)
def test_a_plan_sent_back_gives_its_figures_and_its_memory(way: str, engine: str) -> None:
    if way == "contexts" and engine == "trtllm":
        pytest.skip("it has no such option")
    further = WAYS[way]
    found = best(engine, **further)
    model = further.get("model", DENSE)
    again = estimate(model=model, kv_tiers=found["kv_tiers"], **{part: found[part] for part in PARTS})
    for field in ("ttft_s", "tpot_s"):
        assert found[field] == pytest.approx(getattr(again, field), rel=1e-9), field
    memory = memory_plan(model=model, **{part: found[part] for part in PARTS})
    assert memory.starts
    if "sessions" not in further.get("workload", {}):
        assert memory.fits
    assert memory.per_gpu.weights_bytes == found["memory"]["weights_bytes"]
    assert memory.per_gpu.kv_cache_bytes == found["memory"]["kv_cache_bytes"]


@pytest.mark.parametrize("engine", ["vllm", "sglang", "trtllm"])
def test_speculation_is_tried_beside_none_and_taken_where_it_is_faster(engine: str) -> None:
    plain = best(engine)
    never = best(engine, speculative={"method": "ngram", "acceptance_fraction": 0.0})
    assert never == plain
    good = best(engine, speculative={"method": "ngram", "acceptance_fraction": 0.9})
    assert good["speculative"]["method"] == "ngram"
    assert good["request_latency_s"] < plain["request_latency_s"]


def test_contexts_over_gpus_are_an_option_of_the_command() -> None:
    for engine, option in (("vllm", "--decode-context-parallel-size"), ("sglang", "--dcp-size")):
        words = shlex.split(best(engine, **WAYS["contexts"])["launch_command"])
        assert words[words.index(option) + 1] == "8"


def test_tiers_find_more_than_none_and_have_a_word() -> None:
    plain = best("vllm", workload=SESSIONS)
    found = best("vllm", **WAYS["tier"])
    assert found["request_latency_s"] <= plain["request_latency_s"]


@pytest.mark.parametrize(
    ("engine", "way", "words"),
    [
        (
            "vllm",
            "head",
            ['{"method": "eagle3", "model": "Llama-3.1-8B-draft", "num_speculative_tokens": 4}'],
        ),
        ("vllm", "smaller model", ['"method": "draft_model"', '"model": "meta-llama/Llama-3.2-1B"']),
        ("vllm", "adapters", ["--enable-lora --max-loras 4 --max-lora-rank 32"]),
        ("sglang", "head", ["EAGLE3", "--speculative-num-steps 4", "--speculative-num-draft-tokens 5"]),
        ("sglang", "adapters", ["--enable-lora --max-loras-per-batch 4 --max-lora-rank 32"]),
        ("trtllm", "head", ["decoding_type: Eagle", "max_draft_len: 4"]),
        ("trtllm", "adapters", ["max_loras: 4", "max_lora_rank: 32"]),
    ],
)
def test_commands_say_what_was_planned(engine: str, way: str, words: list[str]) -> None:
    command = best(engine, **{**WAYS[way], "objective": "latency"})["launch_command"]
    for each in words:
        assert each in command


def test_what_an_engine_does_not_take_is_named() -> None:
    answer = plan(**asked("mlx", gpus=["apple-m3-max"], speculative={"method": "eagle3"}))
    assert any(words.startswith("speculative: not tried under mlx") for words in answer.warnings)
    with pytest.raises(InvalidInputError, match="kv_tiers: they keep contexts"):
        plan(**asked("vllm", kv_tiers=[{"tier": "host"}]))
    with pytest.raises(InvalidInputError, match="context_parallel"):
        plan(**asked("trtllm", context_parallel=[2]))
