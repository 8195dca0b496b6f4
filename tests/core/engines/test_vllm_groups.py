"""Groups of layers: the published cases, and what holds for all."""

from dataclasses import replace
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_calc.adapters.engines import build_engine
from llm_calc.core.engines.vllm_groups import CacheGroup, Page, block_bytes, group_pages, unwindowed
from llm_calc.core.engines.vllm_pages import hybrid_block_tokens
from tests.core.engines.setups import recurrent, setup

RATIO = 1.5


def full(layers: range, page: float = 65536, tokens: int = 16, kind: str = "full") -> tuple[Page, ...]:
    return tuple(Page(layer=layer, kind=kind, page_bytes=page, block_tokens=tokens) for layer in layers)


def sliding(layers: range, page: float = 65536, tokens: int = 16, window: int = 1024) -> tuple[Page, ...]:
    return tuple(
        Page(layer=layer, kind="sliding", page_bytes=page, block_tokens=tokens, window_tokens=window)
        for layer in layers
    )


def state(layers: range, page: float) -> tuple[Page, ...]:
    return tuple(Page(layer=layer, kind="state", page_bytes=page) for layer in layers)


def sizes(groups: tuple[CacheGroup, ...]) -> list[tuple[str, int, int]]:
    return [(group.first.kind, len(group.pages), group.padding_layers) for group in groups]


# state bytes a layer and GPU, bytes a token and layer, block size that vLLM logs
BLOCKS = [
    (3 * 8192 * 2 + 32 * 128 * 128 * 4, 2048, 1056),  # Qwen3.6-35B-A3B, bf16 cache: "1056 tokens"
    (3 * 10240 * 2 + 48 * 128 * 128 * 4, 2048, 1568),  # Qwen3.6-27B, fp8 cache: 1568
    (3 * 10240 * 2 + 48 * 128 * 128 * 4, 4096, 784),  # Qwen3.6-27B, bf16 cache: 784
    (
        36864 + 2097152,
        512,
        4176,
    ),  # Nemotron-3-Nano: 64 x 64 x 128 float32, conv of 6144 x 3 bf16; fp8 cache: 4176
]


@pytest.mark.parametrize(("state_bytes", "bytes_per_token", "tokens"), BLOCKS)
def test_block_sizes_of_published_logs(state_bytes: int, bytes_per_token: int, tokens: int) -> None:
    assert hybrid_block_tokens(state_bytes, bytes_per_token) == tokens


def test_a_larger_step_rounds_the_block_up() -> None:
    """Qwen3.5-27B on two H100: 784 by 16, 832 by the 64 that its prefill kernel is aligned to."""
    assert hybrid_block_tokens(3 * 10240 * 2 // 2 + 24 * 128 * 128 * 4, 2048, 64) == 832


def test_layers_of_one_kind_are_one_group_whatever_their_width() -> None:
    groups = group_pages((*full(range(61), 1152, kind="latent"), *full(range(61), 132, kind="latent")), RATIO)
    assert sizes(groups) == [("latent", 122, 0)]
    assert block_bytes(groups, range(61)) == 61 * (1152 + 132)


def test_gpt_oss_has_two_groups() -> None:
    groups = group_pages((*sliding(range(0, 24, 2), window=128), *full(range(1, 24, 2))), RATIO)
    assert sizes(groups) == [("sliding", 12, 0), ("full", 12, 0)]


def test_gemma_3_27b_has_seven_groups_with_padding() -> None:
    """62 layers, 52 with a window and 10 without: groups of 10, eight layers of padding, dealt in turn."""
    groups = group_pages((*sliding(range(52)), *full(range(52, 62))), RATIO)
    assert [len(group.pages) for group in groups] == [9, 9, 9, 9, 8, 8, 10]
    assert sum(group.padding_layers for group in groups) == 8
    assert block_bytes(groups, range(62)) == 10 * 65536


@pytest.mark.parametrize(("ratio", "layers"), [(1.0, [6, 6, 10]), (1.2, [6, 6, 10]), (1.25, [10, 12])])
def test_nearly_equal_kinds_take_the_larger_size(ratio: float, layers: list[int]) -> None:
    groups = group_pages((*sliding(range(12)), *full(range(12, 22))), ratio)
    assert sorted(len(group.pages) for group in groups) == layers


def test_narrower_pages_take_more_tokens() -> None:
    groups = group_pages((*full(range(4), 131072), *sliding(range(4, 8), 32768)), RATIO)
    assert [group.first.block_tokens for group in groups] == [16, 64]
    assert {group.first.page_bytes for group in groups} == {131072}


def test_pages_that_do_not_divide_are_padded() -> None:
    groups = group_pages((*full(range(4), 100000), *sliding(range(4, 8), 32768)), RATIO)
    assert [group.first.block_tokens for group in groups] == [16, 16]
    assert {group.first.page_bytes for group in groups} == {100000}


def test_latent_pages_that_do_not_divide_take_the_windows_away() -> None:
    groups = group_pages((*full(range(4), 18432, kind="latent"), *sliding(range(4, 8), 65536)), RATIO)
    assert sizes(groups) == [("latent", 8, 0)]
    assert block_bytes(groups, range(8)) == 4 * (18432 + 65536)


def test_states_alone() -> None:
    groups = group_pages(state(range(24), 1000.0), RATIO)
    assert sizes(groups) == [("state", 24, 0)]
    assert block_bytes(groups, range(24)) == 24_000


def test_a_stage_holds_its_layers_of_each_group() -> None:
    groups = group_pages((*sliding(range(0, 24, 2)), *full(range(1, 24, 2))), RATIO)
    assert block_bytes(groups, range(12)) == 6 * 65536


def test_windows_are_kept_where_no_layer_sees_everything() -> None:
    only = sliding(range(4))
    assert unwindowed(only) == only
    assert {page.window_tokens for page in unwindowed((*only, *full(range(4, 5))))} == {None}


def test_nothing_cached_needs_no_groups() -> None:
    assert group_pages((), RATIO) == ()
    assert block_bytes((), range(4)) == 0.0


@given(
    windowed=st.integers(min_value=1, max_value=80),
    whole=st.integers(min_value=1, max_value=80),
    ratio=st.sampled_from([1.0, 1.25, 1.5]),
)
def test_every_layer_is_in_one_group_and_all_groups_are_equal(
    windowed: int, whole: int, ratio: float
) -> None:
    pages = (*sliding(range(windowed)), *full(range(windowed, windowed + whole)))
    groups = group_pages(pages, ratio)
    assert sorted(page.layer for group in groups for page in group.pages) == list(range(windowed + whole))
    size = max(len(group.pages) for group in groups)
    assert size in (min(windowed, whole), max(windowed, whole))
    assert len(groups) == ceil(windowed / size) + ceil(whole / size)
    assert sum(len(group.pages) + group.padding_layers for group in groups) == size * len(groups)


@pytest.mark.parametrize(("caching", "kept"), [(True, 2), (False, 1)])
def test_states_are_kept_for_each_drafted_token(caching: bool, kept: int) -> None:
    """``MambaSpec.max_memory_usage_bytes`` of vLLM 0.33.0: 2 or 1, and one for each drafted token; attention none."""
    engine, deployment = build_engine("vllm", enable_prefix_caching=caching), setup(recurrent(2, 6))
    for tokens in (0, 3):
        (pool,) = engine.plan(replace(deployment, drafted_tokens=tokens)).pools
        blocks = {claim.blocks(4096) for claim in pool.claims if not claim.block_tokens}
        assert blocks == {kept + tokens}
    (drafted,) = engine.plan(replace(deployment, drafted_tokens=3)).pools
    (plain,) = engine.plan(deployment).pools
    states = [claim for claim in plain.claims if not claim.block_tokens]
    more = drafted.sequence_bytes(4096) - plain.sequence_bytes(4096)
    assert more == 3 * sum(claim.block_bytes for claim in states)
