"""Presets of llama.cpp: what Ollama chooses by memory and context."""

from typing import Any

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.operations import MEMORY_PLAN, SERVING_ESTIMATE
from llm_calc.adapters.presets import load_presets
from llm_calc.adapters.unnamed_engine import UNNAMED as UNNAMED_WORDS
from llm_calc.core.errors import CalcError

UNNAMED = UNNAMED_WORDS.format(engine="llama.cpp")


def planned(model: str, hardware: str, weights: str | None = "q4_k_m", **engine: Any) -> Any:
    asked = {
        "model": model,
        "hardware": hardware,
        "precision": {} if weights is None else {"weights": weights},
        "engine": {"name": "llama.cpp", "preset": "ollama", **engine},
    }
    return MEMORY_PLAN.answered(asked, load_catalogs())


@pytest.mark.parametrize(
    ("model", "hardware", "tokens"),
    [
        ("llama-3.1-8b", "rtx-3060-12gb", 4096),
        ("llama-3.1-8b", "m4 max 36gb", 32768),  # 27 GiB for the GPU
        ("llama-3.1-8b", "m2 pro 32gb", 4096),  # 21.3 GiB for the GPU
        ("llama-3.1-8b", "rtx-4090", 32768),
        ("llama-3.1-8b", "2x rtx-4090", 131072),  # the model's own
        ("qwen3-30b-a3b", "rtx-4090,rtx-3090", 40960),  # the model's own
        ("qwen3.5-35b-a3b", "2x rtx-3090", 262144),
    ],
)
def test_the_context_follows_the_memory_of_all_gpus(model: str, hardware: str, tokens: int) -> None:
    assert planned(model, hardware).max_model_len_tokens == tokens


@pytest.mark.parametrize(
    ("model", "kind"), [("llama-3.1-8b", "q4_k_m"), ("deepseek-v3", "q4_k_m"), ("gpt-oss-20b", "mxfp4")]
)
def test_a_model_without_a_format_is_what_the_library_holds(model: str, kind: str) -> None:
    found = planned(model, "8x h100-80gb-sxm", weights=None)
    assert kind in found.weights_format
    assert any("library" in line for line in found.assumptions) == (kind == "q4_k_m")
    named = planned(model, "8x h100-80gb-sxm", weights="q8_0")
    assert not any("library" in line for line in named.assumptions)


def test_slots_multiply_the_cells_and_some_models_have_one() -> None:
    four = planned("llama-3.1-8b", "rtx-3060-12gb", n_parallel=4)
    assert four.kv_cache_tokens == 4 * 4096
    assert four.max_model_len_tokens == 4096
    assert planned("qwen3.5-35b-a3b", "rtx-4090", n_parallel=1).scheduler_max_sequences == 1
    with pytest.raises(CalcError, match=r"engine\.n_parallel: Ollama gives qwen3_5_moe one slot; it is 4"):
        planned("qwen3.5-35b-a3b", "rtx-4090", n_parallel=4)


@pytest.mark.parametrize(
    ("model", "hardware", "batch"),
    [
        ("llama-3.1-8b", "rtx-3060-12gb", 512),
        ("llama-3.1-8b", "rtx-4090", 1024),
        ("qwen3-32b", "rtx-4090", 512),
    ],
)
def test_the_batch_follows_the_context_and_what_is_left(model: str, hardware: str, batch: int) -> None:
    assert f"n_batch {batch};" in " ".join(planned(model, hardware).assumptions)


def test_what_is_said_stays() -> None:
    found = planned("llama-3.1-8b", "rtx-3060-12gb", n_ctx=16384, n_ubatch=256)
    assert found.max_model_len_tokens == 16384
    assert found.engine.version == "v0.5.0"


def test_an_estimate_names_the_preset() -> None:
    asked = {
        "model": "llama-3.1-8b",
        "hardware": "rtx-3060-12gb",
        "precision": "q4_k_m",
        "engine": {"name": "llama.cpp", "preset": "ollama"},
        "workload": {"input_tokens": 6000, "output_tokens": 100},
    }
    found = SERVING_ESTIMATE.answered(asked, load_catalogs())
    assert any(note.startswith("engine.preset: Ollama v0.33.0") for note in found.assumptions)
    assert any("longer than its context of 4096" in note for note in found.warnings)


def test_an_unknown_preset_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(CalcError, match=r"engine\.preset: unknown preset 'lmstudio'; nearest: ollama"):
        planned("llama-3.1-8b", "rtx-4090", preset="lmstudio")


def test_each_preset_names_its_source_and_release() -> None:
    for preset in load_presets().values():
        assert preset.links
        assert preset.version
        assert preset.read_on


def test_a_static_batch_has_a_slot_for_each_of_its_sequences() -> None:
    """llama-batched-bench decodes all sequences of a batch at once, whatever a server's default is."""
    body = {
        "model": {"name": "llama-3.1-8b"},
        "hardware": {"gpu": "rtx-4090"},
        "precision": {"weights": "q4_k_m"},
        "workload": {"input_tokens": 128, "output_tokens": 128, "batch": 32},
    }
    open_, stated = (
        SERVING_ESTIMATE.answered(body | {"engine": {"name": "llama.cpp", **options}}, load_catalogs())
        for options in ({}, {"n_parallel": 32})
    )
    assert open_.tpot_s == stated.tpot_s
    assert any("n_parallel: 32" in line for line in open_.assumptions)


def test_a_static_batch_beyond_the_models_context_is_given_one_that_holds_it() -> None:
    body = {
        "model": {"name": "llama-3.1-8b"},
        "hardware": {"gpu": "rtx-pro-6000-blackwell-workstation"},
        "precision": {"weights": "q4_k_m"},
        "engine": {"name": "llama.cpp"},
        "workload": {"input_tokens": 8192, "output_tokens": 32, "batch": 32},
    }
    found = SERVING_ESTIMATE.answered(body, load_catalogs())
    assert any(f"n_ctx: {33 * 256 * 32}" in line for line in found.assumptions)
    assert found.resolved.running_sequences == 32
    assert not [line for line in found.warnings if "does not fit" in line]


@pytest.mark.parametrize("hardware", ["m4 max 64gb", ["rtx-4090", "rtx-3060-12gb"]])
@pytest.mark.parametrize("operation", [MEMORY_PLAN, SERVING_ESTIMATE])
def test_where_vllm_does_not_run_an_unnamed_engine_is_llama_cpp(operation: Any, hardware: Any) -> None:
    asked = {"model": "llama-3.1-8b", "hardware": hardware, "precision": {"weights": "q4_k_m"}}
    answer = operation.answered(asked, load_catalogs())
    assert answer.assumptions.count(UNNAMED) == 1
    with pytest.raises(CalcError, match=r"vllm|vLLM"):
        operation.answered(asked | {"engine": {"name": "vllm"}}, load_catalogs())
    assert (
        UNNAMED
        not in operation.answered(asked | {"engine": {"name": "llama.cpp"}}, load_catalogs()).assumptions
    )
    plain = operation.answered({"model": "llama-3.1-8b", "hardware": "rtx-4090"}, load_catalogs())
    assert UNNAMED not in plain.assumptions
