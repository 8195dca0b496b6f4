"""The caches of DeepSeek-V4 under vLLM: pages of unlike sizes that lie side by side in a block."""

from functools import lru_cache

from llm_calc.core.arrays import ceil_div
from llm_calc.core.engines.vllm_groups import PAGE_ALIGNMENT_BYTES, Page
from llm_calc.core.model import Model

V4_ROW_BYTES, V4_BLOCK_TOKENS, V4_WINDOW_TOKENS, V4_INDEX_BYTES = 584, 256, 64, 132
"""DeepSeek-V4: 448 fp8 numbers, 64 rotary ones in 16 bits and 8 bytes of scales an entry; an index entry of 128 fp8
numbers and a scale; tokens of a block of the compressed caches, where none
are said, and of the window."""


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
    size = PAGE_ALIGNMENT_BYTES * float(ceil_div(tokens * row_bytes, PAGE_ALIGNMENT_BYTES))
    kind = "compressed" if window is None else "sliding"
    return Page(layer=layer, kind=kind, page_bytes=size, block_tokens=tokens, window_tokens=window)
