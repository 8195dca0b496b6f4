"""TensorRT-LLM: a fraction of what is left becomes blocks."""

from dataclasses import replace

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.config_file import read_config
from llm_calc.adapters.engines import build_engine
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.parallelism import Layout
from tests.core.engines.setups import engine, recurrent, setup, sliding


def test_the_cache_is_a_fraction_of_what_is_left() -> None:
    plan = engine("trtllm", free_gpu_memory_fraction=0.8).plan(setup())
    budget = plan.budget
    left = budget.memory_bytes - budget.weights_bytes - budget.activation_peak_bytes - budget.framework_bytes
    assert plan.available_bytes == pytest.approx(0.8 * left)
    assert 0 <= plan.available_bytes - budget.kv_cache_bytes < 32 * 131_072
    assert plan.tokens_per_replica % 32 == 0


def test_sliding_layers_get_blocks_for_the_whole_context() -> None:
    plan = engine("trtllm").plan(setup(sliding(2, 10)))
    assert plan.bytes_per_token == 12 * 2048
    assert "max_attention_window" in " ".join(plan.notes)


def test_states_get_a_slot_for_each_sequence() -> None:
    blocks, slots = engine("trtllm", max_batch_size=100).plan(setup(recurrent(2, 6))).pools
    assert slots.capacity_bytes == 100 * 6 * 400_000
    assert blocks.capacity_bytes > slots.capacity_bytes


def test_every_stage_has_a_batch_of_its_own() -> None:
    """TensorRT-LLM runs ``max_batch_size x pp_size`` sequences; the fullest stage has two of the six such layers."""
    staged = replace(setup(recurrent(2, 6)), layout=Layout(pipeline=2))
    plan = engine("trtllm", max_batch_size=100).plan(staged)
    assert plan.limits.max_sequences == 200
    assert plan.pools[-1].capacity_bytes == 200 * 2 * 400_000


def test_what_does_not_leave_anything_does_not_start() -> None:
    plan = engine("trtllm").plan(setup(memory_gib=12))
    assert plan.available_bytes < 0
    assert plan.kv_cache_tokens == 0
    assert not plan.starts
    assert plan.budget.usable_bytes == 12 * 2**30  # the memory that there is, not what is needed


def test_graphs_up_to_the_batch_size() -> None:
    few = engine("trtllm", max_batch_size=8).plan(setup()).budget.cuda_graphs_bytes
    assert 0 < few < engine("trtllm").plan(setup()).budget.cuda_graphs_bytes
    assert engine("trtllm", cuda_graph=False).plan(setup()).budget.cuda_graphs_bytes == 0


def test_the_cache_may_be_capped() -> None:
    plan = build_engine("trtllm", max_tokens=1000).plan(setup())
    assert plan.tokens_per_replica == 1024  # whole blocks of 32


def test_the_type_of_states_may_be_given_from_1_2_on() -> None:
    model = recurrent(2, 6)
    assert build_engine("trtllm", mamba_ssm_cache_dtype="bfloat16").plan(setup(model)) == build_engine(
        "trtllm"
    ).plan(setup(model))  # the model states its own
    with pytest.raises(
        InvalidInputError, match=r"TensorRT-LLM 1\.0\.0 has no such option; these have: 1\.2\.1"
    ):
        build_engine("trtllm", "1.0.0", mamba_ssm_cache_dtype="bfloat16")


@pytest.mark.parametrize("version", ["1.0.0", "1.1.0", "1.2.1"])
def test_prompts_longer_than_a_step_are_refused_unless_they_are_cut(version: str) -> None:
    """``llm_args.py`` has cutting off by default; ``llm.py`` refuses a prompt of more than ``max_num_tokens``."""
    whole = build_engine("trtllm", version).limits(setup())
    assert (whole.max_batched_tokens, whole.max_prompt_tokens) == (8192, 8192)
    assert whole.takes(8192)
    assert not whole.takes(9351)
    assert build_engine("trtllm", version, enable_chunked_prefill=True).limits(setup()).takes(10**6)
    longer = build_engine("trtllm", version, max_num_tokens=16_384)
    assert longer.limits(setup()).takes(9351)


@pytest.mark.parametrize(
    ("tensor", "cut"), [(1, True), (2, True), (3, False), (6, False), (8, True), (16, True)]
)
def test_kv_heads_are_dealt_or_doubled_whole(tensor: int, *, cut: bool) -> None:
    """``duplicate_kv_weight`` asserts that the 8 KV heads are a multiple of the GPUs, or these of them."""
    model = read_config(load_catalogs().model("beam-1.0-501b-a23b").config, name="beam").model
    plan = engine("trtllm").plan(setup(model, tensor=tensor, memory_gib=1400))
    assert plan.starts == cut
    asked = f"parallelism.tensor: {tensor} neither divides 8 KV heads nor is a multiple of them"
    works = "what works: tensor 1, 2, 4, 8, 16"
    assert plan.refusals == (() if cut else (f"{asked}; {works}",))


def test_batches_that_are_captured() -> None:
    """``CudaGraphConfig`` without padding: 1 to 31, and 32, 64, 128."""
    whole, one = (
        build_engine("trtllm", max_batch_size=most).plan(setup()).budget.cuda_graphs_bytes
        for most in (2048, 1)
    )
    assert whole == 34 * one
    assert build_engine("trtllm", max_batch_size=64).plan(setup()).budget.cuda_graphs_bytes == 33 * one


@pytest.mark.parametrize("tokens", [1, 32, 128])
def test_blocks_of_powers_of_two_are_taken(tokens: int) -> None:
    assert engine("trtllm", tokens_per_block=tokens).plan(setup()).starts


def test_other_blocks_are_refused() -> None:
    """The arrays of blocks of its kernels stop unless log2 of their tokens is whole."""
    with pytest.raises(InvalidInputError, match=r"engine\.tokens_per_block: .* 4 or 8; .* 7$"):
        engine("trtllm", tokens_per_block=7).plan(setup())
