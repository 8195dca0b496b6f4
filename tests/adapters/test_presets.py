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
    assert found.engine.version == "b10809"  # of b10488, which Ollama's release holds


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


def test_servers_that_share_a_batch_have_slots_for_their_own_sequences() -> None:
    """Seven over four servers: two at the fullest."""
    body = {
        "model": {"name": "llama-3.1-8b"},
        "hardware": {"gpu": "rtx-4090", "count": 4},
        "parallelism": {"data": 4},
        "precision": {"weights": "q4_k_m"},
        "engine": {"name": "llama.cpp"},
        "workload": {"input_tokens": 128, "output_tokens": 128, "batch": 7},
    }
    found = SERVING_ESTIMATE.answered(body, load_catalogs())
    assert any("n_parallel: 2," in line for line in found.assumptions)


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


def asked(engine: dict[str, Any], hardware: str = "rtx-3060-12gb") -> Any:
    return MEMORY_PLAN.answered(
        {"model": "llama-3.1-8b", "hardware": hardware, "engine": engine}, load_catalogs()
    )


def test_ollama_is_an_engine_that_people_can_name() -> None:
    by_preset = asked({"name": "llama.cpp", "preset": "ollama"})
    assert asked({"name": "ollama"}) == by_preset
    assert asked({"name": "Ollama"}).max_model_len_tokens == 4096


def test_what_ollama_is_told_is_what_llama_cpp_is_given() -> None:
    said = {"num_ctx": 8192, "num_parallel": 2, "num_gpu": 20, "num_batch": 256, "kv_cache_type": "q8_0"}
    own = {"n_ctx": 16_384, "n_parallel": 2, "n_gpu_layers": 20, "n_batch": 256, "n_ubatch": 256}
    kinds = {"cache_type_k": "q8_0", "cache_type_v": "q8_0"}
    want = asked({"name": "llama.cpp", "preset": "ollama", **own, **kinds})
    assert asked({"name": "ollama", **said}) == want
    assert want.max_model_len_tokens == 8192
    settings = {"OLLAMA_CONTEXT_LENGTH": 8192, "OLLAMA_NUM_PARALLEL": 2, "OLLAMA_KV_CACHE_TYPE": "q8_0"}
    assert asked({"name": "ollama", "num_gpu": 20, "num_batch": 256, **settings}) == want
    off = asked({"name": "ollama", "OLLAMA_FLASH_ATTENTION": "0"})
    assert off == asked({"name": "llama.cpp", "preset": "ollama", "flash_attn": False})


def test_a_card_for_all_layers_is_one_that_ollama_does_not_split() -> None:
    main = asked({"name": "ollama", "main_gpu": 1}, "2x rtx-3060-12gb")
    split = {"split_mode": "none", "main_gpu": 1}
    assert main == asked({"name": "llama.cpp", "preset": "ollama", **split}, "2x rtx-3060-12gb")


def test_another_version_of_ollama_is_answered_by_the_rules_that_were_read() -> None:
    other = asked({"name": "ollama", "version": "0.12.3"})
    assert any("by whose rules 0.12.3 was answered" in each for each in other.assumptions)
    own = load_presets()["ollama"].version
    assert not any("whose rules" in each for each in asked({"name": "ollama", "version": own}).assumptions)


def test_two_names_of_one_option_and_unknown_ones_are_refused() -> None:
    with pytest.raises(CalcError, match="they are one option"):
        asked({"name": "ollama", "num_ctx": 8192, "OLLAMA_CONTEXT_LENGTH": 4096})
    with pytest.raises(CalcError, match="num_cttx"):
        asked({"name": "ollama", "num_cttx": 8192})
    with pytest.raises(CalcError, match="'ollama'"):
        asked({"name": "olama"})
