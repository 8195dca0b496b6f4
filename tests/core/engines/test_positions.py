"""Contexts beyond a model's positions: Phi-4 has 16,384 (its config.json, max_position_embeddings)."""

import pytest

import llm_calc
from llm_calc.core.errors import UnsupportedError

OPTIONS = {"vllm": "max_model_len", "sglang": "context_length"}


@pytest.mark.parametrize("engine", OPTIONS)
def test_engines_that_do_not_start_beyond_them(engine: str) -> None:
    """vLLM and SGLang raise: ``vllm/config/model.py``, ``srt/configs/model_config.py``."""
    option = OPTIONS[engine]
    refused = llm_calc.memory_plan(
        model="phi-4", hardware="h100-80gb-sxm", engine={"name": engine, option: 16_385}
    )
    assert not refused.starts
    assert f"engine.{option}: 16385 is above the 16384 tokens" in str(refused.reason)
    held = llm_calc.memory_plan(
        model="phi-4", hardware="h100-80gb-sxm", engine={"name": engine, option: 16_384}
    )
    assert held.starts


def test_tensorrt_llm_lowers_a_longer_context() -> None:
    """``_init_max_seq_len`` of ``model_engine.py``: "Setting max_seq_len to {inferred}"."""
    plan = llm_calc.memory_plan(
        model="phi-4", hardware="h100-80gb-sxm", engine={"name": "trtllm", "max_seq_len": 61_000}
    )
    assert plan.starts
    assert plan.max_model_len_tokens == 16_384
    assert any("lowers 61000 to the 16384 tokens" in each for each in plan.warnings + plan.assumptions)


@pytest.mark.parametrize("engine", ["vllm", "sglang", "trtllm", "llama.cpp"])
def test_no_plan_serves_prompts_beyond_them(engine: str) -> None:
    workload = {"input_tokens": 60_000, "output_tokens": 1_000, "concurrency": 4}
    found = llm_calc.plan(model="phi-4", workload=workload, gpus=["h100-80gb-sxm"], engines=[engine])
    assert not found.plans


def test_no_gpu_is_recommended_for_more() -> None:
    with pytest.raises(UnsupportedError, match="context_tokens: 65536 is above the 16384 tokens"):
        llm_calc.recommend(model="phi-4", context_tokens=65_536)


def test_gpus_are_recommended_for_all_positions_where_no_context_is_given() -> None:
    found = llm_calc.recommend(model="llama2-7b", gpus=["h100-80gb-sxm"])
    assert found.recommendations
    assert any(each.startswith("context_tokens: 4096, all that the model") for each in found.assumptions)
