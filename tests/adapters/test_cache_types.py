"""llama.cpp's cache types under their own names."""

from typing import Any

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.memory_plan import answer_memory_plan
from llm_calc.adapters.wire.memory import MemoryPlanAnswer, MemoryPlanRequest
from llm_calc.core.errors import CalcError, UnsupportedError


def planned(kv_cache: str = "auto", **engine: Any) -> MemoryPlanAnswer:
    request = {
        "model": {"name": "qwen3-8b"},
        "precision": {"weights": "q4_k_m", "kv_cache": kv_cache},
        "hardware": {"gpu": "rtx-4090"},
        "engine": {"name": "llama.cpp", "n_ctx": 8192, "n_parallel": 1, **engine},
    }
    return answer_memory_plan(MemoryPlanRequest(**request), load_catalogs())


@pytest.mark.parametrize(
    ("options", "bytes_of_keys", "bytes_of_values"),
    [
        ({}, 2, 2),
        ({"cache_type_k": "q8_0"}, 34 / 32, 2),
        ({"cache_type_v": "q4_0"}, 2, 18 / 32),
        ({"cache_type_k": "q8_0", "cache_type_v": "q8_0"}, 34 / 32, 34 / 32),
        ({"cache_type_k": "f32", "cache_type_v": "f16"}, 4, 2),
        ({"kv_cache": "q8_0", "cache_type_k": "q8_0"}, 34 / 32, 34 / 32),
    ],
)
def test_keys_and_values_have_types_of_their_own(
    options: dict[str, Any], bytes_of_keys: float, bytes_of_values: float
) -> None:
    """36 layers of 8 heads of 128 elements, keys and values each."""
    expected = 8192 * 36 * 8 * 128 * (bytes_of_keys + bytes_of_values)
    assert planned(**options).per_gpu.kv_cache_bytes == expected


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"cache_type_k": "fp8"}, "q8_0"),
        ({"kv_cache": "fp8"}, "precision.kv_cache"),
        ({"kv_cache": "q8_0", "cache_type_v": "q4_0"}, "precision.kv_cache"),
        ({"cache_type_v": "q8_0", "flash_attn": False}, "flash_attn"),
    ],
)
def test_what_it_cannot_do_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(CalcError, match=said):
        planned(**options)


@pytest.mark.parametrize(
    ("engine", "kv_cache", "taken"),
    [
        ("vllm", "int4", False),
        ("vllm", "q8_0", False),
        ("vllm", "fp16", True),
        ("vllm", "fp8", True),
        ("vllm", "nvfp4", True),
        ("sglang", "int8", False),
        ("trtllm", "int4", False),
        ("trtllm", "fp8", True),
        ("generic", "int4", True),
    ],
)
def test_every_engine_keeps_its_own_formats(engine: str, kv_cache: str, *, taken: bool) -> None:
    request = MemoryPlanRequest.model_validate(
        {
            "model": {"name": "qwen3-8b"},
            "precision": {"kv_cache": kv_cache},
            "hardware": {"gpu": "h100-80gb-sxm"},
            "engine": {"name": engine},
        }
    )
    if taken:
        assert answer_memory_plan(request, load_catalogs()).starts
        return
    with pytest.raises(
        UnsupportedError, match=rf"precision\.kv_cache: {engine} keeps no cache in {kv_cache}"
    ):
        answer_memory_plan(request, load_catalogs())


@pytest.mark.parametrize("name", ["fp8_e4m3", "fp8_e5m2"])
@pytest.mark.parametrize("engine", ["vllm", "sglang", "trtllm", "generic"])
def test_eight_bits_under_the_names_of_engines_are_fp8(engine: str, name: str) -> None:
    def asked(kv_cache: str, **flag: str) -> MemoryPlanRequest:
        return MemoryPlanRequest.model_validate(
            {
                "model": {"name": "qwen3-8b"},
                "precision": {"kv_cache": kv_cache},
                "hardware": {"gpu": "h100-80gb-sxm"},
                "engine": {"name": engine, **flag},
            }
        )

    own, plain = (answer_memory_plan(asked(each), load_catalogs()) for each in (name, "fp8"))
    assert own.kv_cache_tokens == plain.kv_cache_tokens
    if engine in ("vllm", "sglang"):
        both = answer_memory_plan(asked(name, kv_cache_dtype=name), load_catalogs())
        assert both.kv_cache_tokens == plain.kv_cache_tokens


@pytest.mark.parametrize(
    ("engine", "version", "gpu", "kv_cache", "taken"),
    [
        ("vllm", "0.33.0", "h100-80gb-sxm", "nvfp4", True),
        ("vllm", "0.27.0", "h100-80gb-sxm", "nvfp4", False),
        ("vllm", "0.27.0", "b200-180gb-sxm", "nvfp4", True),
        ("vllm", "0.19.0", "b200-180gb-sxm", "nvfp4", False),
        ("vllm", "0.33.0", "mi300x", "nvfp4", False),
        ("sglang", "0.5.23", "h100-80gb-sxm", "nvfp4", False),
        ("sglang", "0.5.23", "b200-180gb-sxm", "nvfp4", True),
        ("sglang", "0.5.16", "b200-180gb-sxm", "nvfp4", True),
        ("sglang", "0.5.15", "b200-180gb-sxm", "nvfp4", False),
        ("sglang", "0.5.23", "rtx-5090", "mxfp8", True),
        ("sglang", "0.5.23", "h100-80gb-sxm", "mxfp8", False),
        ("sglang", "0.5.15", "b200-180gb-sxm", "mxfp8", False),
        ("trtllm", "1.2.1", "h100-80gb-sxm", "nvfp4", False),
        ("trtllm", "1.2.1", "b200-180gb-sxm", "nvfp4", True),
        ("trtllm", "1.0.0", "b200-180gb-sxm", "nvfp4", False),
    ],
)
def test_a_format_of_the_cache_by_release_and_chip(
    engine: str, version: str, gpu: str, kv_cache: str, *, taken: bool
) -> None:
    request = MemoryPlanRequest.model_validate(
        {
            "model": {"name": "qwen3-8b"},
            "hardware": {"gpu": gpu},
            "engine": {"name": engine, "version": version, "kv_cache_dtype": kv_cache},
        }
    )
    if taken:
        assert answer_memory_plan(request, load_catalogs()).starts
        return
    with pytest.raises(
        UnsupportedError, match=rf"{engine} .* keeps no cache in {kv_cache} on {gpu}; it does on"
    ):
        answer_memory_plan(request, load_catalogs())


@pytest.mark.parametrize(
    ("version", "gpu", "words"),
    [
        ("0.33.0", "b200-180gb-sxm", "fp8"),
        ("0.33.0", "h200-141gb-sxm", "bf16"),
        ("0.30.0", "b200-180gb-sxm", "bf16"),
    ],
)
def test_sparse_latents_are_kept_small_where_the_release_does_so(version: str, gpu: str, words: str) -> None:
    request = MemoryPlanRequest.model_validate(
        {
            "model": {"name": "glm-5.2"},
            "precision": {"weights": "fp8"},
            "hardware": {"gpu": gpu, "count": 8},
            "engine": {"name": "vllm", "version": version},
        }
    )
    answer = answer_memory_plan(request, load_catalogs())
    assert f"KV cache in {words}, as the engine does by default" in answer.assumptions


def test_weights_in_fp32_ask_for_that_type_throughout() -> None:
    """Llama 3.1 8B with --dtype float32 on vLLM 0.19: a start-up log says 10956 blocks of 16 in 42.8 GiB."""
    request = MemoryPlanRequest.model_validate(
        {
            "model": {"name": "llama-3.1-8b"},
            "precision": {"weights": "fp32"},
            "hardware": {"gpu": "h100-80gb-sxm"},
            "engine": {
                "name": "vllm",
                "version": "0.19.0",
                "max_model_len": 8192,
                "gpu_memory_utilization": 0.95,
            },
        }
    )
    answer = answer_memory_plan(request, load_catalogs())
    assert answer.per_gpu.kv_cache_bytes_per_token == 32 * 2 * 8 * 128 * 4
    assert answer.kv_cache_tokens == pytest.approx(10956 * 16, rel=0.01)


def of_deepseek_v4(
    precision: dict[str, str], engine: str = "vllm", gpu: str = "h200-141gb-sxm"
) -> MemoryPlanAnswer:
    request = {
        "model": {"name": "deepseek-v4-flash"},
        "precision": precision,
        "hardware": {"gpu": gpu, "count": 8},
        "parallelism": {"tensor": 8},
        "engine": {"name": engine},
    }
    return answer_memory_plan(MemoryPlanRequest.model_validate(request), load_catalogs())


@pytest.mark.parametrize("gpu", ["h200-141gb-sxm", "mi300x", "mi355x"])
def test_vllm_keeps_the_cache_of_deepseek_v4_in_fp8_alone(gpu: str) -> None:
    """Rows of 584 bytes; read in vLLM 0.33.0 ``vllm/models/deepseek_v4/attention.py``, 2026-11-30; pull 57523."""
    found = of_deepseek_v4({}, gpu=gpu)
    assert "KV cache in fp8, as the engine does by default" in found.assumptions
    assert found.per_gpu == of_deepseek_v4({"kv_cache": "fp8"}, gpu=gpu).per_gpu
    with pytest.raises(UnsupportedError, match=r"precision\.kv_cache: .*fp8"):
        of_deepseek_v4({"kv_cache": "bf16"}, gpu=gpu)
