"""How vLLM makes one pool of blocks serve layers of different kinds.

All groups take blocks of one size from one pool, so that pages are made equal first: a recurrent state's
page is what a state needs, and attention gets as many tokens a block as fill it; of two attention kinds
the one with the smaller page gets more tokens a block. Then layers of one kind are dealt to groups of equal
size, the size being the number of layers of the rarest kind; what is missing in the last group is padding.

Source: vLLM ``kv_cache_utils.py`` (``get_kv_cache_groups``, ``unify_kv_cache_spec_page_size``) and the
alignment of hybrid block sizes in ``platforms/interface.py``; docs, "Hybrid KV cache manager".
"""

from dataclasses import dataclass
from functools import lru_cache

from llm_calc.core.arrays import ceil_div
from llm_calc.core.engines.caches import LayerCache

KERNEL_BLOCK_TOKENS = 16
"""Attention kernels take blocks in multiples of so many tokens."""
NEARLY_EQUAL = 1.25
"""With fewer than so many times the layers of the rarest kind, groups take the size of the commonest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheGroup:
    """Layers that share a block table: ``block_bytes`` for all of them, padding layers included."""

    kind: str
    layers: int
    block_tokens: int
    block_bytes: float
    window_tokens: int | None = None
    padding_layers: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """Layers of one kind with their page: bytes of one block in one layer."""

    cache: LayerCache
    layers: int
    block_tokens: int
    page_bytes: float


@lru_cache(maxsize=2048)
def group_caches(caches: tuple[LayerCache, ...], block_size: int) -> tuple[CacheGroup, ...]:
    """Groups in the order of the layers; every group has the same ``block_bytes`` [bytes, tokens].

    ``block bytes = page x layers of a group``, the page being ``max(block tokens x widest bytes a token, state)``.
    Source: vLLM 0.11 ``vllm/v1/core/kv_cache_utils.py``, ``get_kv_cache_groups`` and
    ``unify_kv_cache_spec_page_size``.
    Leaves out: layers that share the cache of another, which claim none.
    """
    if not caches:
        return ()
    if _of_one_type(caches):
        return (_single_group(caches, block_size),)
    kinds = _equal_pages(caches, block_size)
    size = _group_size([kind.layers for kind in kinds])
    return tuple(group for kind in kinds for group in _deal(kind, size))


def _of_one_type(caches: tuple[LayerCache, ...]) -> bool:
    """All layers grow alike with the context, whatever their width."""
    states = any(not cache.grows for cache in caches)
    return len({cache.window_tokens for cache in caches}) == 1 and not states


def _single_group(caches: tuple[LayerCache, ...], block_size: int) -> CacheGroup:
    return CacheGroup(
        kind=caches[0].kind,
        layers=sum(cache.layers for cache in caches),
        block_tokens=block_size,
        block_bytes=block_size * sum(cache.layers * cache.bytes_per_token for cache in caches),
        window_tokens=caches[0].window_tokens,
    )


def _equal_pages(caches: tuple[LayerCache, ...], block_size: int) -> list[_Kind]:
    """Every kind with the largest page; smaller pages take more tokens, and what remains is padding."""
    states = _merged_states(caches)
    growing = [cache for cache in caches if cache.grows]
    widest = max((cache.bytes_per_token for cache in growing), default=0.0)
    if states and growing:
        block_size = max(block_size, hybrid_block_tokens(states.state_bytes, growing[0].bytes_per_token))
    page = max(block_size * widest, states.state_bytes if states else 0.0)
    kinds = [_growing_kind(cache, page, block_size) for cache in growing]
    if states:
        kinds.append(_Kind(cache=states, layers=states.layers, block_tokens=0, page_bytes=page))
    return kinds


def hybrid_block_tokens(state_bytes: float, bytes_per_token: float) -> int:
    """Tokens a block whose attention page holds a state [tokens].

    ``16 x ceil(state / (16 x bytes a token))``.
    Source: vLLM 0.11 ``vllm/platforms/interface.py``, alignment of hybrid block sizes; equals the sizes that it logs
    (``docs/memory.md``). Exact.
    """
    return KERNEL_BLOCK_TOKENS * int(ceil_div(int(state_bytes), int(KERNEL_BLOCK_TOKENS * bytes_per_token)))


def _merged_states(caches: tuple[LayerCache, ...]) -> LayerCache | None:
    """Recurrent and convolution state of a layer lie in one page; kinds of state share the largest page."""
    states = [cache for cache in caches if not cache.grows]
    if not states:
        return None
    layers = max(cache.layers for cache in states)
    each = sum(cache.state_bytes for cache in states if cache.layers == layers)
    return LayerCache(kind="state", layers=layers, state_bytes=each)


def _growing_kind(cache: LayerCache, page: float, block_size: int) -> _Kind:
    tokens = block_size * max(1, int(page // (block_size * cache.bytes_per_token)))
    return _Kind(cache=cache, layers=cache.layers, block_tokens=tokens, page_bytes=page)


def _group_size(layers: list[int]) -> int:
    least, most = min(layers), max(layers)
    return most if most < least * NEARLY_EQUAL else least


def _deal(kind: _Kind, size: int) -> list[CacheGroup]:
    groups = int(ceil_div(kind.layers, size))
    padding = groups * size - kind.layers
    return [
        CacheGroup(
            kind=kind.cache.kind,
            layers=size - (padding if last else 0),
            block_tokens=kind.block_tokens,
            block_bytes=kind.page_bytes * size,
            window_tokens=kind.cache.window_tokens,
            padding_layers=padding if last else 0,
        )
        for last in (index == groups - 1 for index in range(groups))
    ]
