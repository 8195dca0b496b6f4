"""Groups of layers: the published cases, and what holds for all."""

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_calc.core.engines.caches import LayerCache
from llm_calc.core.engines.vllm_groups import group_caches, hybrid_block_tokens


def full(layers: int, bytes_per_token: float = 4096) -> LayerCache:
    return LayerCache(kind="full", layers=layers, bytes_per_token=bytes_per_token)


def sliding(layers: int, bytes_per_token: float = 4096, window: int = 1024) -> LayerCache:
    return LayerCache(kind="sliding", layers=layers, bytes_per_token=bytes_per_token, window_tokens=window)


def state(layers: int, state_bytes: float) -> LayerCache:
    return LayerCache(kind="state", layers=layers, state_bytes=state_bytes)


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


def test_layers_of_one_kind_are_one_group_whatever_their_width() -> None:
    (group,) = group_caches((full(61, 1152), full(61, 132)), 64)
    assert group.block_bytes == 64 * 61 * (1152 + 132)
    assert group.padding_layers == 0


def test_gpt_oss_has_two_groups() -> None:
    groups = group_caches((sliding(12, window=128), full(12)), 16)
    assert [(group.kind, group.layers) for group in groups] == [("sliding", 12), ("full", 12)]


def test_gemma_3_27b_has_seven_groups_with_padding() -> None:
    """62 layers, 52 with a window and 10 without: groups of 10, eight layers of padding."""
    groups = group_caches((sliding(52), full(10)), 16)
    assert [group.layers for group in groups] == [10, 10, 10, 10, 10, 2, 10]
    assert sum(group.padding_layers for group in groups) == 8


def test_nearly_equal_kinds_take_the_larger_size() -> None:
    groups = group_caches((sliding(12), full(13)), 16)
    assert [(group.layers, group.padding_layers) for group in groups] == [(12, 1), (13, 0)]


def test_narrower_pages_take_more_tokens() -> None:
    wide, narrow = group_caches((full(4, 8192), sliding(4, 2048)), 16)
    assert (wide.block_tokens, narrow.block_tokens) == (16, 64)
    assert wide.block_bytes == narrow.block_bytes


def test_states_alone() -> None:
    (group,) = group_caches((state(24, 1000.0),), 16)
    assert (group.block_tokens, group.block_bytes) == (0, 24_000)


def test_nothing_cached_needs_no_groups() -> None:
    assert group_caches((), 16) == ()


kinds = st.tuples(
    st.integers(1, 80),
    st.integers(0, 80),
    st.integers(0, 80),
    st.sampled_from([512, 1024, 2048, 4096]),
    st.sampled_from([512, 1024, 2048, 4096]),
    st.integers(1, 5_000_000),
)


@given(values=kinds, block=st.sampled_from([16, 32, 128]))
def test_every_layer_is_in_one_group_and_blocks_are_equal(
    values: tuple[int, int, int, int, int, int], block: int
) -> None:
    alone, windowed, states, wide, narrow, state_bytes = values
    given_caches = [full(alone, wide)]
    given_caches += [sliding(windowed, narrow)] if windowed else []
    given_caches += [state(states, float(state_bytes))] if states else []
    groups = group_caches(tuple(given_caches), block)
    assert sum(group.layers for group in groups) == alone + windowed + states
    assert len({group.block_bytes for group in groups}) == 1
    for group in groups:
        slots = group.layers + group.padding_layers
        needed = {"full": wide, "sliding": narrow}.get(group.kind, 0) * group.block_tokens
        needed = state_bytes if group.kind == "state" else needed
        assert group.block_bytes >= slots * needed
        assert group.block_tokens % block == 0 or states
    assert ceil(sum(group.padding_layers for group in groups)) >= 0
