"""Calls of collectives counted by hand on models whose layers their papers give."""

from dataclasses import replace

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.config_file import read_config
from llm_calc.core.blocks import Custom, Parts
from llm_calc.core.memory import CacheFormat
from llm_calc.core.operators import step_work, summed
from llm_calc.core.operators.collectives import collective_works, layer_counts
from llm_calc.core.operators.context import (
    context_works,
    mean_visited_keys,
    state_bytes,
    visited_keys,
    visited_pairs,
)
from llm_calc.core.operators.work import ContextWork, LinearWork
from llm_calc.core.parallelism import Layout
from llm_calc.core.weights import Cache, Scores, Weight
from tests.builders import decoder, deepseek_v3, llama, mixtral, plain_recipe


def test_layers_are_those_of_the_papers() -> None:
    # DeepSeek-V3 (arXiv:2412.19437, 4.2): 61 layers, experts in all but the first three, latent attention in all.
    v3 = layer_counts(deepseek_v3())
    assert (v3.layers, v3.expert_layers, v3.latent_layers) == (61, 58, 61)
    assert (v3.sparse_layers, v3.recurrent_layers) == (0, 0)
    # Mixtral 8x7B (arXiv:2401.04088, table 1): 32 layers, all with experts.
    eights = layer_counts(mixtral())
    assert (eights.layers, eights.expert_layers, eights.latent_layers) == (32, 32, 0)


@pytest.mark.parametrize(
    ("layout", "calls"),
    [
        (Layout(), []),
        # One behind each mixer and each feed-forward part: 2 x 61.
        (Layout(tensor=8), [("all-reduce", 122, 8)]),
        # The 58 layers with experts have theirs over the experts' GPUs: 61 + 3, and 58.
        (Layout(tensor=8, expert=8), [("all-reduce", 64, 8), ("expert all-reduce", 58, 8)]),
        # Attention of eight groups, or of two, needs none; tokens go to their experts and back.
        (Layout(data=8, expert=8), [("expert dispatch and combine", 58, 8)]),
        (Layout(data=2, expert=2), [("expert dispatch and combine", 58, 2)]),
        # One server of two groups that cuts its experts over both sends them as well; two servers send nothing.
        (Layout(data=2, shared=True), [("expert dispatch and combine", 58, 2)]),
        (Layout(data=2), []),
        (Layout(tensor=2), [("all-reduce", 122, 2)]),
        (Layout(tensor=2, expert=2), [("all-reduce", 64, 2), ("expert all-reduce", 58, 2)]),
    ],
)
def test_calls_of_a_step_of_deepseek_v3(layout: Layout, calls: list[tuple[str, int, int]]) -> None:
    model = deepseek_v3()
    works = collective_works(model, layer_counts(model), layout)
    assert [(work.name, work.calls, work.ranks) for work in works] == calls
    assert {work.bytes_per_token for work in works} <= {
        7168 * 2.0
    }  # a vector of the hidden size, 16 bits each


def test_a_dense_model_has_two_all_reduces_a_layer_on_any_stage() -> None:
    (work,) = collective_works(llama(), layer_counts(llama()), Layout(tensor=2, pipeline=2))
    assert (work.calls, work.ranks) == (2 * 32, 2)


def test_what_tokens_move_between_the_experts_of_mixtral() -> None:
    """Two of eight experts, three matrices of 4096 x 14336 in each of 32 layers, numbers of two bytes in and out."""
    whole = 32 * 2 * 3 * (4096 + 14336) * 2
    for layout, share in ((Layout(), 1), (Layout(tensor=8, expert=8), 8)):
        work = summed(step_work(mixtral(), plain_recipe(), layout, CacheFormat()))
        (experts,) = [each for each in work.linear if each.group == "experts"]
        assert experts.activation_bytes_per_token == whole / share


def test_matrices_alone_multiply() -> None:
    """A table that tokens are looked up in, and vectors, are none: 32 x (4 x 4096 + 3 x 11008) x 4096 and the head."""
    work = step_work(llama(), plain_recipe(), Layout(), CacheFormat())
    whole = 32 * (4 * 4096 + 3 * 11008) * 4096 + 32000 * 4096
    assert sum(each.flops_per_token for each in work.linear) == 2 * whole
    # In and out of each matrix: four of 4096 and 4096, three of 4096 and 11008, the head of 4096 and 32 000.
    ends = 32 * (4 * 2 * 4096 + 3 * (4096 + 11008)) + 4096 + 32000
    assert sum(each.activation_bytes_per_token for each in work.linear) == 2 * ends


def window(limit: float, *, chunked: bool = False) -> ContextWork:
    """Attention that visits at most so many keys."""
    return ContextWork(
        name="window",
        calls=1,
        kv_bytes_per_key=1.0,
        decode_flops_per_key=1.0,
        prefill_flops_per_pair=1.0,
        limit_tokens=limit,
        chunked=chunked,
    )


def test_keys_under_a_window_of_a_hundred() -> None:
    """From 60 to 140: (100^2 - 60^2) / 2 = 3200 up to the window, 100 x 40 behind it, 7200 over 80 tokens: 90."""
    one = window(100.0)
    assert [visited_keys(one, at) for at in (60, 100, 101)] == [60, 100, 100]
    assert mean_visited_keys(one, 60, 140) == 90
    assert visited_pairs(one, 60, 80) == 7200
    # All below it: the middle. All behind it: the window. A growth by nothing: what is visited there.
    assert mean_visited_keys(one, 20, 40) == 30
    assert mean_visited_keys(one, 200, 300) == 100
    assert [mean_visited_keys(one, at, at) for at in (60, 300)] == [60, 100]
    # A single token more is a span like any other: (61^2 - 60^2) / 2.
    assert mean_visited_keys(one, 60, 61) == 60.5


def test_a_chunked_window_at_its_width_and_behind() -> None:
    """Queries behind a window of 100 see 1, 2, ... 100 keys in turn, 50.5 on average; the middle stands for a span."""
    one = window(100.0, chunked=True)
    assert [visited_keys(one, at) for at in (99, 100, 101)] == [99, 100, 50.5]
    assert mean_visited_keys(one, 40, 60) == 50
    assert mean_visited_keys(one, 80, 300) == 50.5
    assert visited_pairs(one, 100, 200) == 200 * 50.5


def mixers(*parts: Parts) -> tuple[ContextWork, ...]:
    """The work of layers with these mixers on one of two GPUs."""
    model = decoder([(Custom(name="mixer", content=each),) for each in parts], hidden=64, vocab=100)
    return context_works(model, CacheFormat(bytes_per_element=2.0), Layout(tensor=2))


FOUR_HEADS = Scores(heads=4, qk_dim=10, v_dim=6, units=4)
TWO_CACHED = Cache(kind="full", elements_per_token=2 * 16, units=2)


def test_a_key_of_a_layer_by_hand() -> None:
    """Of four heads two: 2 x 2 x (10 + 6) = 64 FLOP a pair; of 32 numbers 16, in two bytes each."""
    (work,) = mixers(Parts(scores=(FOUR_HEADS,), caches=(TWO_CACHED,)))
    assert (work.calls, work.kv_bytes_per_key) == (1, 32)
    assert (work.decode_flops_per_key, work.prefill_flops_per_pair, work.prefill_bytes_per_pair) == (
        64,
        64,
        0,
    )
    assert (work.chunked, work.latent) == (False, False)


def test_layers_of_one_kind_are_added_and_others_stand_apart() -> None:
    """Two plain layers, one with a window, one that reads the plain cache of the layer before it."""
    plain = Parts(scores=(FOUR_HEADS,), caches=(TWO_CACHED,))
    near = Scores(heads=4, qk_dim=10, v_dim=6, units=4, window=50, top_k=70)
    works = mixers(plain, plain, Parts(scores=(near,), caches=(TWO_CACHED,)), Parts(scores=(FOUR_HEADS,)))
    assert [(work.name, work.calls, work.limit_tokens) for work in works] == [
        ("attention over cache", 3, 1e12),
        ("attention over 50 keys", 1, 50.0),
    ]
    assert [(work.kv_bytes_per_key, work.decode_flops_per_key) for work in works] == [(96, 192), (32, 64)]
    assert [work.prefill_flops_per_pair for work in works] == [192, 64]


def test_a_layer_without_any_cache_before_it_reads_none() -> None:
    assert mixers(Parts(scores=(FOUR_HEADS,))) == ()


def test_a_compressed_cache_of_an_index() -> None:
    """An entry of 32 numbers for four tokens, 8 a token, of which this GPU has half in two bytes each.

    A quarter of all FLOP, and of the 8 bytes of a score in fp32, there and back.
    """
    index = Scores(heads=4, qk_dim=10, v_dim=0, units=4, tokens_per_key=4)
    entry = Cache(kind="compressed", elements_per_token=8, units=2, tokens_per_entry=4)
    (work,) = mixers(Parts(scores=(index,), caches=(entry,)))
    assert (work.kv_bytes_per_key, work.decode_flops_per_key) == (8, 2 * 2 * 10 / 4)
    assert (work.prefill_flops_per_pair, work.prefill_bytes_per_pair) == (10, 8 / 4)


def test_keys_of_deepseek_v4_are_those_of_its_paper() -> None:
    """One sequence of DeepSeek-V4-Flash at 102 400 tokens, one byte a number.

    21 sparse layers read 512 entries of 512 numbers, each of four tokens, and an index of 25 600 entries of 128; 20
    heavy ones 800 entries of 512. All 43 compare 64 heads of 512 with a window of 128 keys, whose ring is a state.
    """
    model = read_config(load_catalogs().model("deepseek-v4-flash").config, name="deepseek-v4-flash").model
    works = context_works(model, CacheFormat(bytes_per_element=1.0), Layout())
    read = sum(float(work.kv_bytes_per_key * visited_keys(work, 102_400)) for work in works)
    assert read == 21 * (512 * 512 + 25_600 * 128) + 20 * 800 * 512
    spent = sum(float(work.decode_flops_per_key * visited_keys(work, 102_400)) for work in works)
    pair, index = 2 * 64 * (512 + 512), 2 * 64 * 128
    assert spent == 43 * 128 * pair + 21 * (512 * pair + 25_600 * index) + 20 * 800 * pair


def test_states_of_layers_by_hand() -> None:
    """Of 1000 numbers in eight pieces four on one of two GPUs; a convolution's are whole and keep their own width."""
    state = Cache(kind="state", state_elements=1000, state_bits=32, state_open=True, units=8)
    plain = Cache(kind="state", state_elements=1000, units=8)
    conv = Cache(kind="state", state_elements=30, state_bits=16, spare_state_elements=10)
    block = Custom(name="mixer", content=Parts(caches=(state, plain, conv)))
    model = decoder([(block,)] * 3, hidden=64, vocab=100)
    formats = CacheFormat(bytes_per_element=1.0, state_bytes_per_element=2.0)
    found = [
        state_bytes(model, formats, Layout(tensor=2)),
        state_bytes(model, formats, Layout(tensor=2), 8.0),
        state_bytes(model, formats, Layout(tensor=2), 8.0, of_open=True),
        state_bytes(model, formats, Layout()),
    ]
    assert found == [
        3 * (500 * 4 + 500 * 2 + 30 * 2),
        3 * (500 * 8 + 500 * 8 + 30 * 2),  # a width that is said takes all but the convolution
        3 * (500 * 8 + 500 * 2 + 30 * 2),  # of the open ones alone
        3 * (1000 * 4 + 1000 * 2 + 30 * 2),
    ]


def test_what_has_no_elements_or_is_met_by_no_token_is_no_kernel() -> None:
    """Of three matrices of 8 x 8 one is empty and one met by none: one kernel a layer, 128 bytes, 128 FLOP a token."""
    there = Weight(name="there", component="attention", rows=8, cols=8)
    empty = Weight(name="empty", component="attention", rows=8, cols=0)
    unmet = Weight(name="unmet", component="attention", rows=8, cols=8, used=0)
    block = Custom(name="mixer", content=Parts(weights=(there, empty, unmet)))
    work = step_work(decoder([(block,)] * 2, hidden=8, vocab=100), plain_recipe(), Layout(), CacheFormat())
    (mixer,) = [each for each in work.linear if each.group == "mixer"]
    assert (mixer.name, mixer.calls, mixer.weight_bytes, mixer.flops_per_token) == ("there", 2, 256, 256)


def test_a_step_without_context_keeps_its_matrices_and_nothing_of_sequences() -> None:
    """As for the host's part of it."""
    work = step_work(llama(), plain_recipe(), Layout(tensor=2), CacheFormat())
    both = replace(work, state_bytes=7.0, host=replace(work, state_bytes=5.0))
    bare = both.without_context()
    assert (bare.context, bare.state_bytes) == ((), 0.0)
    assert bare.host is not None
    assert (bare.host.context, bare.host.state_bytes, bare.host.host) == ((), 0.0, None)
    assert (bare.linear, bare.collectives, bare.counts) == (work.linear, work.collectives, work.counts)


def test_a_matrix_of_which_nothing_more_is_said_is_met_by_every_token_and_has_no_experts() -> None:
    plain = LinearWork(
        name="m",
        group="mlp",
        weight_bytes=1.0,
        flops_per_token=1.0,
        activation_bytes_per_token=1.0,
        calls=1,
    )
    assert (plain.token_share, plain.experts, plain.top_k, plain.format, plain.compute) == (1, 0, 0, "", None)
