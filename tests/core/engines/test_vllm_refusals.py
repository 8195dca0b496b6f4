"""What vLLM refuses before any memory is counted: blocks that no kernel takes, contexts that are not fitted."""

import pytest

import llm_calc
from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.config_file import read_config
from llm_calc.adapters.engines import build_engine
from llm_calc.core.errors import UnsupportedError
from tests.core.engines.setups import recurrent, setup


@pytest.mark.parametrize(
    ("version", "size", "taken"),
    [
        ("0.33.0", 16, True),
        ("0.33.0", 48, True),
        ("0.33.0", 2048, True),
        ("0.33.0", 7, False),
        ("0.33.0", 24, False),
        ("0.17.0", 256, True),
        ("0.17.0", 48, False),
        ("0.11.0", 128, True),
        ("0.11.0", 256, False),
        ("0.11.0", 8, False),
    ],
)
def test_blocks_are_what_the_kernels_take(version: str, size: int, *, taken: bool) -> None:
    engine = build_engine("vllm", version, block_size=size)
    if taken:
        assert engine.plan(setup()).kv_cache_tokens > 0
        return
    with pytest.raises(UnsupportedError, match=rf"engine\.block_size: .* {size} tokens; accepted"):
        engine.plan(setup())


@pytest.mark.parametrize("name", ["deepseek-v4-flash", "minimax-m3"])
def test_compressed_entries_and_sparse_blocks_ask_for_multiples_of_128(name: str) -> None:
    """vLLM 0.33.0: an entry of V4 stands for up to 128 tokens; a page of MiniMax-M3 is one sparse block of 128."""
    model = read_config(load_catalogs().model(name).config, name=name).model
    with pytest.raises(UnsupportedError, match=r"multiples of 128"):
        build_engine("vllm", block_size=64).plan(setup(model, tensor=4))
    build_engine("vllm", block_size=128).plan(setup(model, tensor=4))


def test_a_model_without_attention_takes_any_block() -> None:
    build_engine("vllm", block_size=24).plan(setup(recurrent(0, 4)))


def test_the_longest_that_fits_is_found_from_0_14_on() -> None:
    build_engine("vllm", "0.14.0", max_model_len=-1).plan(setup())
    with pytest.raises(UnsupportedError, match=r"engine\.max_model_len: this release does not fit it"):
        build_engine("vllm", "0.13.0", max_model_len=-1).plan(setup())


@pytest.mark.parametrize(("model", "gpu"), [("gemma-3-4b", "t4"), ("gemma-2-9b", "v100-32gb-sxm2")])
def test_kinds_without_fp16_run_in_fp32_on_a_gpu_without_bf16(model: str, gpu: str) -> None:
    """``_FLOAT16_NOT_SUPPORTED_MODELS`` of ``vllm/config/model.py`` 0.33.0."""
    halved = llm_calc.memory_plan(model=model, hardware=gpu, engine="vllm")
    assert not halved.starts
    assert "name fp32" in str(halved.reason)
    whole = llm_calc.memory_plan(model=model, hardware=gpu, engine="vllm", precision="fp32")
    assert whole.per_gpu.weights_bytes == pytest.approx(2 * halved.per_gpu.weights_bytes, rel=0.01)


def test_other_kinds_run_in_fp16_there() -> None:
    assert llm_calc.memory_plan(model="qwen2.5-1.5b", hardware="t4", engine="vllm").starts
