"""Pools and cells of engines, worked out by hand on round numbers."""

from dataclasses import replace

import pytest

from llm_calc.core.blocks import Block, Custom, Experts, Mlp, Parts
from llm_calc.core.engines.caches import LayerCache
from llm_calc.core.engines.llama_cpp_compute import (
    Graph,
    compute_bytes,
    host_compute_bytes,
    layer_width,
    mask_bytes,
)
from llm_calc.core.engines.llama_cpp_copies import Copies, copied_width, stream_width
from llm_calc.core.engines.llama_cpp_slots import padded, slots_of
from llm_calc.core.engines.sglang_pools import StateSlots, capped_pools, one_pool, state_pool, two_pools
from llm_calc.core.engines.vllm_deepseek_v4 import deepseek_v4_pages, packed_pages
from llm_calc.core.engines.vllm_groups import group_pages
from llm_calc.core.weights import Cache, Scores
from tests.builders import decoder, deepseek_v3, llama, mixtral
from tests.core.engines.setups import engine, llama_3_8b, setup

FULL = LayerCache(kind="full", layers=2, bytes_per_token=100.0)
SLIDING = LayerCache(kind="sliding", layers=3, bytes_per_token=100.0, window_tokens=1000)
PAGE = 16


def test_one_pool_holds_all_tokens_in_all_layers() -> None:
    # 5 layers of 100 bytes: 1 000 000 / 500 = 2000 tokens, 125 whole pages of 16.
    dealt = one_pool((FULL, SLIDING), 1_000_000.0, PAGE, None)
    assert (dealt.bytes_per_token, dealt.tokens) == (500.0, 2000)
    # 999 999 bytes are 1999 tokens, 124 whole pages.
    assert one_pool((FULL, SLIDING), 999_999.0, PAGE, None).tokens == 124 * 16
    assert one_pool((FULL, SLIDING), 1_000_000.0, PAGE, 100).tokens == 96


def test_two_pools_share_by_a_ratio() -> None:
    # A full token and half a sliding one: 200 + 0.5 x 300 = 350 bytes; 35 000 / 350 = 100 tokens, 6 pages = 96.
    dealt = two_pools((FULL, SLIDING), 35_000.0, PAGE, 0.5, None)
    assert (dealt.bytes_per_token, dealt.tokens) == (350.0, 96)
    full, sliding = dealt.pools
    assert full.capacity_bytes == 96 * 200
    assert sliding.capacity_bytes == 48 * 300  # half of 96, three whole pages


def test_a_model_of_windows_alone_has_one_pool_whatever_the_ratio() -> None:
    dealt = two_pools((SLIDING,), 30_000.0, PAGE, 0.5, None)
    assert [pool.capacity_bytes for pool in dealt.pools] == [96 * 300]


def test_sliding_layers_get_room_for_the_most_requests_first() -> None:
    # 2 x (1000 + 128 + 2 x 16) + 2 x 512 + 16 = 3360 tokens = 210 pages of 16; 300 bytes each.
    dealt = capped_pools((FULL, SLIDING), 2_000_000.0, PAGE, requests=2, chunks=2 * 512)
    assert dealt is not None
    full, sliding = dealt.pools
    assert sliding.capacity_bytes == 3360 * 300
    # (2 000 000 - 1 008 000) / 200 = 4960 tokens = 310 pages.
    assert (dealt.tokens, full.capacity_bytes) == (4960, 4960 * 200)


@pytest.mark.parametrize(("tokens", "cells"), [(1, 256), (256, 256), (257, 512), (4096, 4096)])
def test_cells_come_in_256(tokens: int, cells: int) -> None:
    assert padded(tokens) == cells


def test_slots_divide_the_cells_unless_they_share_them() -> None:
    # 4096 / 3 = 1365, padded to 1536; three of them are 4608.
    own = slots_of(4096, 3, shared=False)
    assert (own.slot_tokens, own.cells, own.streams) == (1536, 4608, 3)
    shared = slots_of(4096, 3, shared=True)
    assert (shared.slot_tokens, shared.cells, shared.streams) == (4096, 4096, 1)


def test_a_window_is_kept_for_every_slot_that_shares_a_cache() -> None:
    # 512 + 512 = 1024; three windows in one cache: 3 x 512 + 512 = 2048; never more than a slot has.
    assert slots_of(4096, 3, shared=False).window_cells(512, 512) == 1024
    assert slots_of(4096, 3, shared=True).window_cells(512, 512) == 2048
    assert slots_of(1024, 3, shared=True).window_cells(512, 512) == 1024


def test_slots_of_recurrent_states_with_one_for_nobody() -> None:
    # 4 layers of 250 bytes: 1000 a slot. Half of 21 000, less the padding's slot, holds 9; ten are taken.
    states = (LayerCache(kind="state", layers=4, bytes_per_token=0.0, state_bytes=250.0),)
    slots = StateSlots(a_request=3, fixed=None, padding=1, share=0.5)
    pool, taken = state_pool(states, 21_000.0, slots)
    assert (pool.capacity_bytes, taken) == (9_000.0, 10_000.0)
    assert [claim.block_bytes for claim in pool.claims] == [3_000.0]  # three slots a running request
    # A number that is given stands, whatever there is; its padding comes on top.
    pool, taken = state_pool(states, 0.0, replace(slots, fixed=7, padding=2))
    assert (pool.capacity_bytes, taken) == (7_000.0, 9_000.0)
    # No slot is negative.
    assert state_pool(states, 100.0, slots)[0].capacity_bytes == 0.0


def test_the_head_of_a_small_micro_batch_is_the_widest_of_the_graph() -> None:
    # 512 outputs of 4 x (32 000 + 4096) bytes; 32 tokens of the layers are a hundredth of it.
    graph = Graph(
        model=llama(),
        slots=slots_of(512, 1, shared=False),
        micro_batch=32,
        flash_attention=True,
        swa_full=False,
        outputs=512,
    )
    assert compute_bytes(graph) == 512 * 4 * (32_000 + 4_096)
    assert compute_bytes(replace(graph, used=False)) == 0.0
    # Where another device holds the head, layers alone count: the widest is at least gate and up beside the input.
    without = compute_bytes(replace(graph, output=False))
    assert 32 * 4 * 2 * 11_008 < without < 512 * 4 * 36_096 / 10


def test_numbers_a_token_of_the_widest_layer() -> None:
    """llama.cpp's rule as docs/memory.md has it from its dry runs: stream, queries, gate, up and their product."""
    # Llama-2-7B: 2 x 4096 + 4096 of queries + 3 x 11 008.
    assert layer_width(llama()) == 45_312
    # Attention and feed-forward side by side keep the layer's input once more.
    assert layer_width(replace(llama(), model_type="cohere2")) == 45_312 + 4_096
    # Mixtral: two experts of 14 336; their outputs (4096) are no wider than gate and up.
    assert layer_width(mixtral()) == 2 * 4_096 + 4_096 + 3 * 2 * 14_336
    # DeepSeek-V3: 3 x 7168 + 128 x 192 of queries + 2 x 128 x (512 + 64), more than any of its blocks.
    assert layer_width(deepseek_v3()) == 3 * 7_168 + 128 * 192 + 2 * 128 * 576


def small(feed_forward: Block, kv_heads: int = 1) -> float:
    """The widest layer of a model of 64 with four heads of 16."""
    attention = llama(hidden=64, heads=4, kv_heads=kv_heads, layers=1).groups[0].blocks[1]
    return layer_width(decoder([(attention, feed_forward)], hidden=64, vocab=100))


def test_queries_that_what_follows_fits_into() -> None:
    # Queries of 64 take gate or up of 60: 2 x 64 + 64 - 60 = 132 and 3 x 60.
    assert small(Mlp(hidden=64, intermediate=60)) == 132 + 180
    # Of 64 they do not: 3 x 64 and 3 x 64.
    assert small(Mlp(hidden=64, intermediate=64)) == 192 + 192
    # Without a gate one matrix of 60 is less than attention: 2 x (64 + 64) and 2 x 16 of keys and values.
    assert small(Mlp(hidden=64, intermediate=60, gated=False)) == 256 + 32
    assert small(Mlp(hidden=64, intermediate=100, gated=False)) == 192 + 100
    # Keys and values of four heads: 2 x (64 + 64) + 2 x 64.
    assert small(Mlp(hidden=64, intermediate=20), kv_heads=4) == 256 + 128
    # Two experts of 20 give 64 each, wider than gate and up (40): 2 x 64 + 64 - 40, 3 x 40 and 2 x 64.
    assert small(Experts(hidden=64, experts=8, top_k=2, intermediate=20)) == 152 + 120 + 128
    # Of 32 they are as wide as 64, no wider: 192 and 3 x 64.
    assert small(Experts(hidden=64, experts=8, top_k=2, intermediate=32)) == 192 + 192


GRAPH = Graph(
    model=llama(),
    slots=slots_of(4096, 1, shared=False),
    micro_batch=512,
    flash_attention=True,
    swa_full=False,
    outputs=1,
)
MASKS = 512 * 4096 * 2


def test_a_buffer_of_layers_by_hand() -> None:
    # 512 tokens of 45 312 numbers of four bytes, a mask of 512 x 4096 in two, 20 bytes of inputs a token, 128 more.
    layer = 512 * 4 * 45_312 + MASKS + 20 * 512 + 128
    assert mask_bytes(GRAPH) == MASKS
    assert compute_bytes(GRAPH) == layer
    # Without flash attention: masks of four bytes, inputs of 12; scores 32 x 4096 for each of 4096 cells beside
    # stream, norm, queries twice, keys and values: 2 x (4096 + 4096) + 8192 + 131 072.
    plain = replace(GRAPH, flash_attention=False)
    assert compute_bytes(plain) == 512 * 4 * (24_576 + 131_072) + 2 * MASKS + 12 * 512 + 128
    beside = replace(plain, cached_beside=False)
    assert compute_bytes(beside) == 512 * 4 * (4 * 4_096 + 131_072) + 2 * MASKS + 20 * 512 + 128
    # Of several devices four copies of masks, and of what they take in: 4096 numbers a token, twice but on the first.
    first = replace(GRAPH, devices=2)
    assert compute_bytes(first) == layer + 3 * MASKS + 4 * 512 * 4 * 4_096
    assert compute_bytes(replace(first, device=1)) == layer + 3 * MASKS + 4 * 512 * 4 * 4_096 * 2
    # The host's: embedded tokens, the masks, one row of logits.
    assert host_compute_bytes(GRAPH) == 512 * 4 * 4_096 + MASKS + 4 * 32_000


def test_a_buffer_that_takes_over_matrices_of_the_host() -> None:
    """Beside a copied matrix of Llama-2-7B: 2 x 4096 + 4096, and gate and up of 11 008."""
    assert stream_width(llama()) == 3 * 4_096
    assert copied_width(llama(), "mlp") == 3 * 4_096 + 2 * 11_008
    # Mixtral's two experts: twice 2 x 14 336, or once that and two outputs of 4096.
    assert copied_width(mixtral(), "experts") == 3 * 4_096 + 2 * 2 * 14_336
    copied = replace(GRAPH, copies=Copies(2e9, 1e8))
    beside = 512 * 4 * (3 * 4_096 + 2 * 11_008)
    assert compute_bytes(copied) == 2e9 + 1e8 / 2 + MASKS + 20 * 512 + beside
    # From 32 tokens on matrices are copied; below them keys and values alone, beside 2 x (hidden + queries).
    few = replace(copied, micro_batch=32)
    assert compute_bytes(few) == 2e9 + 1e8 / 2 + MASKS / 16 + 20 * 32 + beside / 16
    fewer = replace(copied, micro_batch=31)
    assert compute_bytes(fewer) == 1e8 + 31 * 4096 * 2 + 31 * 4 * 2 * (4_096 + 4_096)
    # Where a device has nothing of the model it copies no keys either.
    assert compute_bytes(replace(fewer, used=False)) == 0.0


def test_pages_of_deepseek_v41_by_hand() -> None:
    """On compute capability 10 rows of 528 in steps of 512; windows stand in groups that fit a block of entries.

    Blocks of 256 tokens: 128 entries of two tokens with their index of 132, 256 of one; rings of 8 rows of 2 x 512
    numbers in 32 bits.
    """
    window = Scores(heads=64, qk_dim=512, v_dim=512, window=128)
    kept = {
        rate: tuple(
            Cache(kind="compressed", elements_per_token=width // rate, tokens_per_entry=rate)
            for width in (512, 128)
        )
        for rate in (1, 2)
    }
    layers: list[tuple[Block, ...]] = [
        (Custom(name="window", content=Parts(scores=(window,))),),
        *[(Custom(name="two", content=Parts(scores=(window,), caches=kept[2])),)] * 2,
        (Custom(name="one", content=Parts(scores=(window,), caches=kept[1])),),
        *[(Custom(name="window", content=Parts(scores=(window,))),)] * 7,
    ]
    model = replace(decoder(layers, hidden=64, vocab=100), model_type="deepseek_v41")
    found = [
        (page.layer, page.page_bytes, page.block_tokens, page.window_tokens)
        for page in packed_pages(model, 256, 10)
    ]
    ring = 64 * 528
    assert found[:5] + found[9:11] == [
        (0, ring, 64, 128),
        (1, ring, 64, 128),
        (1, 128 * 528, 256, None),
        (1, 8 * 2 * 512 * 4, 8, 1),
        (1, 128 * 132, 256, None),
        (3, ring, 64, 128),
        (3, 256 * 528, 256, None),
    ]
    groups = group_pages(packed_pages(model, 256, 10), 1.5, packed=True)
    # A block holds 2 x (67 584 + 16 896) + 135 168 + 33 792 = 337 920 bytes of entries: ten of the eleven windows.
    assert sorted(len(group.pages) for group in groups) == [2, 5, 6, 6]
    older = packed_pages(model, 256, 9)
    assert older[0].page_bytes == 65 * 576


def test_pages_of_deepseek_v4_by_hand() -> None:
    """vLLM rounds each to 576 bytes: a window of 64 rows of 584, and what its two kinds of layers keep.

    Blocks of 256 tokens: of entries of four 64 rows of 584, their index of 132; of entries of 128 two rows. Their
    compressors keep, in 32 bits, two series of 512 (index: 128), doubled where entries overlap, for windows of 4 or 8.
    """
    window = Scores(heads=64, qk_dim=512, v_dim=512, window=128)
    fine = tuple(
        Cache(kind="compressed", elements_per_token=width // 4, tokens_per_entry=4) for width in (512, 128)
    )
    coarse = Cache(kind="compressed", elements_per_token=4, tokens_per_entry=128)
    layers: list[tuple[Block, ...]] = [
        (Custom(name="window", content=Parts(scores=(window,))),),
        (Custom(name="sparse", content=Parts(scores=(window,), caches=fine)),),
        (Custom(name="heavy", content=Parts(scores=(window,), caches=(coarse,))),),
    ]
    pages = deepseek_v4_pages(decoder(layers, hidden=64, vocab=100), 256)
    found = [(page.layer, page.page_bytes, page.block_tokens, page.window_tokens) for page in pages]
    ring = 65 * 576  # 64 x 584 = 37 376 = 64.9 x 576
    assert found == [
        (0, ring, 64, 128),
        (1, ring, 64, 128),
        (1, ring, 256, None),  # 64 entries
        (1, 57 * 576, 4, 8),  # 4 x 2 x 2 x 512 x 4 = 32 768 = 56.9 x 576
        (1, 15 * 576, 256, None),  # 64 x 132 = 8448 = 14.7 x 576
        (1, 15 * 576, 4, 8),  # 4 x 2 x 2 x 128 x 4 = 8192 = 14.2 x 576
        (2, ring, 64, 128),
        (2, 3 * 576, 256, None),  # 2 x 584 = 1168 = 2.03 x 576
        (2, 57 * 576, 8, 128),  # 8 x 2 x 512 x 4 = 32 768
    ]


@pytest.mark.parametrize(
    ("name", "kept"), [("vllm", 1), ("sglang", 1), ("trtllm", 1), ("llama.cpp", 0), ("mlx", 0)]
)
def test_engines_on_torch_keep_a_table_of_rotations(name: str, kept: int) -> None:
    """Sines and cosines of 10 000 positions for 128 rotated numbers of a head, in 16 bits; others work them out."""
    model = replace(llama_3_8b(), context_length_tokens=10_000)
    without = replace(model, context_length_tokens=None)
    options = {
        "vllm": {"max_model_len": 4096},
        "sglang": {"context_length": 4096},
        "trtllm": {"max_seq_len": 4096},
    }
    plans = [engine(name, **options.get(name, {})).plan(setup(each)) for each in (model, without)]
    assert plans[0].budget.weights_bytes - plans[1].budget.weights_bytes == kept * 10_000 * 128 * 2
