"""vLLM: the budget, its terms, and what it derives from card and model."""

from typing import Any

import pytest

from llm_calc.adapters.engines import build_engine
from llm_calc.core.engines.vllm import Vllm
from llm_calc.core.engines.vllm_budget import expert_workspace_bytes, weight_rules
from llm_calc.core.errors import InvalidInputError, UnsupportedError
from llm_calc.core.parallelism import Layout
from tests.builders import mixtral, plain_numbers
from tests.core.engines.setups import GIB, llama_3_8b, recurrent, setup, sliding


def vllm(version: str | None = None, **options: Any) -> Vllm:
    found = build_engine("vllm", version, **options)
    assert isinstance(found, Vllm)
    return found


@pytest.mark.parametrize(
    ("version", "share", "graphs"), [("0.11", 0.9, 0), ("0.19", 0.9, 0), ("0.33", 0.92, 1)]
)
def test_the_terms_close_on_the_share_of_the_total_memory(version: str, share: float, graphs: int) -> None:
    """From 0.20 the graphs are estimated first and come off the cache."""
    plan = vllm(version, max_model_len=16_000).plan(setup(memory_gib=79.18))
    budget = plan.budget
    assert budget.usable_bytes == pytest.approx(share * 79.18 * GIB, abs=2)
    fixed = budget.weights_bytes + budget.activation_peak_bytes + budget.framework_bytes
    assert plan.available_bytes == pytest.approx(
        budget.usable_bytes - fixed - graphs * budget.cuda_graphs_bytes
    )
    assert 0 <= plan.available_bytes - budget.kv_cache_bytes < 16 * 131_072


# What starts of Llama 3.1 8B and Qwen3 14B on one H100 logged: activation peak, non-torch, cache [GiB]
STARTS = [
    ("0.11.0", 0.9, 4.76, 0.13, 51.38),  # llm-d-planner, 79.18 GiB
    ("0.19.0", 0.95, 1.89, 0.25, 58.11),  # llm-d-planner, accuracy/results/v0.19.0
]


@pytest.mark.parametrize(("version", "share", "peak", "outside", "cache"), STARTS)
def test_published_starts_of_llama_3_1_8b_on_an_h100(
    version: str, share: float, peak: float, outside: float, cache: float
) -> None:
    plan = vllm(version, max_model_len=16_000, gpu_memory_utilization=share).plan(setup(memory_gib=79.18))
    assert plan.budget.weights_bytes / GIB == pytest.approx(
        14.96, abs=0.01
    )  # no rotary table: no context is stated
    assert plan.budget.activation_peak_bytes / GIB == pytest.approx(peak, rel=0.02)
    assert plan.budget.framework_bytes / GIB == pytest.approx(outside, abs=0.02)
    assert plan.budget.kv_cache_bytes / GIB == pytest.approx(cache, rel=0.01)


def test_releases_change_the_answer_as_the_logs_do() -> None:
    """Less for the sampler from 0.17; a larger share, and graphs within it, at last."""
    versions = ("0.11.0", "0.16.0", "0.17.0", "0.33.0")
    plans = [vllm(version, max_model_len=8192).plan(setup(memory_gib=79.18)) for version in versions]
    peaks = [plan.budget.activation_peak_bytes / GIB for plan in plans]
    assert peaks[0] == peaks[1] == pytest.approx(4.76, rel=0.02)
    assert peaks[2] == peaks[3] == pytest.approx(1.89, rel=0.02)
    caches = [plan.budget.kv_cache_bytes / GIB for plan in plans]
    assert caches[0] == pytest.approx(caches[1], abs=0.01)
    assert caches[2] - caches[1] == pytest.approx(peaks[1] - peaks[2], abs=0.01)
    assert caches[3] - caches[2] == pytest.approx(0.02 * 79.18 - 0.25 + 0.13 - 0.94, abs=0.05)


@pytest.mark.parametrize(("tensor", "pipeline", "outside"), [(2, 1, 2.07), (4, 1, 2.13), (1, 2, 0.07)])
def test_what_is_outside_of_torch_follows_the_ranks(tensor: int, pipeline: int, outside: float) -> None:
    """llm-d-planner, vLLM 0.19: Llama 3.1 8B on two and four H100, and in two stages."""
    deployment = setup(memory_gib=79.19, tensor=tensor, pipeline=pipeline)
    budget = vllm("0.19", max_model_len=8192).plan(deployment).budget
    assert budget.framework_bytes / GIB == pytest.approx(outside, abs=0.03)


def test_only_the_last_stage_samples() -> None:
    first, last = (vllm("0.19")._stage(setup(pipeline=2), stage).budget for stage in range(2))
    assert first.activation_peak_bytes / GIB == pytest.approx(1.1, rel=0.2)
    assert last.activation_peak_bytes / GIB == pytest.approx(1.89, rel=0.02)


def test_experts_add_their_workspace() -> None:
    """8 x 7B, 8192 tokens a step: tokens x 2 experts x (2 x 14336 + 14336) x 2 bytes."""
    overheads = vllm().overheads
    found = expert_workspace_bytes(mixtral(), plain_numbers().recipe, Layout(), 8192)
    assert found == 8192 * 2 * 3 * 14336 * 2
    assert overheads.workspace_fraction == 1
    assert expert_workspace_bytes(llama_3_8b(), plain_numbers().recipe, Layout(), 8192) == 0


def test_a_token_of_llama_3_8b_takes_128_kib() -> None:
    plan = vllm("0.11").plan(setup())
    assert plan.bytes_per_token == 32 * 2 * 8 * 128 * 2
    assert plan.kv_cache_tokens == plan.budget.kv_cache_bytes / plan.bytes_per_token
    assert plan.kv_cache_tokens % 16 == 0


@pytest.mark.parametrize(
    ("length", "tokens"), [(131072, 421008), (1000, 417666), (100, 375900), (17, 223660)]
)
def test_tokens_are_reported_as_concurrency_times_length(length: int, tokens: int) -> None:
    """vLLM 0.33.0's own planner: 26313 blocks of Llama 3.1 8B."""
    plan = vllm(max_model_len=length, kv_cache_memory_bytes=55182650180).plan(setup())
    assert plan.kv_cache_tokens == tokens


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


def test_windows_and_full_layers_take_blocks_of_one_size() -> None:
    plan = vllm(max_model_len=8192, max_num_batched_tokens=2048).plan(setup(sliding(2, 10)))
    claims = plan.pools[0].claims
    assert [claim.layers for claim in claims] == [2] * 6
    assert len({claim.block_bytes for claim in claims}) == 1
    full, window = claims[0].blocks(8192), claims[1].blocks(8192)
    assert full == 512
    assert window == -(-(1024 - 1 + 2 * 2048) // 16) + 1  # two steps are in flight
    assert plan.tokens_per_replica == int(float(plan.sequences(8192)) * 8192)
    assert plan.bytes_per_token == pytest.approx((512 + 5 * window) * claims[0].block_bytes / 8192)


def test_a_recurrent_state_enlarges_the_block() -> None:
    """A float32 state of 100 000 elements needs a page of 400 000 B; a token takes 2 048 B: 16 x ceil(12.2) = 208."""
    plan = vllm().plan(setup(recurrent(2, 6)))
    full, *states = plan.pools[0].claims
    assert full.block_tokens == 208
    assert full.block_bytes == 2 * 208 * 2048
    assert [claim.blocks(10**6) for claim in states] == [2, 2, 2]  # one more is kept for prefix caching
    without = vllm(enable_prefix_caching=False).plan(setup(recurrent(2, 6))).pools[0].claims[1:]
    assert [claim.blocks(10**6) for claim in without] == [1, 1, 1]
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


def test_a_stated_cache_replaces_the_share() -> None:
    plan = vllm(max_model_len=8192, kv_cache_memory_bytes=10 * GIB).plan(setup(memory_gib=79.18))
    assert plan.budget.kv_cache_bytes == pytest.approx(10 * GIB, abs=16 * 131_072)
    plan = vllm(max_model_len=8192, num_gpu_blocks_override=1000).plan(setup(memory_gib=79.18))
    assert plan.budget.kv_cache_bytes == 1000 * 16 * 131_072


def test_the_longest_context_that_fits() -> None:
    """One block is held back: 1000 blocks of 16 tokens hold 15984."""
    plan = vllm(max_model_len=-1, num_gpu_blocks_override=100).plan(setup(memory_gib=79.18))
    assert plan.max_model_len_tokens == 99 * 16
    assert plan.starts


def test_one_block_is_held_back() -> None:
    exact = vllm(max_model_len=1600, num_gpu_blocks_override=100).plan(setup(memory_gib=79.18))
    assert exact.sequences(1600) == 1.0
    assert not exact.starts
    assert vllm(max_model_len=1600, num_gpu_blocks_override=101).plan(setup(memory_gib=79.18)).starts


def test_offloaded_weights_stay_with_the_host() -> None:
    plain, offloaded = (vllm(cpu_offload_gb=size).plan(setup()).budget for size in (0, 5))
    assert plain.weights_bytes - offloaded.weights_bytes == 5 * GIB
    assert offloaded.host_weights_bytes == 5 * GIB
    assert offloaded.kv_cache_bytes > plain.kv_cache_bytes


def test_dealt_contexts_hold_more() -> None:
    """16 GPUs hold two copies of each of 8 KV heads, over which tokens can be dealt."""
    plain, dealt = (
        vllm(max_model_len=8192, decode_context_parallel_size=size).plan(setup(tensor=16)) for size in (1, 2)
    )
    assert dealt.sequences(8192) == pytest.approx(2 * float(plain.sequences(8192)))
    assert not vllm(max_model_len=8192, decode_context_parallel_size=2).plan(setup(tensor=8)).starts


def test_windows_are_kept_whole_without_the_hybrid_manager() -> None:
    whole = vllm(disable_hybrid_kv_cache_manager=True, max_model_len=65536).plan(setup(sliding(2, 10)))
    assert whole.bytes_per_token == 12 * 2048


def test_synchronous_scheduling_keeps_one_step_in_flight() -> None:
    plan = vllm(async_scheduling=False, max_model_len=65536).plan(setup(sliding(2, 10)))
    assert plan.pools[0].claims[1].window_tokens == 1024 - 1 + 8192


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"gpu_memory_utilization": 0.999}, "more than the"),
        ({"kv_cache_memory_bytes": 70 * GIB}, "exceed the GPU's memory"),
    ],
)
def test_shares_that_leave_no_room_do_not_start(options: dict[str, float], why: str) -> None:
    plan = vllm(None, max_model_len=8192, **options).plan(setup(memory_gib=79.18))
    assert not plan.starts
    assert why in " ".join(plan.refusals)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"max_num_batched_tokens": 128, "max_num_seqs": 256}, "128 is below max_num_seqs, 256"),
        (
            {"max_num_batched_tokens": 4096, "enable_chunked_prefill": False},
            "4096 is below max_model_len, 8192",
        ),
    ],
)
def test_steps_that_are_too_small_do_not_start(options: dict[str, Any], why: str) -> None:
    plan = vllm(None, max_model_len=8192, **options).plan(setup(memory_gib=79.18))
    assert not plan.starts
    assert why in " ".join(plan.refusals)
    assert vllm(None, max_model_len=8192, max_num_batched_tokens=128).plan(setup(memory_gib=79.18)).starts


def test_modes_that_a_release_lacks_are_refused() -> None:
    with pytest.raises(
        UnsupportedError, match=r"engine\.mamba_cache_mode: this release has no all; it has none, align"
    ):
        vllm(mamba_cache_mode="all").plan(setup())
    with pytest.raises(
        InvalidInputError, match=r"engine\.mamba_cache_mode: vLLM 0\.11\.0 has no such option"
    ):
        vllm("0.11", mamba_cache_mode="align")
