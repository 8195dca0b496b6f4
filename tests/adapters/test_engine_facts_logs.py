"""What starts of engines logged, and what llama.cpp's own dry run and server did, asked as users ask."""

from typing import Any

import pytest

import llm_calc
from llm_calc.adapters.wire.memory import MemoryPlanAnswer
from llm_calc.core.errors import CalcError

GIB = 2**30
H100, H200, B200 = "h100-80gb-sxm", "h200-141gb-sxm", "b200-180gb-sxm"


def plan(model: str, gpu: str = H100, tensor: int = 1, stages: int = 1, **engine: Any) -> MemoryPlanAnswer:
    return llm_calc.memory_plan(
        model=model,
        hardware=f"{tensor * stages}x {gpu}",
        parallelism={"tensor": tensor, "pipeline": stages},
        engine={"name": "vllm", "max_model_len": 8192, **engine},
    )


@pytest.mark.parametrize(
    ("version", "gib"), [("0.15.0", 5.64), ("0.16.0", 5.64), ("0.17.0", 2.23), ("0.18.0", 2.23)]
)
def test_the_samplers_peak_of_qwen3_14b(version: str, gib: float) -> None:
    """Logged; 0.01: printed with two digits, and the constant is a mean over models."""
    found = plan("qwen3-14b", version=version)
    assert found.per_gpu.activation_peak_bytes / GIB == pytest.approx(gib, abs=0.01)


OUTSIDE = [  # release, GPUs of a tensor group, stages, least and most that was logged outside of torch [GiB]
    ("0.17.0", 1, 1, 0.12, 0.14),
    ("0.19.0", 1, 1, 0.25, 0.25),
    ("0.19.0", 2, 1, 2.03, 2.11),
    ("0.19.0", 4, 1, 2.13, 2.21),
    ("0.19.0", 1, 2, 0.07, 0.07),
    ("0.33.0", 2, 1, 2.03, 2.11),
]


@pytest.mark.parametrize(("version", "tensor", "stages", "least", "most"), OUTSIDE)
def test_what_lies_outside_of_torch(
    version: str, tensor: int, stages: int, least: float, most: float
) -> None:
    found = plan("llama-3.1-8b", H100, tensor, stages, version=version).per_gpu.framework_bytes / GIB
    assert least - 0.005 <= found <= most + 0.005  # logged with two digits


def test_only_the_last_stage_samples() -> None:
    first, last = list(plan("llama-3.1-8b", H100, 1, 2, version="0.16.0").stages or [])
    assert last.activation_peak_bytes / GIB == pytest.approx(4.76, abs=0.01)
    # its own forward pass: 1.05 to 1.10 logged with what the engine keeps beside it
    assert first.activation_peak_bytes / GIB < 1.1


def test_experts_keep_a_workspace_beside_the_sampler() -> None:
    """0.26 to 0.51 GiB at 8192 tokens a step; none of gpt-oss."""
    for model, vocabulary, hidden in (("qwen3-30b-a3b", 151_936, 2048), ("qwen1.5-moe-a2.7b", 151_936, 2048)):
        peak = plan(model, version="0.19.0").per_gpu.activation_peak_bytes
        sampler = 1024 * vocabulary * 14.94 + 8192 * hidden * 2
        assert 0.25 < (peak - sampler) / GIB < 0.52


@pytest.mark.parametrize("model", ["llama-3.1-8b", "qwen3-14b", "gemma-2-2b"])
def test_graphs_of_102_batches(model: str) -> None:
    """51 sizes in pieces and 51 of pure decoding: 0.52 GiB and 13.3 MiB a layer, the line over 23 starts."""
    layers = {"llama-3.1-8b": 32, "qwen3-14b": 40, "gemma-2-2b": 26}[model]
    found = plan(model, version="0.19.0").per_gpu.cuda_graphs_bytes
    assert found / GIB == pytest.approx(0.52 + layers * 13.3 / 1024, rel=0.005)  # rounded constants


def test_two_steps_of_16384_tokens_on_b200() -> None:
    """Gemma 3 27B on a B200 counted one step of 8192 up to 0.25: 5.95 to 3.56 of equal bytes."""
    once, twice = (
        plan("gemma-3-27b", B200, version=each, max_model_len=163_840, kv_cache_memory_bytes=48 * GIB)
        for each in ("0.25.0", "0.33.0")
    )
    assert once.max_concurrency / twice.max_concurrency == pytest.approx(5.95 / 3.56, rel=0.002)


def test_a_block_is_held_back_from_0_29_on() -> None:
    cache = 1000 * 16 * 131_072
    assert [
        plan("llama-3.1-8b", version=each, kv_cache_memory_bytes=cache).max_context_tokens
        for each in ("0.28.0", "0.29.0", "0.33.0")
    ] == [16_000, 15_984, 15_984]


@pytest.mark.parametrize(("length", "most"), [(None, 2048), (2048, 4096), (40_000, 4096)])
def test_requests_that_sglang_runs_follow_tokens_over_context(length: int | None, most: int) -> None:
    """Tokens / context x 512, held in 2048 to 4096."""
    options = {} if length is None else {"context_length": length}
    found = llm_calc.memory_plan(model="llama-3.1-8b", hardware=H100, engine={"name": "sglang", **options})
    assert found.scheduler_max_sequences == most


def test_jamba_is_no_hybrid_of_sglang() -> None:
    with pytest.raises(CalcError, match="does not run models of type jamba"):
        llm_calc.memory_plan(
            model="jamba-v0.1", hardware=f"4x {H100}", parallelism={"tensor": 4}, engine="sglang"
        )


def test_the_file_of_deepseek_v4_flash_is_160_gb() -> None:
    """Experts in MXFP4; 3 %: the engine's own sum holds tensors that it makes for its kernels."""
    found = llm_calc.inspect_model(model="deepseek-v4-flash")
    assert found.weights_bytes == pytest.approx(160e9, rel=0.03)
    assert max(found.weights_by_format, key=lambda each: each.bytes).format == "mxfp4"


CONTEXT_BYTES = 483_183_820
"""What a CUDA card has lost before anything is loaded; the dry run's devices had lost nothing."""
FITTED = [  # model, free memory [GiB], cells, what stays with the host
    ("qwen3-8b", 16, 5632, ""),
    ("qwen3-8b", 12, 4096, "n_gpu_layers 26"),
    ("qwen3-30b-a3b", 24, 4096, "experts of"),
]


@pytest.mark.parametrize(("model", "gib", "cells", "said"), FITTED)
def test_llama_cpp_fits_the_context_then_layers_then_experts(
    model: str, gib: int, cells: int, said: str
) -> None:
    """The real fit in 16 bits: 5632 cells and all layers; 26 layers; all layers, experts of some with the host."""
    found = llama_cpp(model, gib * GIB + CONTEXT_BYTES, version="b11549")
    assert (found.starts, found.kv_cache_tokens) == (True, cells)
    told = [line for line in found.assumptions if "stay with the host" in line]
    assert (said in " ".join(told)) if said else not told


def llama_cpp(model: str, memory_bytes: int = 400 * GIB, **options: Any) -> MemoryPlanAnswer:
    return llm_calc.memory_plan(
        model=model,
        precision={"weights": "f16"},
        hardware={"gpu": H100, "gpu_memory_bytes": memory_bytes},
        engine={"name": "llama.cpp", **options},
    )


def test_tables_of_each_layer_stay_with_the_host() -> None:
    """Gemma 4 E4B: 9290008832 bytes on the device; a few norms are f32 there and not counted as such here."""
    found = llama_cpp("gemma-4-e4b", n_ctx=4096).per_gpu
    assert found.weights_bytes == pytest.approx(9_290_008_832, rel=1e-5)


def test_a_cache_with_the_host() -> None:
    found = llama_cpp("llama-3.1-8b", n_ctx=32_768, n_parallel=1, offload_kqv=False)
    assert found.per_gpu.kv_cache_bytes == 0
    assert found.host is not None
    assert found.host.kv_cache_bytes == 4_294_967_296


@pytest.mark.parametrize(
    ("model", "size"),
    [("llama-3.2-1b", 96_479_360), ("gemma-3-1b", 83_904_640), ("mistral-7b-v0.3", 146_811_008)],
)
def test_the_server_has_no_logits_of_the_micro_batch(model: str, size: int) -> None:
    assert llama_cpp(model, n_ctx=32_768, n_parallel=1).per_gpu.activation_peak_bytes == size


def test_a_part_on_the_host_copies_experts() -> None:
    """Nemotron 3 Nano with 20 layers or none on the device: 1355284480; 1 %: holes of the allocator."""
    for layers in (0, 20):
        found = llama_cpp("nemotron-3-nano-30b-a3b", n_ctx=8192, n_gpu_layers=layers, n_parallel=1)
        assert found.per_gpu.activation_peak_bytes == pytest.approx(1_355_284_480, rel=0.01)


@pytest.mark.parametrize("model", ["opt-6.7b", "biogpt", "gpt-neo-1.3b", "gpt-j-6b", "rwkv-4-7b", "zamba-7b"])
def test_types_that_llama_cpp_lacks(model: str) -> None:
    with pytest.raises(CalcError, match="does not run models of type"):
        llama_cpp(model, n_ctx=2048)


WIDENED = [  # GPU, format of the cache, options, MiB of one layer's 32768 cells of 2 x 4096 numbers in 16 bits
    (H100, "q8_0", {}, "512 MiB"),
    (H100, "q4_0", {}, "512 MiB"),
    ("mi300x", "q8_0", {}, "512 MiB"),
    (H100, "auto", {"cache_type_k": "q8_0"}, "256 MiB"),
    (H100, "f16", {}, ""),
    (H100, "q8_0", {"offload_kqv": False}, ""),
    ("apple-m4-max", "q8_0", {}, ""),
]


@pytest.mark.parametrize(("gpu", "cache", "options", "said"), WIDENED)
def test_a_quantized_cache_is_widened_for_attention(
    gpu: str, cache: str, options: dict[str, Any], said: str
) -> None:
    """``ggml_cuda_flash_attn_ext_get_alloc_size``; OLMo 2 7B has as many keys and values as numbers in a row."""
    found = llm_calc.memory_plan(
        model="olmo2-7b",
        precision={"weights": "f16", "kv_cache": cache},
        hardware=gpu,
        engine={"name": "llama.cpp", "n_ctx": 32_768, "n_parallel": 1, **options},
    )
    told = [line for line in found.assumptions if "in 16 bits besides" in line]
    assert (said in told[0]) if said else not told
