"""What was asked of Ollama as its environment and the parameters of a Modelfile.

Names are those of ollama v0.33.0-rc2 ``envconfig/config.go`` and ``llm/llama_server.go``,
variables those of the README of llama.cpp's server.
"""

from typing import Any

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.ollama_flags import ollama_settings, unsaid_of_ollama
from llm_calc.adapters.operations import MEMORY_PLAN, RECOMMEND_GPUS, SERVING_ESTIMATE
from llm_calc.adapters.wire.engines import LlamaCppEngine

CATALOGS = load_catalogs()


def asked(**engine: Any) -> dict[str, Any]:
    return {"model": "qwen3-8b", "hardware": "rtx-4090", "engine": {"name": "ollama", **engine}}


def started(lines: list[str]) -> str:
    return next(line for line in lines if line.startswith("engine.preset: started by "))


@pytest.mark.parametrize("operation", [MEMORY_PLAN, SERVING_ESTIMATE])
def test_answers_tell_how_ollama_is_started_so(operation: Any) -> None:
    found = operation.answered(asked(num_ctx=8192, num_parallel=2, num_gpu=20, num_batch=256), CATALOGS)
    assert started(found.assumptions) == (
        "engine.preset: started by OLLAMA_CONTEXT_LENGTH=8192 OLLAMA_NUM_PARALLEL=2 ollama serve; "
        "Modelfile: PARAMETER num_batch 256, PARAMETER num_gpu 20"
    )


@pytest.mark.parametrize(
    ("engine", "cache", "words"),
    [
        ({"cache_type_k": "q8_0", "cache_type_v": "q8_0"}, "auto", "OLLAMA_KV_CACHE_TYPE=q8_0"),
        ({}, "q8_0", "OLLAMA_KV_CACHE_TYPE=q8_0"),
        ({"cache_type_k": "q5_1"}, "auto", "LLAMA_ARG_CACHE_TYPE_K=q5_1"),
        ({"flash_attn": False}, "auto", "OLLAMA_FLASH_ATTENTION=0"),
        ({"n_cpu_moe": 20}, "auto", "LLAMA_ARG_N_CPU_MOE=20"),
        ({"override_tensor": "exps=CPU,ffn=CPU"}, "auto", "LLAMA_ARG_OVERRIDE_TENSOR=exps=CPU,ffn=CPU"),
        (
            {"override_tensor": r"blk\.[0-3]\..*=CPU"},
            "auto",
            r"LLAMA_ARG_OVERRIDE_TENSOR='blk\.[0-3]\..*=CPU'",
        ),
        ({"tensor_split": (3, 1)}, "auto", "LLAMA_ARG_TENSOR_SPLIT=3,1"),
        ({"no_kv_offload": True}, "auto", "LLAMA_ARG_KV_OFFLOAD=off"),
        ({"fit": False}, "auto", "LLAMA_ARG_FIT=off"),
        ({"cpu_moe": True}, "auto", "LLAMA_ARG_CPU_MOE=on"),
    ],
)
def test_options_have_ollamas_name_or_the_servers_variable(engine: Any, cache: str, words: str) -> None:
    said = f"OLLAMA_NUM_PARALLEL=1 {words} ollama serve"
    assert ollama_settings(LlamaCppEngine(**engine), cache) == said


def test_a_switch_that_is_off_is_not_said() -> None:
    off = LlamaCppEngine(cpu_moe=False, kv_unified=False, swa_full=False)
    assert ollama_settings(off, "auto") == "OLLAMA_NUM_PARALLEL=1 ollama serve"


def test_what_ollama_cannot_be_told_is_named() -> None:
    part = LlamaCppEngine(op_offload=False, n_batch=1024, n_ubatch=512)
    assert list(unsaid_of_ollama(part)) == [
        "engine.op_offload: was planned with false, for which Ollama has no setting",
        "engine.n_ubatch: was planned with 512, for which Ollama has no setting",
    ]
    assert not list(unsaid_of_ollama(LlamaCppEngine(n_batch=512, n_ubatch=512)))
    found = MEMORY_PLAN.answered(asked(num_ctx=8192, op_offload=False), CATALOGS)
    assert any("op_offload" in line and "Ollama" in line for line in found.assumptions)


@pytest.mark.parametrize("kinds", [None, ["kubernetes"]])
def test_recommendations_give_settings_and_no_manifests(kinds: list[str] | None) -> None:
    body: dict[str, Any] = {
        "model": "qwen3-8b",
        "gpus": ["rtx-4090"],
        "engine": {"name": "ollama", "num_ctx": 8192},
    }
    body |= {"context_tokens": 8000, "concurrency": 1} | ({"manifests": kinds} if kinds else {})
    best = RECOMMEND_GPUS.answered(body, CATALOGS).recommendations[0]
    assert "OLLAMA_CONTEXT_LENGTH=8192 OLLAMA_NUM_PARALLEL=1" in started(best.notes)
    assert best.manifests == ({} if kinds else None)
    assert any("none are given for ollama" in note for note in best.notes) == bool(kinds)
