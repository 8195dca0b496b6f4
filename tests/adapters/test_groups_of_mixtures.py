"""Data-parallel groups of a mixture of experts are one server in vLLM, dealt experts or cut ones; how TensorRT-LLM's
switch is said decides; how many hosts a flag says is what the hardware says.

vLLM, https://docs.vllm.ai/en/latest/serving/data_parallel_deployment.html: of mixtures the ranks take every step
together, and expert layers are by default cut over a tensor-parallel group of DP x TP GPUs.
"""

from typing import Any

import pytest

import llm_calc
from llm_calc.core.errors import InvalidInputError

Json = dict[str, Any]
MIXTURE, DENSE = "qwen3-30b-a3b", "llama-3.1-8b"
ROUTED = 48 * 128 * 3 * 2048 * 768 * 2
"""Bytes of Qwen3-30B-A3B's routed experts in bf16: 48 layers of 128 with three 2048 x 768 matrices."""
LOAD = {"input_tokens": 1000, "output_tokens": 100, "concurrency": 32}


def asked(engine: Json, model: str = MIXTURE, /, **layout: int) -> Json:
    return {
        "model": model,
        "hardware": "4x h100-80gb-sxm",
        "engine": engine,
        **({"parallelism": layout} if layout else {}),
    }


def expert_bytes(question: Json, phase: str = "decode") -> float:
    found = llm_calc.estimate(**question, workload=LOAD)
    rows = [each for each in found.operators if "experts" in each.name and each.phase == phase]
    assert rows
    return sum(float(each.bytes) for each in rows)


@pytest.mark.parametrize("engine", ["vllm", "trtllm"])
@pytest.mark.parametrize("layout", [{"tensor": 1, "data": 4}, {"tensor": 2, "data": 2}], ids=str)
def test_cut_experts_do_as_many_tokens_as_dealt_ones(engine: str, layout: dict[str, int]) -> None:
    """A GPU of a DP x TP group meets all groups' tokens in a quarter of each expert, as with dealt experts in a
    quarter of the experts: where every expert is met, both read a quarter of the routed weights.
    """
    cut, dealt = (asked({"name": engine}, **layout, expert=expert) for expert in (1, 4))
    assert expert_bytes(cut) == pytest.approx(expert_bytes(dealt), rel=0.01)
    plan = llm_calc.memory_plan(**cut)
    whole = llm_calc.memory_plan(**asked({"name": engine}, tensor=4)).per_gpu.weights_bytes
    assert plan.per_gpu.weights_bytes - whole < ROUTED / 4


def test_tensorrt_llm_without_its_switch_is_as_many_servers() -> None:
    off = asked({"name": "trtllm", "enable_attention_dp": False}, tensor=1, data=4)
    plan = llm_calc.memory_plan(**off)
    one = llm_calc.memory_plan(model=MIXTURE, hardware="h100-80gb-sxm", engine="trtllm")
    assert plan.per_gpu.weights_bytes == one.per_gpu.weights_bytes > ROUTED
    assert plan.kv_cache_tokens == 4 * one.kv_cache_tokens
    assert any(word.startswith("engine.enable_attention_dp: off") for word in plan.assumptions)


def test_tensorrt_llm_with_its_switch_is_one_server() -> None:
    on = asked({"name": "trtllm", "enable_attention_dp": True, "tp_size": 4})
    assert llm_calc.memory_plan(**on).per_gpu.weights_bytes < ROUTED / 4 + 4 * 2**30


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
def test_hosts_are_those_of_the_hardware(engine: str) -> None:
    by_flag, by_part = (
        {
            **asked({"name": engine, **flag}, DENSE, tensor=4),
            "hardware": {"gpu": "h100-80gb-sxm", "count": 4, **part},
        }
        for flag, part in (({"nnodes": 2}, {}), ({}, {"gpus_per_node": 2}))
    )
    found, same = (llm_calc.estimate(**each, workload=LOAD) for each in (by_flag, by_part))
    assert (found.tpot_s, found.ttft_s) == (same.tpot_s, same.ttft_s)
    inside = llm_calc.estimate(**asked({"name": engine}, DENSE, tensor=4), workload=LOAD)
    assert found.tpot_s > inside.tpot_s
    assert not [word for word in (*found.assumptions, *found.warnings) if "nnodes" in word]


def test_gpus_of_a_host_under_the_name_of_tensorrt_llm() -> None:
    question = asked({"name": "trtllm", "gpus_per_node": 2}, DENSE, tensor=4)
    inside = llm_calc.estimate(**asked({"name": "trtllm"}, DENSE, tensor=4), workload=LOAD)
    assert llm_calc.estimate(**question, workload=LOAD).tpot_s > inside.tpot_s


@pytest.mark.parametrize(
    ("flag", "hardware", "says"),
    [
        ({"nnodes": 3}, {"count": 4}, "4 GPUs (hardware.count) do not go over 3 hosts evenly"),
        ({"nnodes": 2}, {"count": 4, "gpus_per_node": 4}, "they must agree"),
        ({"nnodes": 2}, {"gpu": "DGX H100"}, "hardware.gpu says 8; they must agree"),
        ({"nnodes": 2}, {"gpu": "p5.48xlarge"}, "hardware.gpu says 8; they must agree"),
        ({"nnodes": 0}, {"count": 4}, "must be a whole number"),
        ({"nnodes": True}, {"count": 4}, "must be a whole number"),
    ],
    ids=str,
)
def test_hosts_that_cannot_be_are_refused(flag: Json, hardware: Json, says: str) -> None:
    question = {**asked({"name": "vllm", **flag}, DENSE), "hardware": {"gpu": "h100-80gb-sxm", **hardware}}
    with pytest.raises(InvalidInputError) as refusal:
        llm_calc.memory_plan(**question)
    assert "engine.nnodes" in str(refusal.value)
    assert says in str(refusal.value)


@pytest.mark.parametrize("count", ["two", -1, True])
def test_a_count_that_is_none_is_refused_by_its_own_field(count: Any) -> None:
    question = {
        **asked({"name": "vllm", "nnodes": 2}, DENSE),
        "hardware": {"gpu": "h100-80gb-sxm", "count": count},
    }
    with pytest.raises(InvalidInputError, match=r"hardware\.count"):
        llm_calc.memory_plan(**question)


def test_gpus_that_are_counted_in_their_name_are_so_here() -> None:
    question = {**asked({"name": "vllm", "nnodes": 2}, DENSE), "hardware": {"gpu": "4x h100-80gb-sxm"}}
    spread = llm_calc.estimate(**question, workload=LOAD)
    assert spread.tpot_s > llm_calc.estimate(**asked({"name": "vllm"}, DENSE), workload=LOAD).tpot_s
