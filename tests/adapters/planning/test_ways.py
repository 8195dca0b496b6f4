"""Speculation, adapters, memories below the GPU's and contexts over GPUs as parts of plans."""

import json
import shlex
from itertools import product
from typing import Any

import pytest

from llm_calc import estimate, memory_plan, plan
from llm_calc.core.errors import InvalidInputError, UnsupportedError

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
    "some matrices": {"lora": {"rank": 8, "target_modules": ["q_proj", "v_proj"]}},
    "one matrix": {"lora": {"rank": 8, "target_modules": ["down_proj"], "cpu_adapters": 9}},
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


WITHOUT = {("contexts", "trtllm")}
"""TensorRT-LLM has no option to deal contexts."""


@pytest.mark.parametrize(("way", "engine"), sorted({*product(WAYS, ("vllm", "sglang", "trtllm"))} - WITHOUT))
def test_a_plan_sent_back_gives_its_figures_and_its_memory(way: str, engine: str) -> None:
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
        # srt/arg_groups/lora_hook.py asserts max_lora_rank and lora_target_modules where no adapter is named
        (
            "sglang",
            "adapters",
            ["--enable-lora --max-loras-per-batch 4 --max-lora-rank 32 --lora-target-modules all"],
        ),
        ("sglang", "some matrices", ["--max-lora-rank 8 --lora-target-modules q_proj v_proj"]),
        # names of get_default_trtllm_modules_to_hf_modules; without any TensorRT-LLM makes room for all of them
        ("trtllm", "some matrices", [r"max_lora_rank: 8\n  lora_target_modules: [attn_q, attn_v]\n"]),
        ("trtllm", "one matrix", ["max_cpu_loras: 9", "lora_target_modules: [mlp_4h_to_h]"]),
        (
            "trtllm",
            "adapters",
            [
                "lora_target_modules: [attn_q, attn_k, attn_v, attn_dense, mlp_h_to_4h, mlp_gate, mlp_4h_to_h]",
            ],
        ),
        # llmapi/llm_args.py: DraftTargetDecodingConfig is told by decoding_type alone
        (
            "trtllm",
            "smaller model",
            ["decoding_type: Draft_Target", "speculative_model_dir: meta-llama/Llama-3.2-1B"],
        ),
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


def test_matrices_that_an_engine_has_no_name_for_are_named() -> None:
    config = {"r": 8, "target_modules": ["q_a_proj", "o_proj"]}
    found = best(
        "trtllm",
        model=LATENT,
        gpus=["h200-141gb-sxm"],
        limits={"max_gpus": 8},
        lora={"adapter_config": config},
    )
    assert "lora_target_modules: [attn_dense]" in found["launch_command"]
    assert any("no word for q_a_proj" in words for words in found["notes"])


LOOKED_UP = {"method": "ngram", "draft_tokens": 4}


@pytest.mark.parametrize(
    ("model", "part", "words"),
    [
        (
            "llama-3.1-8b",
            {"draft": {"name": "llama-3.2-1b"}},
            "--spec-type draft-simple --spec-draft-model Llama-3.2-1B.gguf --spec-draft-n-max 3",
        ),
        (
            "llama-3.1-8b",
            {"method": "eagle3", "draft_tokens": 4},
            "--spec-type draft-eagle3 --spec-draft-model Llama-3.1-8B-draft.gguf --spec-draft-n-max 4",
        ),
        ("llama-3.1-8b", LOOKED_UP, "--spec-type ngram-simple --spec-ngram-simple-size-m 4"),
        ("glm-4.5-air", {"method": "mtp", "draft_tokens": 2}, "--spec-type draft-mtp --spec-draft-n-max 2"),
    ],
)
def test_llama_cpp_is_told_which_type_of_draft_there_is(model: str, part: dict[str, Any], words: str) -> None:
    """Options of tools/server/README.md of ggml-org/llama.cpp@00dc8057; of n-grams the tokens are those of its type."""
    load = {"input_tokens": 1024, "output_tokens": 128, "concurrency": 1}
    speculative = {"acceptance_fraction": 0.95, **part}
    answer = plan(
        model={"name": model},
        gpus=["h100-80gb-sxm"],
        engines=["llama.cpp"],
        workload=load,
        objective="latency",
        speculative=speculative,
    )
    found = answer.plans[0]
    assert found.speculative is not None
    assert f" {words}" in found.launch_command
    at_hand = ("names a draft head, which", "names a file of the draft, which")
    assert any(each in " ".join(found.notes) for each in at_hand) is ("spec-draft-model" in words)


@pytest.mark.parametrize("method", ["draft_model", "ngram", "eagle3", "mtp", None])
def test_no_draft_is_planned_that_the_command_leaves_out(method: str | None) -> None:
    load = {"input_tokens": 1024, "output_tokens": 128, "concurrency": 1}
    part = {"method": method, "acceptance_fraction": 0.95, "draft_cost_fraction": 0.01}
    for engine in ("llama.cpp", "mlx"):
        gpus = ["apple-m3-max"] if engine == "mlx" else ["h100-80gb-sxm"]
        answer = plan(**asked(engine, gpus=gpus, workload=load, speculative=part))
        untold = any(words.startswith(f"speculative: not tried under {engine}") for words in answer.warnings)
        for each in answer.plans:
            told = any(word in each.launch_command for word in ("--spec-type", "--draft-model"))
            assert (each.speculative is not None) is told
            assert not (told and untold)


REASONS = [
    ("smaller model", "vllm", "no measurement of speculative decoding: "),
    ("adapters", "sglang", "no measurement of adapters (lora): "),
    ("both", "vllm", "no measurement of speculative decoding, or of adapters (lora): "),
    ("tier", "vllm", "no measurement of turns of sessions: "),
    ("contexts", "sglang", "no measurement of contexts that are dealt over GPUs: "),
]


@pytest.mark.parametrize(("way", "engine", "words"), REASONS)
def test_a_plan_says_what_of_it_was_never_measured(way: str, engine: str, words: str) -> None:
    found = best(engine, **WAYS[way])
    said = [note for note in found["notes"] if note.startswith("no measurement of")]
    assert found["basis"] == "formula_only"
    assert len(said) == 1
    assert said[0].startswith(words)
    assert "generation" not in said[0]


def test_adapters_beside_a_smaller_model_are_refused_where_the_engine_does_not_start_with_them() -> None:
    parts: dict[str, Any] = {**WAYS["adapters"], **WAYS["smaller model"]}
    answer = plan(**asked("sglang", **parts))
    assert all(each.speculative is None for each in answer.plans)
    with pytest.raises(
        UnsupportedError, match="lora: sglang serves no adapters beside a smaller draft model"
    ):
        memory_plan(model=DENSE, hardware="h100-80gb-sxm", engine={"name": "sglang"}, **parts)


@pytest.mark.parametrize(("memory_bytes", "said"), [(20_000_000_000, True), (900_000_000_000, False)])
def test_a_host_that_holds_less_than_the_gpus_is_named(memory_bytes: int, said: bool) -> None:
    # SGLang up to 0.5.13 asserts that the host's pool is the larger one; 0.5.23 srt/mem_cache/pool_host/base.py warns
    load = {
        "input_tokens": 4096,
        "output_tokens": 256,
        "concurrency": 64,
        "sessions": {"turns": 10, "think_s": 60},
    }
    tiers: dict[str, Any] = {
        "kv_tiers": [{"tier": "host", "memory_bytes": memory_bytes}],
        "formats": ["bf16"],
        "limits": {"max_gpus": 1},
        "workload": load,
    }
    answer = plan(**asked("sglang", **tiers))
    tiered = [each for each in answer.plans if each.kv_tiers]
    assert tiered
    for each in tiered:
        words = shlex.split(each.launch_command)
        small = float(words[words.index("--hicache-ratio") + 1]) <= 1
        assert small == said
        assert any("releases up to 0.5.13 do not start" in note for note in each.notes) == said


# vLLM 0.33.0 --lora-modules and SGLang 0.5.23 --lora-paths take NAME=PATH, TensorRT-LLM's LoraConfig.lora_dir a list of
# folders, llama.cpp's --lora files with commas between them, mlx_lm.server one --adapter-path.
NAMED = [
    ("vllm", 2, " --lora-modules adapter-1=./adapter-1 adapter-2=./adapter-2"),
    ("sglang", 1, " --lora-paths adapter-1=./adapter-1"),
    ("trtllm", 2, r"lora_dir: [adapter-1, adapter-2]\n"),
    ("llama.cpp", 2, " --lora adapter-1.gguf,adapter-2.gguf "),
    ("mlx", 1, " --adapter-path adapter-1"),
    ("vllm", 20, "adapter-16=./adapter-16"),
]


@pytest.mark.parametrize(("engine", "adapters", "words"), NAMED)
def test_adapters_are_named_by_words_that_stand_for_theirs(engine: str, adapters: int, words: str) -> None:
    gpu, formats = {"llama.cpp": ("rtx-4090", "q4_k_m"), "mlx": ("apple-m3-ultra", "mlx-4bit")}.get(
        engine, ("h100-80gb-sxm", "bf16")
    )
    answer = plan(
        model={"name": "llama-3.1-8b"},
        gpus=[gpu],
        engines=[engine],
        formats=[formats],
        workload={"input_tokens": 500, "output_tokens": 100, "concurrency": 2},
        lora={"rank": 16, "adapters": adapters},
        manifests=["kubernetes", "kserve"],
        max_plans=1,
    )
    (found,) = answer.plans
    assert words in found.launch_command
    assert any(note.startswith("lora: adapter-1") and "write yours" in note for note in found.notes)
    # A cluster starts what it is given, and these folders are not there.
    assert "adapter-1" not in str(found.manifests)
    if adapters > 16:
        assert "adapter-17" not in found.launch_command
        assert any("of the first 16 of 20" in note for note in found.notes)


def test_several_adapters_of_an_engine_that_takes_one_are_named_as_left_out() -> None:
    answer = plan(
        model={"name": "llama-3.1-8b"},
        gpus=["apple-m3-ultra"],
        engines=["mlx"],
        formats=["mlx-4bit"],
        lora={"rank": 16, "adapters": 2},
        max_plans=1,
    )
    assert "lora: the launch command has no word for it" in answer.plans[0].notes
