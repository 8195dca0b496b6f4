"""Pools and cells of engines, worked out by hand on round numbers."""

from dataclasses import replace

import pytest

from llm_calc.core.engines.caches import LayerCache
from llm_calc.core.engines.llama_cpp_compute import Graph, compute_bytes
from llm_calc.core.engines.llama_cpp_slots import padded, slots_of
from llm_calc.core.engines.sglang_pools import StateSlots, capped_pools, one_pool, state_pool, two_pools
from tests.builders import llama

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
