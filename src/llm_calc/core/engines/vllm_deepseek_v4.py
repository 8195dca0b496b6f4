"""The caches of DeepSeek-V4 and V4.1 under vLLM: pages of unlike sizes that lie side by side in a block."""

from collections.abc import Iterator
from functools import lru_cache

from llm_calc.core.arrays import ceil_div
from llm_calc.core.engines.vllm_groups import PAGE_ALIGNMENT_BYTES, Page
from llm_calc.core.model import Model
from llm_calc.core.weights import Cache

V4_ROW_BYTES, V4_BLOCK_TOKENS, V4_WINDOW_TOKENS, V4_INDEX_BYTES = 584, 256, 64, 132
"""DeepSeek-V4: 448 fp8 numbers, 64 rotary ones in 16 bits and 8 bytes of scales an entry; an index entry of 128 fp8
numbers and a scale; tokens of a block of the compressed caches, where none
are said, and of the window."""

V41_TYPES = ("deepseek_v41", "deepseek_v41_text")
PACKED_TYPES = ("deepseek_v4", *V41_TYPES)
"""Types whose backends lay pages of unlike sizes side by side."""
V41_ROW_BYTES, V41_ALIGNMENT_BYTES, V41_GENERATION, V41_RING_TOKENS = 528, 512, 10, 8
"""Rows of V4.1 on compute capability 10: 512 fp8 numbers and 16 scales; elsewhere those of V4. Tokens of the ring in
which an entry of several tokens is pooled, without speculation."""


def is_packed(model: Model) -> bool:
    """Whether pages of unlike sizes lie side by side in a block.

    Definition: DeepSeek-V4 and V4.1, whose backends ask for that layout.
    """
    return model.model_type in PACKED_TYPES


def packed_pages(model: Model, block_tokens: int, generation: int) -> tuple[Page, ...]:
    """Pages of a model for which ``is_packed`` holds, on a card of this compute capability [bytes].

    ``deepseek_v4_pages`` or ``deepseek_v41_pages``.
    Definition: the two, by the model's type.
    """
    if model.model_type in V41_TYPES:
        return deepseek_v41_pages(model, block_tokens, generation)
    return deepseek_v4_pages(model, block_tokens)


@lru_cache(maxsize=64)
def deepseek_v41_pages(model: Model, block_tokens: int, generation: int) -> tuple[Page, ...]:
    """The window of each layer; entries, index and ring of the layers that make entries [bytes].

    ``tokens x row / tokens an entry``, up to a multiple of 512 on compute capability 10 and of 576 elsewhere; a ring
    of 8 rows of ``2 x width`` float32 numbers where entries pool several tokens.
    Source: vLLM 0.33.0 ``vllm/models/deepseek_v41/attention.py`` and ``compressor.py``; checked: 2026-12-01, read.
    Leaves out: compressed entries in NVFP4, which one attention backend asks for, index keys in MXFP4, which
    ``attention_config`` asks for, and the longer rings of speculation.
    """
    new = generation == V41_GENERATION
    row, step = (V41_ROW_BYTES, V41_ALIGNMENT_BYTES) if new else (V4_ROW_BYTES, PAGE_ALIGNMENT_BYTES)
    found = []
    for group in model.groups:
        windows = [score.window for score in group.parts.scores if score.window]
        entries = [cache for cache in group.parts.caches if cache.kind == "compressed"]
        for layer in group.indices:
            found += [_page(layer, V4_WINDOW_TOKENS, row, step, window=window) for window in windows]
            found += _v41_entries(layer, entries, block_tokens, row, step)
    return tuple(sorted(found, key=lambda page: page.layer))


def _v41_entries(layer: int, caches: list[Cache], tokens: int, row: int, step: int) -> Iterator[Page]:
    """Of entries and of their index; a ring where entries pool several tokens."""
    for place, cache in enumerate(caches):
        rate, width = cache.tokens_per_entry, cache.elements_per_token * cache.tokens_per_entry
        yield _page(layer, tokens, (V4_INDEX_BYTES if place else row) / rate, step)
        if rate > 1 and not place:
            yield _page(layer, V41_RING_TOKENS, 2 * width * 4, step, window=1)


@lru_cache(maxsize=64)
def deepseek_v4_pages(model: Model, block_tokens: int) -> tuple[Page, ...]:
    """The window, compressed entries, their index, and what compressors keep, which are windows of their own [bytes].

    ``tokens x row / tokens an entry``, rounded up to 576; a compressor keeps ``2 x width`` float32 numbers a token
    (twice that where entries overlap) for a window of as many tokens as it compresses;
    ``block_tokens`` those of a block of compressed entries.
    Source: vLLM 0.33.0 ``vllm/models/deepseek_v4/attention.py`` and ``compressor.py``,
    ``vllm/v1/attention/backends/mla/sparse_swa.py``; checked: 2026-11-29, read.
    Leaves out: caches in 16 bits, which vLLM keeps in other rows.
    """
    found = []
    for group in model.groups:
        windows = [score.window for score in group.parts.scores if score.window]
        entries = [cache for cache in group.parts.caches if cache.kind == "compressed"]
        for layer in group.indices:
            found += [_v4_page(layer, V4_WINDOW_TOKENS, V4_ROW_BYTES, window=window) for window in windows]
            for place, cache in enumerate(entries):
                rate, width = cache.tokens_per_entry, cache.elements_per_token * cache.tokens_per_entry
                row = V4_INDEX_BYTES if place else V4_ROW_BYTES
                found.append(_v4_page(layer, block_tokens, row / rate))
                overlap, tokens = (2, 4) if rate == 4 else (1, 8)
                state = overlap * width * 2 * 4
                found.append(_v4_page(layer, tokens, state, window=overlap * rate))
    return tuple(sorted(found, key=lambda page: page.layer))


def _v4_page(layer: int, tokens: int, row_bytes: float, window: int | None = None) -> Page:
    return _page(layer, tokens, row_bytes, PAGE_ALIGNMENT_BYTES, window)


def _page(layer: int, tokens: int, row_bytes: float, step: int, window: int | None = None) -> Page:
    size = step * float(ceil_div(tokens * row_bytes, step))
    kind = "compressed" if window is None else "sliding"
    return Page(layer=layer, kind=kind, page_bytes=size, block_tokens=tokens, window_tokens=window)
