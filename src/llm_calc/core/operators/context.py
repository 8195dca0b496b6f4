"""Attention over the cache and recurrent state, from the scores and caches of a model's blocks."""

from collections.abc import Iterator

from llm_calc.core.arrays import Quantity, larger, smaller, where
from llm_calc.core.blocks import Parts
from llm_calc.core.memory import CacheFormat
from llm_calc.core.model import LayerGroup, Model
from llm_calc.core.operators.work import UNLIMITED_TOKENS, ContextWork
from llm_calc.core.parallelism import Layout, cache_share, largest_piece
from llm_calc.core.weights import Cache, Scores

WRITTEN_AND_READ = 2 * 4.0
"""Bytes that move for the score of an index in fp32: written by its kernel, read by the one that selects."""


def context_works(model: Model, cache_format: CacheFormat, layout: Layout) -> tuple[ContextWork, ...]:
    """One entry a kind of attention (same limit on visited keys), summed over its layers [bytes, FLOP].

    ``elements a token x bytes x share`` read for each token, ``2 x heads x (qk + v) x piece / tokens a key`` FLOPs for
    each pair, absorbed in decode; of an index, which weighs no values, ``8 / tokens a key`` bytes a pair. A selection
    of k keys visits ``k x tokens a key``. A ring is read as a state is.
    Source: vLLM 0.33.0 ``model_executor/layers/attention/mla_attention.py`` for absorbed caches,
    ``model_executor/layers/linear.py``, ``QKVParallelLinear``, for heads; DeepGEMM 0274ad7
    ``csrc/apis/attention.hpp``, ``fp8_fp4_mqa_logits``, which stores a score for every pair; checked: 2026-11-30, read.
    Leaves out: the softmax, further passes of a selection, and what it moves in decode; layers without a cache read the
    last one of their kind.
    """
    kinds: dict[tuple[float, bool, bool], ContextWork] = {}
    for group, scores, cache in _pairs(model):
        work = _context(group.calls, scores, cache, cache_format, layout)
        key = (float(work.limit_tokens), work.chunked, work.latent)
        kinds[key] = _added(kinds[key], work) if key in kinds else work
    return tuple(kinds.values())


def _pairs(model: Model) -> Iterator[tuple[LayerGroup, Scores, Cache]]:
    """Every score with the cache that it reads; layers without their own read the last one of their kind."""
    last: dict[bool, Cache] = {}
    for group, scores, own in _scores(model):
        windowed = scores.window is not None
        if own is not None:
            last[windowed] = own
        if windowed in last:
            yield group, scores, last[windowed]


def _scores(model: Model) -> Iterator[tuple[LayerGroup, Scores, Cache | None]]:
    """Every score with the cache that its own block keeps for it."""
    for group in model.groups:
        for block in group.blocks:
            yield from ((group, *pair) for pair in _with_own(block.parts()))


def _with_own(parts: Parts) -> Iterator[tuple[Scores, Cache | None]]:
    """The scores of a block, each with a cache of its own: of a window also a ring, which is a state."""
    growing = [cache for cache in parts.caches if cache.elements_per_token]
    ring = next((cache for cache in parts.caches if cache.state_elements), None)
    for scores in parts.scores:
        own = next((each for each in growing if _may_read(scores, each)), None)
        if own is not None:
            growing.remove(own)
        yield scores, ring if own is None and scores.window is not None else own


def _may_read(scores: Scores, cache: Cache) -> bool:
    """Whether a cache is of a score's keys: entries of several tokens are of scores that compare with those."""
    return cache.tokens_per_entry in (1, scores.tokens_per_key)


def _context(
    calls: int, scores: Scores, cache: Cache, cache_format: CacheFormat, layout: Layout
) -> ContextWork:
    heads = largest_piece(scores.units, layout.tensor) / scores.units
    bounds = [bound for bound in (scores.window, scores.top_k) if bound is not None]
    per_key = cache.elements_per_token * cache_format.bytes_per_element * cache_share(cache, layout.tensor)
    return ContextWork(
        name="attention over cache" if not bounds else f"attention over {min(bounds)} keys",
        calls=calls,
        kv_bytes_per_key=calls * per_key,
        decode_flops_per_key=calls * scores.absorbed_flops_per_pair * heads / scores.tokens_per_key,
        prefill_flops_per_pair=calls * scores.flops_per_pair * heads / scores.tokens_per_key,
        prefill_bytes_per_pair=0.0 if scores.v_dim else calls * WRITTEN_AND_READ / scores.tokens_per_key,
        limit_tokens=float(min(bounds) * scores.tokens_per_key) if bounds else UNLIMITED_TOKENS,
        chunked=scores.chunked,
        latent=scores.absorbed_qk_dim is not None,
    )


def _added(first: ContextWork, second: ContextWork) -> ContextWork:
    return ContextWork(
        name=first.name,
        calls=first.calls + second.calls,
        kv_bytes_per_key=first.kv_bytes_per_key + second.kv_bytes_per_key,
        decode_flops_per_key=first.decode_flops_per_key + second.decode_flops_per_key,
        prefill_flops_per_pair=first.prefill_flops_per_pair + second.prefill_flops_per_pair,
        prefill_bytes_per_pair=first.prefill_bytes_per_pair + second.prefill_bytes_per_pair,
        limit_tokens=first.limit_tokens,
        chunked=first.chunked,
        latent=first.latent,
    )


def visited_keys(work: ContextWork, context: Quantity) -> Quantity:
    """Keys that one decode step visits at ``context`` tokens [keys].

    ``min(context, limit)``; beyond it a chunked window holds ``(limit + 1) / 2`` on average.
    Definition: as :func:`.flops.executed_keys`, in tokens.
    """
    if work.chunked:
        return where(context <= work.limit_tokens, context, (work.limit_tokens + 1) / 2)
    return smaller(context, work.limit_tokens)


def mean_visited_keys(work: ContextWork, start: Quantity, end: Quantity) -> Quantity:
    """Mean of :func:`visited_keys` while a context grows from ``start`` (s) to ``end`` (e) [keys].

    Under a limit w: ``[(min(e, w)^2 - min(s, w)^2) / 2 + w (max(e, w) - max(s, w))] / (e - s)``.
    Definition: the integral over the growth, divided by it; chunked windows are taken at its middle.
    """
    if work.chunked:
        return visited_keys(work, (start + end) / 2)
    below = (smaller(end, work.limit_tokens) ** 2 - smaller(start, work.limit_tokens) ** 2) / 2
    above = work.limit_tokens * (larger(end, work.limit_tokens) - larger(start, work.limit_tokens))
    span = larger(end - start, 1e-9)
    return where(end - start > 0, (below + above) / span, visited_keys(work, start))


def visited_pairs(work: ContextWork, start: Quantity, tokens: Quantity) -> Quantity:
    """Query-key pairs of a chunk of ``tokens`` that follows ``start`` tokens of the same prompt [pairs].

    ``tokens x mean visited keys`` (causal: half of the square where nothing limits it).
    Definition: the sum over the chunk's queries, as an integral.
    """
    return tokens * mean_visited_keys(work, start, start + tokens)


def state_bytes(
    model: Model,
    cache_format: CacheFormat,
    layout: Layout,
    said_width: float | None = None,
    *,
    of_open: bool = False,
) -> float:
    """Bytes of recurrent state of one sequence on one GPU, all layers [bytes].

    ``sum over layers of state elements x bytes x share``; ``said_width``: bytes an element of all but convolutions'
    states, ``of_open``: of those alone whose width no file states.
    Definition: as :func:`.memory.state_bytes_per_sequence`, heads dealt by tensor parallelism.
    """
    total = 0.0
    for group in model.groups:
        for cache in group.parts.caches:
            width = cache.state_bits / 8 if cache.state_bits else cache_format.state_bytes_per_element
            if (
                said_width is not None
                and not cache.spare_state_elements
                and (cache.state_open or not of_open)
            ):
                width = said_width
            total += group.calls * float(cache.state_elements * width * cache_share(cache, layout.tensor))
    return total
