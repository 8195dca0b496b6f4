"""The answer of a memory plan: identities, reasons, what was assumed."""

from typing import Any

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.memory_plan import answer_memory_plan
from llm_calc.adapters.operations import MEMORY_PLAN
from llm_calc.adapters.wire.memory import MEMORY_PLAN_EXAMPLES, MemoryPlanAnswer, MemoryPlanRequest

H100 = {"gpu": "h100-80gb-sxm"}


def planned(
    model: str = "llama-3.1-8b", *, hardware: dict[str, Any] | None = None, **parts: Any
) -> MemoryPlanAnswer:
    body = {"model": {"name": model}, "hardware": H100 | (hardware or {}), **parts}
    return answer_memory_plan(MemoryPlanRequest.model_validate(body), load_catalogs())


@pytest.mark.parametrize("engine", ["vllm", "sglang", "trtllm", "llama.cpp", "generic"])
@pytest.mark.parametrize(
    "model", ["llama-3.1-8b", "gemma-3-27b", "qwen3-30b-a3b", "deepseek-v3", "qwen3.5-27b"]
)
def test_the_parts_add_up(engine: str, model: str) -> None:
    gpu = planned(model, engine={"name": engine}).per_gpu
    parts = gpu.weights_bytes + gpu.activation_peak_bytes + gpu.cuda_graphs_bytes + gpu.framework_bytes
    assert parts + gpu.kv_cache_bytes + gpu.unallocated_bytes == gpu.memory_bytes


def test_the_example_fits() -> None:
    answer = answer_memory_plan(MemoryPlanRequest.model_validate(MEMORY_PLAN_EXAMPLES[0]), load_catalogs())
    assert answer.fits
    assert (answer.asked_sequences, answer.asked_context_tokens) == (32, 2560)
    assert answer.changes_that_fit == []
    left = answer.per_gpu.kv_cache_bytes - answer.kv_cache.allocated.bytes_in_all
    assert answer.headroom_bytes == left
    assert answer.max_concurrency == pytest.approx(answer.kv_cache_tokens / 16384, abs=1e-3)


def test_windows_need_less_than_the_engine_allocates() -> None:
    """gpt-oss-20b: 24 layers of 2048 B a token, half of them with a window of 128 tokens."""
    answer = planned("gpt-oss-20b", engine={"name": "vllm", "max_model_len": 131072})
    cache = answer.kv_cache
    assert cache.needed.bytes_per_sequence == 2048 * 12 * (131072 + 128)
    window = -(-(128 - 1 + 2 * 8192) // 16) + 1  # two steps are in flight
    assert cache.allocated.bytes_per_sequence == 2048 * 12 * 16 * (131072 // 16 + window)
    assert [group.kind for group in cache.groups] == ["sliding", "full"]


def test_what_is_short_is_said_with_numbers() -> None:
    answer = planned("llama-3.1-70b", hardware={"gpu": "rtx-4090"})
    assert not answer.fits
    assert answer.reason.startswith("weights of 131.")
    assert answer.kv_cache_tokens == answer.max_context_tokens == 0
    assert answer.headroom_bytes < 0
    assert answer.per_gpu.unallocated_bytes < 0
    assert answer.changes_that_fit


def test_a_context_that_is_too_long_is_said() -> None:
    answer = planned(hardware={"gpu": "rtx-4090"})
    assert "1 sequence of 131072 tokens takes 16.00 GiB" in answer.reason
    assert "this does not fit" in answer.reason
    assert 0 < answer.max_context_tokens < 131072
    assert any("no workload was given" in assumption for assumption in answer.assumptions)


def test_the_format_of_the_cache_is_named() -> None:
    answer = planned("qwen3-32b", precision={"weights": "fp8"}, engine={"name": "trtllm"})
    assert answer.kv_cache.format == "fp8"
    assert "KV cache in fp8, as the engine does by default" in answer.assumptions
    chosen = planned("qwen3-32b", precision={"weights": "fp8", "kv_cache": "bf16"}, engine={"name": "trtllm"})
    assert chosen.kv_cache.needed.bytes_per_token == 2 * answer.kv_cache.needed.bytes_per_token


def test_sequences_are_divided_over_data_parallel_attention() -> None:
    body: dict[str, Any] = {
        "precision": {"weights": "fp8"},
        "engine": {"name": "sglang"},
        "workload": {"input_tokens": 900, "output_tokens": 100, "concurrency": 80},
    }
    spread = planned(
        "deepseek-v3", hardware={"gpu": "h200-141gb-sxm", "count": 8}, parallelism={"data": 8}, **body
    )
    whole = planned(
        "deepseek-v3", hardware={"gpu": "h200-141gb-sxm", "count": 8}, parallelism={"tensor": 8}, **body
    )
    assert (
        spread.kv_cache.needed.bytes_in_all * 8
        == whole.kv_cache.needed.bytes_in_all
        == 80 * 1000 * 61 * 576 * 2
    )
    assert spread.kv_cache_tokens > whole.kv_cache_tokens


def test_warnings_of_what_the_engine_will_not_do() -> None:
    long = planned(
        engine={"name": "vllm", "max_model_len": 1000}, workload={"input_tokens": 2000, "output_tokens": 1}
    )
    assert any("exceed the engine's context of 1000" in warning for warning in long.warnings)
    many = planned(
        engine={"name": "vllm", "max_num_seqs": 4, "version": "0.6.3"},
        workload={"input_tokens": 10, "output_tokens": 10, "concurrency": 5},
    )
    assert any("at most 4 sequences at once" in warning for warning in many.warnings)
    assert any("rules are those of vLLM" in warning for warning in many.warnings)


def test_graphs_may_exceed_the_reserve() -> None:
    answer = planned(engine={"name": "vllm", "version": "0.19", "gpu_memory_utilization": 1.0})
    assert answer.per_gpu.unallocated_bytes < 0
    assert any("CUDA graphs" in warning for warning in answer.warnings)
    assert not answer.starts
    assert "exceed the GPU's memory" in answer.reason


def test_the_request_decides_where_no_context_is_chosen() -> None:
    """131072 tokens of Llama 3.1 70B in fp8 do not fit on one H100; requests of 1024 do."""
    body: dict[str, Any] = {
        "precision": {"weights": "fp8"},
        "workload": {"input_tokens": 1000, "output_tokens": 24},
    }
    answer = planned("llama-3.1-70b", engine={"name": "vllm"}, **body)
    assert (answer.fits, answer.starts) == (True, False)
    assert any(
        "engine.max_model_len: not given; with the default of 131072" in each for each in answer.warnings
    )
    chosen = planned("llama-3.1-70b", engine={"name": "vllm", "max_model_len": 131072}, **body)
    assert (chosen.fits, chosen.starts) == (False, False)
    longest = planned("llama-3.1-70b", engine={"name": "vllm", "max_model_len": "auto"}, **body)
    assert longest.starts
    assert 1024 < longest.max_model_len_tokens == longest.max_context_tokens < 131072


def test_splits_that_blocks_do_not_allow_are_refused_with_those_that_work() -> None:
    """768 columns of an expert are six blocks of 128: four GPUs cannot have a whole number each."""
    config = load_catalogs().model("qwen3-30b-a3b").config | {
        "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}
    }
    for name in ("vllm", "sglang"):
        body = {
            "model": {"hf_config": config},
            "hardware": {**H100, "count": 4},
            "parallelism": {"tensor": 4},
            "engine": {"name": name},
        }
        answer = answer_memory_plan(MemoryPlanRequest.model_validate(body), load_catalogs())
        assert not answer.starts
        assert "gives 192 on each of 4 GPUs" in answer.reason
        assert "what works: tensor 1, tensor 2, tensor 4 with expert 4" in answer.reason


def test_unified_memory_is_named() -> None:
    answer = planned(hardware={"gpu": "apple-m4-max"}, engine={"name": "llama.cpp", "n_ctx": 4096})
    assert any("shares its memory with the host" in warning for warning in answer.warnings)


def test_a_model_without_a_cache_holds_what_the_scheduler_allows() -> None:
    custom = {"hidden_dim": 1024, "ff_dim": 4096, "num_layers": 4, "vocab_size": 1000}
    body = {"model": {"custom": custom}, "hardware": H100}
    answer = answer_memory_plan(MemoryPlanRequest.model_validate(body), load_catalogs())
    assert answer.fits
    assert answer.max_model_len_tokens == 4096


def test_shared_memory_that_is_short_is_told_without_figures_below_zero() -> None:
    asked = {
        "model": "gpt-oss-120b",
        "hardware": "m4 max 36gb",
        "engine": {"name": "llama.cpp", "n_ctx": 8192},
    }
    found = MEMORY_PLAN.answered(asked, load_catalogs())
    assert not found.fits
    assert "that the processor keeps" in found.reason
    assert " -" not in found.reason


def test_that_the_profile_run_of_an_encoder_is_left_out_is_said() -> None:
    def said(model: str, engine: str) -> bool:
        return any("encoder" in line for line in planned(model, engine={"name": engine}).assumptions)

    assert said("qwen3-vl-8b", "vllm")
    assert not said("llama-3.1-8b", "vllm")
    assert not said("qwen3-vl-8b", "sglang")


def test_vllm_starts_with_the_context_that_the_files_own_yarn_makes() -> None:
    """vLLM 0.33.0 ``_get_and_verify_max_len`` multiplies; SGLang keeps the stated length."""
    config = {"model_type": "qwen3", "hidden_size": 4096, "intermediate_size": 12288, "num_hidden_layers": 36}
    config |= {"num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128, "vocab_size": 151936}
    config |= {"max_position_embeddings": 32768}
    yarn = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}

    def context(engine: str, **further: Any) -> int:
        body = {"model": {"hf_config": config | further}, "hardware": H100, "engine": {"name": engine}}
        request = MemoryPlanRequest.model_validate(body)
        return answer_memory_plan(request, load_catalogs()).max_model_len_tokens

    assert context("vllm") == 32768
    assert context("vllm", rope_scaling=yarn) == 4 * 32768
    assert context("vllm", rope_parameters=yarn) == 4 * 32768
    assert context("sglang", rope_scaling=yarn) == 32768
