"""vLLM: the budget, its terms, and what it derives from card and model."""

import pytest

from llm_calc.core.engines.vllm import Vllm, captured_sizes, weight_rules
from llm_calc.core.errors import UnsupportedError
from tests.core.engines.setups import GIB, engine, llama_3_8b, recurrent, setup, sliding


def vllm(**options: object) -> Vllm:
    found = engine("vllm", **options)
    assert isinstance(found, Vllm)
    return found


def test_the_terms_close_on_the_share_of_the_total_memory() -> None:
    plan = vllm(max_model_len=16_000).plan(setup(memory_gib=79.18))
    budget = plan.budget
    assert budget.usable_bytes == pytest.approx(0.9 * 79.18 * GIB, abs=2)
    fixed = budget.weights_bytes + budget.activation_peak_bytes + budget.framework_bytes
    assert plan.available_bytes == pytest.approx(budget.usable_bytes - fixed)
    assert 0 <= plan.available_bytes - budget.kv_cache_bytes < 16 * 131_072


def test_a_published_start_of_llama_3_1_8b_on_an_h100() -> None:
    """Weights 14.99, peak 4.76, non-torch 0.13 GiB; 51.38 GiB are left of 0.9 x 79.18 (llm-d-planner, vLLM 0.11)."""
    budget = vllm(max_model_len=16_000).plan(setup(memory_gib=79.18)).budget
    assert budget.weights_bytes / GIB == pytest.approx(
        14.96, abs=0.01
    )  # no rotary table: no context is stated
    assert budget.activation_peak_bytes / GIB == pytest.approx(4.76, rel=0.02)
    assert budget.framework_bytes / GIB == pytest.approx(0.13, abs=0.02)
    assert budget.kv_cache_bytes / GIB == pytest.approx(51.38, rel=0.01)


def test_a_token_of_llama_3_8b_takes_128_kib() -> None:
    plan = vllm().plan(setup())
    assert plan.bytes_per_token == 32 * 2 * 8 * 128 * 2
    assert plan.kv_cache_tokens == plan.budget.kv_cache_bytes / plan.bytes_per_token
    assert plan.kv_cache_tokens % 16 == 0


@pytest.mark.parametrize(("tensor", "heads"), [(1, 8), (2, 4), (4, 2), (8, 1), (16, 1), (32, 1)])
def test_kv_heads_are_replicated_beyond_their_number(tensor: int, heads: int) -> None:
    plan = vllm().plan(setup(tensor=tensor))
    assert plan.bytes_per_token == 32 * 2 * heads * 128 * 2


def test_large_cards_get_larger_batches_but_not_the_a100() -> None:
    assert vllm().limits(setup()).max_sequences == 1024
    assert vllm().limits(setup(gpu="a100-80gb-sxm")).max_sequences == 256
    assert vllm().limits(setup(memory_gib=69.9)).max_batched_tokens == 2048
    given = vllm(max_num_seqs=7, max_num_batched_tokens=99).limits(setup())
    assert (given.max_sequences, given.max_batched_tokens) == (7, 99)


def test_without_chunked_prefill_a_step_takes_a_whole_context() -> None:
    whole = vllm(enable_chunked_prefill=False, max_model_len=50_000)
    assert whole.limits(setup()).max_batched_tokens == 50_000


def test_eager_mode_captures_nothing() -> None:
    assert vllm(enforce_eager=True).plan(setup()).budget.cuda_graphs_bytes == 0
    assert vllm().plan(setup()).budget.cuda_graphs_bytes > 0


@pytest.mark.parametrize(("sequences", "sizes"), [(256, 67), (1024, 67), (128, 35), (8, 5)])
def test_captured_sizes(sequences: int, sizes: int) -> None:
    """67 sizes up to 512: 1, 2, 4, then every 8."""
    assert captured_sizes(sequences) == sizes


def test_windows_and_full_layers_take_blocks_of_one_size() -> None:
    plan = vllm(max_model_len=8192, max_num_batched_tokens=2048).plan(setup(sliding(2, 10)))
    claims = plan.pools[0].claims
    assert [claim.layers for claim in claims] == [2] * 6
    assert len({claim.block_bytes for claim in claims}) == 1
    full, window = claims[0].blocks(8192), claims[1].blocks(8192)
    assert full == 512
    assert window == -(-(1024 - 1 + 2048) // 16) + 1
    assert plan.tokens_per_replica == int(float(plan.sequences(8192)) * 8192)
    assert plan.bytes_per_token == pytest.approx((512 + 5 * window) * claims[0].block_bytes / 8192)


def test_a_recurrent_state_enlarges_the_block() -> None:
    """A float32 state of 100 000 elements needs a page of 400 000 B; a token takes 2 048 B: 16 x ceil(12.2) = 208."""
    plan = vllm().plan(setup(recurrent(2, 6)))
    full, *states = plan.pools[0].claims
    assert full.block_tokens == 208
    assert full.block_bytes == 2 * 208 * 2048
    assert [claim.blocks(10**6) for claim in states] == [1, 1, 1]
    assert "block_size becomes 208 tokens" in " ".join(plan.notes)


def test_the_fullest_stage_decides() -> None:
    plan = vllm().plan(setup(pipeline=3))
    stages = [vllm()._stage(setup(pipeline=3), stage) for stage in range(3)]
    assert plan.sequences(4096) == min(stage.sequences(4096) for stage in stages)


def test_mxfp4_experts_are_padded_as_the_card_wants_it() -> None:
    def multiples(gpu: str) -> tuple[int, int]:
        mxfp4 = weight_rules(setup(gpu=gpu)).paddings[0]
        return mxfp4.hidden, mxfp4.gated

    assert multiples("h100-80gb-sxm") == (256, 1)
    assert multiples("a100-80gb-sxm") == (256, 128)


def test_heads_must_be_divided() -> None:
    with pytest.raises(UnsupportedError, match=r"parallelism\.tensor: 3 does not divide 32 heads"):
        vllm().plan(setup(llama_3_8b(), tensor=3))
