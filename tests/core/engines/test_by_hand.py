"""Pools and cells of engines, worked out by hand on round numbers."""

import pytest

from llm_calc.core.engines.caches import LayerCache
from llm_calc.core.engines.llama_cpp_slots import padded, slots_of
from llm_calc.core.engines.sglang_pools import capped_pools, one_pool, two_pools

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
