"""What engines of late 2026 do by themselves, one fact a row, asked as users ask.

Rows of vLLM 0.33.0 are answers of its own planner and model classes on the meta device, those of SGLang 0.5.23 of its
own pool configurator, those of llama.cpp v0.5.0 of its dry run; starts that were logged say their release.
"""

from typing import Any

import pytest

import llm_calc
from llm_calc.adapters.wire.memory import MemoryPlanAnswer
from llm_calc.core.errors import CalcError

GIB = 2**30
H100, H200, B200, A100 = "h100-80gb-sxm", "h200-141gb-sxm", "b200-180gb-sxm", "a100-80gb-sxm"


def plan(
    model: str, gpu: str, tensor: int = 1, stages: int = 1, engine: str = "vllm", **options: Any
) -> MemoryPlanAnswer:
    extra = {name: options.pop(name) for name in ("precision", "workload") if name in options}
    return llm_calc.memory_plan(
        model=model,
        hardware=f"{tensor * stages}x {gpu}",
        parallelism={"tensor": tensor, "pipeline": stages},
        engine={"name": engine, **options},
        **extra,
    )


def cells(model: str, memory_gib: int = 400, **options: Any) -> MemoryPlanAnswer:
    cache = options.pop("kv_cache", "auto")
    return llm_calc.memory_plan(
        model=model,
        precision={"weights": "f16", "kv_cache": cache},
        hardware={"gpu": H100, "gpu_memory_bytes": memory_gib * GIB},
        engine={"name": "llama.cpp", **options},
    )


# A state takes three pages with prefix caching (two without a checkpoint of the kernel), one without it; the block of a
# gated delta model is a multiple of 64 on Hopper.
HELD_BY_PREFIXES = [  # concurrency without prefix caching over that with it
    ("nemotron-3-nano-30b-a3b", H100, 1, 8192, 2.00),
    ("nemotron-3-nano-30b-a3b", H100, 1, 262_144, 1.06),
    ("nemotron-3-super-120b-a12b", H100, 4, 8192, 2.11),
    ("nemotron-h-56b", H100, 4, 8192, 2.50),
    ("qwen3.5-27b", H100, 2, 8192, 1.44),
    ("qwen3.5-397b-a17b", H200, 8, 8192, 1.38),
    ("granite-4.0-h-small", H200, 1, 8192, 1.72),
]


@pytest.mark.parametrize(("model", "gpu", "tensor", "length", "ratio"), HELD_BY_PREFIXES)
def test_prefix_caching_of_hybrids_costs_states(
    model: str, gpu: str, tensor: int, length: int, ratio: float
) -> None:
    on = plan(model, gpu, tensor, max_model_len=length)
    off = plan(model, gpu, tensor, max_model_len=length, enable_prefix_caching=False)
    assert off.max_concurrency / on.max_concurrency == pytest.approx(ratio, abs=0.006)  # printed to 0.01


BLOCKS = [  # bytes of the cache, tokens and bytes of a block, blocks
    ("qwen3-next-80b-a3b", H100, 4, 8771 * 3_342_336, 320, 3_932_160, 7455),
    ("qwen3-next-80b-a3b", H100, 8, 27_185 * 1_769_472, 192, 2_359_296, 20_388),
    ("qwen3.5-27b", H100, 2, 1502 * 25_690_112, 832, 27_262_976, 1415),
    ("qwen3.5-397b-a17b", H200, 8, 2645 * 8_847_360, 576, 8_847_360, 2645),
    ("deepseek-v4-flash", H200, 4, 55_550 * 1_002_240, 256, 1_002_240, 55_550),
]


@pytest.mark.parametrize(("model", "gpu", "tensor", "cache", "tokens", "size", "blocks"), BLOCKS)
def test_blocks_of_hybrids(
    model: str, gpu: str, tensor: int, cache: int, tokens: int, size: int, blocks: int
) -> None:
    found = plan(model, gpu, tensor, max_model_len=8192, kv_cache_memory_bytes=cache)
    assert max(group.block_tokens for group in found.kv_cache.groups) == tokens
    assert {group.block_bytes for group in found.kv_cache.groups} == {size}
    assert found.per_gpu.kv_cache_bytes == blocks * size


IN_FLIGHT = [  # concurrency with one step in flight over that with as many as the engine schedules
    ("gpt-oss-120b", H100, 2, 131_072, 1.06),
    ("gemma-3-27b", H100, 2, 163_840, 1.22),
    ("gemma-3-1b", H100, 1, 32_768, 1.58),
    ("gemma-4-31b", H100, 2, 262_144, 1.23),
    ("olmo3-32b", H100, 2, 65_536, 1.24),
    ("gpt-oss-20b", A100, 1, 8192, 1.20),
    ("gpt-oss-20b", "l40s", 1, 8192, 1.20),
    ("llama-4-scout", H100, 8, 8192, 1.00),
]


@pytest.mark.parametrize(("model", "gpu", "tensor", "length", "ratio"), IN_FLIGHT)
def test_two_steps_are_in_flight_in_a_window(
    model: str, gpu: str, tensor: int, length: int, ratio: float
) -> None:
    two = plan(model, gpu, tensor, max_model_len=length)
    one = plan(model, gpu, tensor, max_model_len=length, async_scheduling=False)
    assert one.max_concurrency / two.max_concurrency == pytest.approx(ratio, abs=0.006)  # printed to 0.01


def test_two_stages_have_three_steps_in_flight() -> None:
    """Gemma 3 27B over two stages of two GPUs, counted once before 0.26: 11.33 to 7.82 of equal bytes."""
    once, thrice = (
        plan(
            "gemma-3-27b", H100, 2, 2, version=version, max_model_len=163_840, kv_cache_memory_bytes=48 * GIB
        )
        for version in ("0.25.0", "0.33.0")
    )
    assert once.max_concurrency / thrice.max_concurrency == pytest.approx(11.33 / 7.82, rel=0.005)


@pytest.mark.parametrize(("length", "sequences"), [(1_048_576, 5.15), (8192, 16.51)])
def test_compressed_states_fill_blocks_with_what_is_in_flight(length: int, sequences: float) -> None:
    found = plan("deepseek-v4-flash", H200, 4, max_model_len=length, kv_cache_memory_bytes=55_550 * 1_002_240)
    assert found.max_concurrency == pytest.approx(sequences, abs=0.006)


@pytest.mark.parametrize(
    ("model", "gpu", "tensor", "gib"),
    [("deepseek-v4-flash", H100, 4, 39.98e9 / GIB), ("deepseek-v4-pro", H200, 8, 109.4e9 / GIB)],
)
def test_experts_of_deepseek_v4_are_in_four_bits(model: str, gpu: str, tensor: int, gib: float) -> None:
    """2 %: the engine's own copies for its kernels are not in the file."""
    assert plan(model, gpu, tensor).per_gpu.weights_bytes / GIB == pytest.approx(gib, rel=0.02)


SHARES = [  # release, share of the memory, sampler's peak of Llama 3.1 8B, outside of torch [GiB]
    ("0.11.0", 0.90, 4.76, 0.13),
    ("0.16.0", 0.90, 4.76, 0.13),
    ("0.17.0", 0.90, 1.885, 0.13),
    ("0.19.0", 0.90, 1.885, 0.25),
    ("0.20.0", 0.92, 1.885, 0.25),
    ("0.33.0", 0.92, 1.885, 0.25),
]


@pytest.mark.parametrize(("version", "share", "peak", "outside"), SHARES)
def test_terms_of_vllm_by_release(version: str, share: float, peak: float, outside: float) -> None:
    found = plan("llama-3.1-8b", H100, version=version, max_model_len=8192).per_gpu
    assert found.usable_bytes / found.memory_bytes == pytest.approx(share, abs=1e-6)
    assert found.activation_peak_bytes / GIB == pytest.approx(peak, rel=0.005)
    assert found.framework_bytes / GIB == pytest.approx(outside, abs=0.005)


def test_terms_that_few_starts_show() -> None:
    """GB10's context of 2.2 GiB; 1.55 GiB of graphs of gpt-oss-120b, which has 83 sizes (5 %: a fitted line)."""
    shared = plan("llama-3.1-8b", "dgx-spark-gb10", max_model_len=8192).per_gpu
    assert shared.framework_bytes / GIB == pytest.approx(2.2, abs=0.05)
    graphs = plan("gpt-oss-120b", H100, version="0.19.0", max_model_len=8192)
    assert graphs.starts
    assert graphs.per_gpu.cuda_graphs_bytes / GIB == pytest.approx(1.55, rel=0.05)


REFUSED = [  # options of a start that was logged as refused, and the word that the answer holds
    ({"version": "0.19.0", "gpu_memory_utilization": 0.985}, "CUDA graphs"),
    ({"max_model_len": 200_000}, "131072"),
    ({"gpu_memory_utilization": 0.998}, "gpu_memory_utilization"),
]


@pytest.mark.parametrize(("options", "word"), REFUSED)
def test_starts_that_are_refused(options: dict[str, Any], word: str) -> None:
    found = plan("llama-3.1-8b", H100, **{"max_model_len": 8192, **options})
    assert not found.starts
    assert word in found.reason


# vLLM's own code: --language-model-only came with 0.17.0, which like limits of zero loads no tower (interfaces.py)
TOWERS = [
    ("qwen2.5-vl-7b", {"language_model_only": True}, True),
    ("qwen2.5-vl-7b", {"limit_mm_per_prompt": {"image": 0}}, False),  # it still takes videos
    ("qwen2.5-vl-7b", {"limit_mm_per_prompt": {"image": 0, "video": 0}}, True),
    ("gemma-3-27b", {"limit_mm_per_prompt": {"image": {"count": 0}}}, True),
    ("gemma-3-27b", {"version": "0.11.0", "limit_mm_per_prompt": {"image": 0}}, True),
]


@pytest.mark.parametrize(("model", "options", "left_out"), TOWERS)
def test_towers_that_serve_nothing_are_not_loaded(
    model: str, options: dict[str, Any], left_out: bool
) -> None:
    whole = plan(model, H200, max_model_len=8192, version=options.get("version"))
    found = plan(model, H200, max_model_len=8192, **options)
    assert (found.per_gpu.weights_bytes < whole.per_gpu.weights_bytes) == left_out


def test_an_option_is_taken_from_its_release_on() -> None:
    with pytest.raises(
        CalcError, match=r"language_model_only: vLLM 0\.16\.0 has no such option; these have: 0\.17\.0"
    ):
        plan("gemma-3-27b", H200, version="0.16.0", language_model_only=True)
    assert plan("gemma-3-27b", H200, version="0.17.0", language_model_only=True).starts


def test_five_gpus_do_not_divide_the_heads() -> None:
    with pytest.raises(CalcError, match=r"parallelism\.tensor: 5 does not divide 32 heads"):
        plan("llama-3.1-8b", H100, 5)


KEPT_IN = [  # what the cache is kept in where nothing is said
    ("vllm", "glm-5.2", B200, 8, "fp8"),
    ("vllm", "glm-5.2", H200, 8, "bf16"),
    ("vllm", "deepseek-v3.2", B200, 8, "bf16"),
    ("sglang", "glm-5.2", B200, 8, "fp8"),
    ("sglang", "deepseek-v3.2", H200, 8, "bf16"),
    ("sglang", "deepseek-v4-flash", H200, 4, "fp8"),
]


@pytest.mark.parametrize(("engine", "model", "gpu", "tensor", "kept"), KEPT_IN)
def test_types_of_the_cache_by_default(engine: str, model: str, gpu: str, tensor: int, kept: str) -> None:
    assert plan(model, gpu, tensor, engine=engine).kv_cache.format == kept


KERNEL_BLOCKS = [
    ("deepseek-v3", H200, 8, "auto", 16),
    ("deepseek-v3", B200, 8, "auto", 32),
    ("deepseek-v3", H200, 8, "fp8", 64),
    ("deepseek-v3.2", H200, 8, "auto", 64),
    ("glm-5.2", H200, 8, "auto", 64),
    ("gemma-4-31b", H100, 2, "fp8", 64),
    ("mimo-v2-flash", H200, 8, "auto", 16),
]


@pytest.mark.parametrize(("model", "gpu", "tensor", "cache", "tokens"), KERNEL_BLOCKS)
def test_blocks_that_kernels_ask_for(model: str, gpu: str, tensor: int, cache: str, tokens: int) -> None:
    found = plan(model, gpu, tensor, precision={"kv_cache": cache}, max_model_len=8192)
    assert min(group.block_tokens for group in found.kv_cache.groups) == tokens


def test_sglang_runs_a_fifth_of_the_states_that_it_holds() -> None:
    """68 slots of Nemotron 3 Nano on an H100, five a request: 13 of 64; 1: shares are rounded to a thousandth."""
    load = {"input_tokens": 1000, "output_tokens": 24, "concurrency": 64}
    found = plan("nemotron-3-nano-30b-a3b", H100, engine="sglang", workload=load)
    assert not found.fits
    assert found.scheduler_max_sequences == pytest.approx(13, abs=1)


CELLS = [  # llama.cpp: model, options, bytes of its cache
    ("gemma-3-12b", {"n_ctx": 8192, "n_parallel": 64}, 6_442_450_944),
    ("gemma-3-12b", {"n_ctx": 32_768, "n_parallel": 4, "kv_unified": True}, 3_657_433_088),
    ("llama-4-scout", {"n_ctx": 10_000, "n_parallel": 3}, 2_113_929_216),
    ("gemma-4-31b", {"n_ctx": 32_768, "n_parallel": 1, "flash_attn": False}, 5_284_823_040),
    ("phi-3-mini", {"n_ctx": 4096, "n_parallel": 1}, 1_610_612_736),
    ("phi-3-mini", {"n_ctx": 32_768, "n_parallel": 1}, 12_884_901_888),
    ("qwen3-8b", {"version": "b11549"}, 40_960 * 147_456),
    ("qwen3-8b", {"version": "v0.5.0"}, 4 * 40_960 * 147_456),
]


@pytest.mark.parametrize(("model", "options", "size"), CELLS)
def test_cells_of_llama_cpp(model: str, options: dict[str, Any], size: int) -> None:
    assert cells(model, **options).per_gpu.kv_cache_bytes == size


def test_a_slot_of_llama_server_refuses_what_is_longer() -> None:
    """Four explicit slots over 4096 cells: 1024 tokens each, and a prompt of 1100 is answered with an error."""
    load = {"input_tokens": 1100, "output_tokens": 20, "concurrency": 1}
    options = {"n_ctx": 4096, "n_parallel": 4, "kv_unified": False}
    apart = plan("qwen3-8b", H100, engine="llama.cpp", workload=load, **options)
    assert (apart.fits, apart.max_model_len_tokens) == (False, 1024)
    assert plan("qwen3-8b", H100, engine="llama.cpp", workload=load, **options | {"kv_unified": True}).fits


HOST = [  # bytes that stay with the host: the embedding of a tied head, of which the device holds a second copy
    ("gemma-3-12b", {"n_ctx": 4096}, 2_013_265_920),
    ("gemma-3-12b", {"n_ctx": 4096, "n_gpu_layers": 20}, 15_014_828_032),
    ("llama-3.2-1b", {"n_ctx": 4096}, 525_336_576),
]


@pytest.mark.parametrize(("model", "options", "size"), HOST)
def test_what_llama_cpp_leaves_with_the_host(model: str, options: dict[str, Any], size: int) -> None:
    assert cells(model, **options).per_gpu.host_weights_bytes == size
