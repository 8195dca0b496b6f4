"""Operators of a step against sums done by hand."""

import pytest

from llm_calc.core.blocks.attention import SparseIndexer
from llm_calc.core.memory import CacheFormat
from llm_calc.core.operators import GROUPS, LinearWork, StepWork, step_work, summed
from llm_calc.core.operators.context import mean_visited_keys, visited_keys, visited_pairs
from llm_calc.core.operators.dealt import with_dealt_contexts
from llm_calc.core.operators.work import UNLIMITED_TOKENS, ContextWork
from llm_calc.core.parallelism import Layout
from llm_calc.core.serving.step import StepLoad, collective_seconds
from tests.builders import decoder, deepseek_v3, llama, mixtral, plain_recipe
from tests.core.serving.cases import rates

LLAMA_MATRICES = 6_738_415_616 - 32000 * 4096 - 65 * 4096
"""Llama-2-7B without its embedding and norms."""


def work_of(model: object, **sizes: int) -> StepWork:
    return step_work(model, plain_recipe(), Layout(**sizes), CacheFormat())  # type: ignore[arg-type]


def group(work: StepWork, name: str) -> LinearWork:
    return summed(work).linear[GROUPS.index(name)]


def test_llama_reads_every_matrix_once_and_multiplies_it_by_every_token() -> None:
    work = work_of(llama())
    assert sum(each.weight_bytes for each in work.linear) == 2 * LLAMA_MATRICES
    assert sum(each.flops_per_token for each in work.linear) == 2 * LLAMA_MATRICES


def test_summing_by_group_changes_no_total() -> None:
    work = work_of(mixtral())
    for name in ("weight_bytes", "flops_per_token", "activation_bytes_per_token", "calls"):
        assert sum(getattr(each, name) for each in summed(work).linear) == sum(
            getattr(each, name) for each in work.linear
        )


def test_tensor_parallelism_splits_matrices_and_caches_and_adds_two_all_reduces_a_layer() -> None:
    one, four = work_of(llama()), work_of(llama(), tensor=4)
    assert group(four, "mlp").weight_bytes == group(one, "mlp").weight_bytes / 4
    assert four.context[0].kv_bytes_per_key == one.context[0].kv_bytes_per_key / 4
    assert [(each.calls, each.ranks, each.bytes_per_token) for each in four.collectives] == [(64, 4, 8192.0)]
    assert one.collectives == ()


def test_experts_of_mixtral_hold_all_eight_and_multiply_two() -> None:
    experts = group(work_of(mixtral()), "experts")
    assert experts.weight_bytes == 2 * 32 * 8 * 3 * 4096 * 14336
    assert experts.flops_per_token == 2 * 32 * 2 * 3 * 4096 * 14336
    assert (experts.experts, experts.top_k) == (8, 2)


def test_dealt_experts_see_the_tokens_of_all_groups_and_attention_only_its_own() -> None:
    work = work_of(deepseek_v3(), data=8, expert=8)
    assert group(work, "experts").token_share == 1.0
    assert group(work, "mixer").token_share == 1 / 8
    assert group(work, "experts").weight_bytes == pytest.approx(2 * 58 * 256 / 8 * 3 * 7168 * 2048)
    assert [each.name for each in work.collectives] == ["expert dispatch and combine"]


def test_experts_cut_over_all_groups_of_a_server_see_the_tokens_of_all() -> None:
    """The same bytes and FLOPs a GPU as dealt ones: 8 GPUs compute an eighth each, of every group's tokens."""
    cut, dealt = work_of(deepseek_v3(), data=8, shared=True), work_of(deepseek_v3(), data=8, expert=8)
    for name in ("token_share", "weight_bytes", "flops_per_token"):
        assert getattr(group(cut, "experts"), name) == getattr(group(dealt, "experts"), name), name
    assert group(cut, "mixer").token_share == 1 / 8
    assert cut.collectives == dealt.collectives


def test_latent_attention_reads_576_elements_a_layer_and_scores_absorbed_in_decode_only() -> None:
    context = work_of(deepseek_v3(), tensor=8).context[0]
    assert context.kv_bytes_per_key == 61 * 576 * 2
    assert context.decode_flops_per_key == 61 * 2 * 16 * (576 + 512)
    assert context.prefill_flops_per_pair == 61 * 2 * 16 * (192 + 128)


def test_an_index_writes_a_score_a_pair_and_reads_it_for_the_selection() -> None:
    """One score in fp32 for every pair in each of three layers; other attention keeps its scores to itself."""
    index = SparseIndexer(hidden=1024, q_rows=256, heads=8, head_dim=64)
    work = work_of(decoder([(index,)] * 3, hidden=1024, vocab=1000))
    assert sum(float(each.prefill_bytes_per_pair) for each in work.context) == 3 * (4 + 4)
    assert not any(each.prefill_bytes_per_pair for each in work_of(llama()).context)


def context(limit: float, *, chunked: bool = False) -> ContextWork:
    return ContextWork(
        name="",
        calls=1,
        kv_bytes_per_key=1.0,
        decode_flops_per_key=1.0,
        prefill_flops_per_pair=1.0,
        limit_tokens=limit,
        chunked=chunked,
    )


def test_without_a_limit_a_prompt_visits_half_of_its_square() -> None:
    assert visited_pairs(context(UNLIMITED_TOKENS), 0, 1000) == 500_000
    assert visited_pairs(context(UNLIMITED_TOKENS), 1000, 1000) == 1_500_000


@pytest.mark.parametrize(("start", "end"), [(0, 100), (0, 5000), (4000, 5000), (900, 1100), (700, 700)])
def test_mean_of_a_window_is_the_mean_over_its_contexts(start: int, end: int) -> None:
    one = context(1024.0)
    contexts = [start + (end - start) * (step + 0.5) / 1000 for step in range(1000)]
    expected = sum(float(visited_keys(one, each)) for each in contexts) / 1000
    assert mean_visited_keys(one, start, end) == pytest.approx(expected, rel=1e-3)


def test_a_chunked_window_is_half_full_beyond_its_width() -> None:
    assert visited_keys(context(8192.0, chunked=True), 4000) == 4000
    assert visited_keys(context(8192.0, chunked=True), 20_000) == 8193 / 2


def test_dealt_contexts_of_a_latent_cache_by_hand() -> None:
    """DeepSeek-V3 over 16 GPUs, contexts dealt over 4: 128 heads are 8 a GPU, gathered 32; queries of 576 and results
    of 512 numbers in two bytes, a sum of four; an all-reduce moves twice what a gather or a scatter does."""
    model, layout = deepseek_v3(), Layout(tensor=16)
    whole = work_of(model, tensor=16)
    dealt = with_dealt_contexts(whole, model, layout, 4)
    (more,) = set(dealt.collectives) - set(whole.collectives)
    assert (more.calls, more.ranks, more.decoding_only) == (3 * 61, 4, True)
    assert float(more.bytes_per_token) * 3 == 8 * 4 * ((576 + 512) * 2 + 4) / 2
    (before,), (after,) = whole.context, dealt.context
    assert after.kv_bytes_per_key == before.kv_bytes_per_key / 4
    assert after.decode_flops_per_key == before.decode_flops_per_key
    assert with_dealt_contexts(whole, model, layout, 1) is whole


def test_what_decoding_tokens_alone_need_is_not_there_without_any() -> None:
    model = deepseek_v3()
    dealt = with_dealt_contexts(work_of(model, tensor=16), model, Layout(tensor=16), 4)
    more = dealt.collectives[-1]
    prompt = StepLoad(prompt_tokens=1000.0, prompts=1.0)
    assert collective_seconds(more, prompt, rates()) == 0
    both = StepLoad(sequences=8.0, prompt_tokens=1000.0, prompts=1.0)
    alone = collective_seconds(more, StepLoad(sequences=8.0), rates())
    assert collective_seconds(more, both, rates()) == alone > 0
