"""Caches of a stage as engines see them."""

import pytest

from llm_calc.core.blocks import Attention, Custom, LatentAttention, Mlp, Norm, Parts, SparseIndexer
from llm_calc.core.engines.caches import LayerCache, index_key_bytes, needed_bytes, stage_caches
from llm_calc.core.model import LayerGroup
from llm_calc.core.parallelism import Layout
from llm_calc.core.weights import Cache, Scores
from tests.builders import decoder, deepseek_v3, llama
from tests.core.engines.setups import recurrent, sliding


def test_equal_layers_are_counted_together() -> None:
    (cache,) = stage_caches(llama(), Layout(), 0, 2.0, 2.0)
    assert cache == LayerCache(kind="full", layers=32, bytes_per_token=2 * 4096 * 2.0)


def test_a_stage_has_its_own_layers() -> None:
    full, window = stage_caches(sliding(2, 10), Layout(pipeline=3), 0, 2.0, 2.0)
    assert (full.layers, window.layers) == (2, 2)
    (only,) = stage_caches(sliding(2, 10), Layout(pipeline=3), 2, 2.0, 2.0)
    assert (only.kind, only.layers, only.window_tokens) == ("sliding", 4, 1024)


@pytest.mark.parametrize(("tensor", "elements"), [(1, 8192), (2, 4096), (32, 256), (64, 256)])
def test_heads_are_dealt_and_then_replicated(tensor: int, elements: int) -> None:
    (cache,) = stage_caches(llama(), Layout(tensor=tensor), 0, 2.0, 2.0)
    assert cache.bytes_per_token == 2 * elements


def test_latent_vectors_are_never_cut() -> None:
    (cache,) = stage_caches(deepseek_v3(), Layout(tensor=8), 0, 1.0, 2.0)
    assert cache.bytes_per_token == 576


def test_index_keys_are_fp8_with_scales_whatever_the_cache_is() -> None:
    """DeepSeek-V3.2: 576 numbers in the format of the cache, and 128 in fp8 with one scale: 132 bytes."""
    latent = LatentAttention(
        hidden=7168, heads=128, q_rank=1536, kv_rank=512, nope_dim=128, rope_dim=64, v_dim=128
    )
    indexer = SparseIndexer(hidden=7168, q_rows=1536, heads=64, head_dim=128)
    model = decoder([(latent, indexer)] * 4, hidden=7168, vocab=1000)
    for width in (1.0, 2.0):
        caches = stage_caches(model, Layout(), 0, width, 2.0)
        assert [cache.bytes_per_token for cache in caches] == [576 * width, 132]


def test_compressed_index_keys_count_once_for_several_tokens() -> None:
    parts = Parts(
        scores=(Scores(name="indexer_scores", heads=8, qk_dim=128, v_dim=0),),
        caches=(Cache(kind="compressed", elements_per_token=32, tokens_per_entry=4),),
    )
    model = decoder([(Custom(name="indexer", content=parts),)], hidden=64, vocab=100)
    (cache,) = stage_caches(model, Layout(), 0, 2.0, 2.0)
    assert cache.bytes_per_token == 132 / 4


def test_spare_columns_of_convolutions_are_left_out() -> None:
    parts = Parts(caches=(Cache(kind="state", state_elements=40, spare_state_elements=10, state_bits=16),))
    model = decoder([(Custom(name="conv", content=parts),)], hidden=64, vocab=100)
    (cache,) = stage_caches(model, Layout(), 0, 2.0, 4.0)
    assert cache.state_bytes == 30 * 2


def test_states_without_a_width_take_that_of_activations() -> None:
    parts = Parts(caches=(Cache(kind="state", state_elements=40, units=4),))
    model = decoder([(Custom(name="state", content=parts),)], hidden=64, vocab=100)
    (cache,) = stage_caches(model, Layout(tensor=2), 0, 1.0, 2.0)
    assert cache.state_bytes == 20 * 2


def test_a_sequence_needs_its_windows_and_states() -> None:
    windows = stage_caches(sliding(2, 10), Layout(), 0, 2.0, 2.0)
    assert needed_bytes(windows, 5000) == 2048 * (2 * 5000 + 10 * 1024)
    states = stage_caches(recurrent(2, 6), Layout(), 0, 2.0, 2.0)
    assert needed_bytes(states, 5000) == 2048 * 2 * 5000 + 6 * 400_000


def test_layers_without_a_cache_take_nothing() -> None:
    borrowed = Attention(hidden=64, heads=4, kv_heads=4, head_dim=16, owns_kv=False, caches_kv=False)
    model = decoder([(Norm(width=64), borrowed, Mlp(hidden=64, intermediate=128))], hidden=64, vocab=100)
    assert stage_caches(model, Layout(), 0, 2.0, 2.0) == ()


@pytest.mark.parametrize(
    ("width", "entry", "kind", "stored"),
    [
        (128, 1, "latent", 132.0),  # DeepSeek-V3.2: a scale of four bytes behind 128 fp8 numbers
        (128, 4, "compressed", 33.0),  # DeepSeek-V4: the same for four tokens
        (384, 1, "latent", 396.0),  # three scales
        (64, 1, "latent", 64.0),  # fewer than 128: none
        (128, 1, "full", 0.0),  # keys and values are no index
    ],
)
def test_a_key_of_an_index_in_fp8(width: int, entry: int, kind: str, stored: float) -> None:
    index = Scores(name="indexer_scores", heads=8, qk_dim=width, v_dim=0)
    cache = Cache(kind=kind, elements_per_token=width // entry, tokens_per_entry=entry)  # type: ignore[arg-type]
    block = Custom(name="index", content=Parts(scores=(index,), caches=(cache,)))
    assert index_key_bytes(LayerGroup(indices=(0,), blocks=(block,)), cache) == stored
    other = Cache(kind="latent", elements_per_token=576)
    assert index_key_bytes(LayerGroup(indices=(0,), blocks=(block,)), other) == 0
