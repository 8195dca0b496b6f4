"""The pools that SGLang deals its memory to: tokens, tokens of sliding layers, slots of recurrent state.

Read from SGLang 0.5.23 ``srt/mem_cache/kv_cache_configurator.py`` and ``srt/model_executor/pool_configurator.py``.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

from llm_calc.core.engines.base import Claim, Pool
from llm_calc.core.engines.caches import LayerCache
from llm_calc.core.model import Model

ROTARY_WIDTH = 64
FP8_ROW_BYTES = 576
"""A plain fp8 row: a latent vector of 512 and a rotary part of 64."""
EVICTION_TOKENS = 128
"""Tokens of a sliding layer that are freed together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dealt:
    """Pools with the bytes that a further token of context takes of them, and the tokens of the largest."""

    pools: tuple[Pool, ...]
    bytes_per_token: float
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StateSlots:
    """How states are held: so many slots a running request, a number of slots if it is given, slots for nobody."""

    a_request: int
    fixed: int | None
    padding: int
    share: float


def state_pool(states: tuple[LayerCache, ...], available: float, slots: StateSlots) -> tuple[Pool, float]:
    """The pool of recurrent states, and the bytes that it takes of the memory [bytes].

    ``slots = floor((available x share - padding x slot) / slot)``, taking ``(slots + padding) x slot``; or the number
    that is given. A running request holds ``a_request`` of them.
    Source: SGLang 0.5.23 ``srt/mem_cache/kv_cache_configurator.py``, ``_handle_max_mamba_cache`` and
    ``_calculate_mamba_ratio`` (checked: 2026-11-29): 3 slots, 2 more where states are tracked beside the step, 1
    without prefix caching.
    Leaves out: speculative decoding's intermediate states.
    """
    each = sum(state.layers * state.state_bytes for state in states)
    if slots.fixed is None:
        count = max(0.0, (available * slots.share - slots.padding * each) // each)
    else:
        count = float(slots.fixed)
    claim = Claim(
        kind="state",
        layers=max(state.layers for state in states),
        block_bytes=each * slots.a_request,
        block_tokens=0,
    )
    pool = Pool(name="state", capacity_bytes=count * each, claims=(claim,), slots_a_request=slots.a_request)
    return pool, (count + slots.padding) * each


def one_pool(caches: tuple[LayerCache, ...], available: float, page: int, most_tokens: int | None) -> Dealt:
    """All tokens in all layers, windows or not [bytes, tokens].

    ``tokens = floor(available / bytes a token)``, in whole pages.
    Source: SGLang 0.5.23 ``srt/model_executor/pool_configurator.py``, ``DefaultPoolConfigurator``; checked:
    2026-11-30, read.
    Leaves out: scratch of sharded pages.
    """
    whole = tuple(replace(cache, window_tokens=None) for cache in caches)
    cell = cell_bytes(whole)
    tokens = _capped(available // cell, most_tokens) // page * page
    return Dealt(pools=(token_pool("full", whole, tokens, page),), bytes_per_token=cell, tokens=tokens)


def over_gpus(dealt: Dealt, ways: int) -> Dealt:
    """The same rows where each holds one token in ``ways`` of a context [bytes, tokens].

    ``tokens x ways``, pages of ``page x ways``, ``bytes a token / ways``.
    Source: SGLang 0.5.23 ``srt/mem_cache/kv_cache_configurator.py``, ``max_total_num_tokens * attn_dcp_size``, and
    ``kv_cache_builder.py``; checked: 2026-11-30, read.
    Leaves out: index caches of sparse attention.
    """
    pools = tuple(
        replace(
            pool,
            claims=tuple(replace(each, block_tokens=each.block_tokens * ways) for each in pool.claims),
        )
        for pool in dealt.pools
    )
    return Dealt(pools=pools, bytes_per_token=dealt.bytes_per_token / ways, tokens=dealt.tokens * ways)


def two_pools(
    caches: tuple[LayerCache, ...], available: float, page: int, ratio: float, most_tokens: int | None
) -> Dealt:
    """Tokens of full layers, and ``ratio`` times as many of sliding ones [bytes, tokens].

    ``full = floor(available / (full bytes + ratio x sliding bytes))``, in whole pages; a model of windows alone has
    one pool.
    Source: SGLang 0.5.23 ``srt/model_executor/pool_configurator.py``, ``HybridSWAPoolConfigurator``; checked:
    2026-11-30, read.
    Leaves out: unified pools.
    """
    full, sliding = _by_window(caches)
    ratio = ratio if full else 1.0
    cell = cell_bytes(full) + ratio * cell_bytes(sliding)
    tokens = _capped(available // cell, most_tokens) // page * page
    windowed = int(tokens * ratio) // page * page
    pools = [token_pool("full", full, tokens, page)] if full else []
    pools.append(token_pool("sliding", sliding, windowed, page))
    return Dealt(pools=tuple(pools), bytes_per_token=cell, tokens=tokens)


def capped_pools(
    caches: tuple[LayerCache, ...], available: float, page: int, requests: int, chunks: int
) -> Dealt | None:
    """Sliding layers with room for the most requests, the rest for full ones; None where either is missing [bytes].

    ``sliding = requests x (window + 128 + 2 pages) + chunks + page``, in whole pages;
    ``chunks``: tokens of the steps in flight, two where they overlap.
    Source: SGLang 0.5.23 ``srt/model_executor/pool_configurator.py``, ``SWARequestCapPoolConfigurator``, which takes
    this way without prefix caching and with a stated number of requests (checked: 2026-11-29).
    Leaves out: speculative decoding, disaggregation.
    """
    full, sliding = _by_window(caches)
    if not full or not sliding:
        return None
    window = max(cache.window_tokens or 0 for cache in sliding)
    needed = requests * (window + EVICTION_TOKENS + 2 * page) + chunks + page
    windowed = -(-needed // page) * page
    left = available - windowed * cell_bytes(sliding)
    tokens = max(0, int(left // cell_bytes(full))) // page * page
    pools = (token_pool("full", full, tokens, page), token_pool("sliding", sliding, windowed, page))
    return Dealt(pools=pools, bytes_per_token=cell_bytes(full), tokens=tokens)


def token_pool(name: str, caches: tuple[LayerCache, ...], tokens: int, page: int) -> Pool:
    """A pool of so many tokens in all of these layers [bytes].

    ``tokens x bytes of a token``; of sliding layers a sequence claims the window and a page.
    Definition: whole pages.
    """
    claims = tuple(
        Claim(
            kind=cache.kind,
            layers=cache.layers,
            block_bytes=cache.layers * cache.bytes_per_token * page,
            block_tokens=page,
            window_tokens=None if cache.window_tokens is None else cache.window_tokens + page,
        )
        for cache in caches
    )
    return Pool(name=name, capacity_bytes=tokens * cell_bytes(caches), claims=claims)


@lru_cache(maxsize=256)
def own_layers(model: Model) -> Model:
    """The model without the layers of a draft [layers].

    Definition: the inverse of :mod:`.serving.drafts`, of layers alone.
    """
    if not model.draft_layers:
        return model
    own = range(model.num_layers - model.draft_layers)
    groups = tuple(
        replace(group, indices=tuple(index for index in group.indices if index in own))
        for group in model.groups
        if group.indices[0] in own
    )
    return replace(model, num_layers=len(own), groups=groups, draft_layers=0)


def with_draft_rows(caches: tuple[LayerCache, ...], layers: int, ways: int = 1) -> tuple[LayerCache, ...]:
    """The caches of a stage and those of a draft's layers, which are taken for as large as the model's own [bytes].

    ``layers x mean bytes a token of layers that keep everything`` (of all, where none does), ``ways`` times as much
    where the model's contexts are dealt over so many GPUs and the draft's are not.
    Source: SGLang 0.5.23 ``srt/model_executor/pool_configurator.py``, which adds ``cell x draft layers / layers`` for
    heads and draft models alike, and ``draft_kv_size *= dcp_size``; checked: 2026-11-30, read.
    Leaves out: that the draft's own pool may take more or less.
    """
    growing = [cache for cache in caches if cache.grows]
    whole = [cache for cache in growing if cache.window_tokens is None] or growing
    if not whole:
        return caches
    mean = ways * cell_bytes(tuple(whole)) / sum(cache.layers for cache in whole)
    kind = whole[0].kind
    return (*caches, LayerCache(kind=kind, layers=layers, bytes_per_token=mean))


def cell_bytes(caches: tuple[LayerCache, ...]) -> float:
    """Bytes of one token in all of these layers [bytes].

    ``sum of layers x bytes a token``.
    Definition: what SGLang calls the size of a cell.
    """
    return sum(cache.layers * cache.bytes_per_token for cache in caches)


def scaled_rows(cache: LayerCache) -> LayerCache:
    """Rows of a sparse latent cache in fp8, as the kernels of Hopper keep them; others as they are [bytes].

    ``rank + 4 x rank / 128 + 64 x 2`` bytes: latent in fp8, a float32 scale for every 128, the rotary part in 16 bits.
    Source: SGLang 0.5.23 ``srt/mem_cache/kv_cache_configurator.py``, ``calculate_mla_kv_cache_dim`` (checked:
    2026-11-29), which takes plain rows for TRT-LLM's kernels, the default on compute capability 10.
    Leaves out: plain rows that other kernels take elsewhere.
    """
    if cache.kind != "latent" or cache.bytes_per_token != FP8_ROW_BYTES:
        return cache
    rank = cache.bytes_per_token - ROTARY_WIDTH
    return replace(cache, bytes_per_token=rank + rank // 128 * 4 + ROTARY_WIDTH * 2)


def pool_notes(pools: tuple[Pool, ...], page: int, slots: int) -> tuple[str, ...]:
    """What a reader of the plan should know of the pools."""
    notes = []
    names = {pool.name for pool in pools}
    if {"full", "sliding"} <= names:
        notes.append(
            "SGLang keeps two pools of tokens in the ratio swa_full_tokens_ratio; tokens counts the full one"
        )
    if "state" in names:
        notes.append(
            "recurrent states lie in slots beside the KV cache, in the ratio mamba_full_memory_ratio; a running "
            f"request holds {slots} of them"
        )
    if page > 1:
        notes.append(f"pages of {page} tokens")
    return tuple(notes)


def _by_window(caches: tuple[LayerCache, ...]) -> tuple[tuple[LayerCache, ...], tuple[LayerCache, ...]]:
    full = tuple(cache for cache in caches if cache.window_tokens is None)
    return full, tuple(cache for cache in caches if cache.window_tokens is not None)


def _capped(tokens: float, most: int | None) -> int:
    return int(tokens) if most is None else min(int(tokens), most)
