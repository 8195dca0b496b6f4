"""The pages of vLLM's cache: what a block takes in each layer, and how many tokens a block has.

An attention layer's page is a block's tokens; a recurrent layer's page is its state. ``block_size`` starts at 16 and
grows until the kernels take it, and until a page of attention holds a state.

Source: vLLM 0.33.0 ``vllm/platforms/interface.py`` (``_align_hybrid_block_size``), ``vllm/v1/kv_cache_interface.py``,
``vllm/model_executor/layers/mamba``, ``vllm/models/deepseek_v4``; checked: 2026-11-29, read.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import lcm

from llm_calc.core.arrays import ceil_div
from llm_calc.core.blocks import GatedDeltaNet, KimiDelta, Mamba, Mamba2
from llm_calc.core.engines.base import Setup
from llm_calc.core.engines.caches import INDEX_SCORES, LayerCache, caches_by_layer
from llm_calc.core.engines.vllm_groups import LATENT, PAGE_ALIGNMENT_BYTES, Page
from llm_calc.core.engines.vllm_rules import VllmRules
from llm_calc.core.model import LayerGroup, Model

KERNEL_BLOCK_TOKENS, LATENT_HYBRID_TOKENS = 16, 128
BLACKWELL_LATENT_TOKENS, SMALL_LATENT_TOKENS, INDEX_TOKENS = 32, 64, 64
DELTA_CHECKPOINT_TOKENS, KIMI_CHECKPOINT_TOKENS = 64, 16
SPARSE_ROW_BYTES = 656.0
"""A token of sparse latent attention in 8 bits: 512 fp8 numbers, 16 bytes of scales, 64 rotary numbers in 16 bits."""
V4_ROW_BYTES, V4_BLOCK_TOKENS, V4_WINDOW_TOKENS, V4_INDEX_BYTES = 584, 256, 64, 132
"""DeepSeek-V4: 448 fp8 numbers, 64 rotary ones in 16 bits and 8 bytes of scales an entry; an index entry of 128 fp8
numbers and a scale; tokens of a block of the compressed caches and of the window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """What decides the pages besides the model: options and rules that matter here."""

    rules: VllmRules
    block_size: int | None
    prefix_caching: bool | None
    mamba_cache_mode: str | None
    recurrence_bytes: float | None

    def mode(self, model: Model) -> str:
        """How states are kept for prefix caching: none, align or all.

        Definition: by default with hybrids where the release caches their prefixes; never in models without attention.
        ``all`` keeps a state for every block, in releases that have it, of Mamba layers only.
        """
        caches = [cache for group in model.groups for cache in group.parts.caches]
        hybrid = any(c.state_elements for c in caches) and any(c.elements_per_token for c in caches)
        cached = self.rules.hybrid_prefix_caching if self.prefix_caching is None else self.prefix_caching
        if not (hybrid and cached and self.rules.mamba_cache_modes):
            return "none"
        every = "all" in self.rules.mamba_cache_modes and _recurrences(model) <= {Mamba, Mamba2}
        if self.mamba_cache_mode == "align" or not every:
            return "align"
        return "all"

    def states_a_sequence(self, setup: Setup) -> int:
        """Pages of a state group that a sequence is admitted with [blocks].

        ``1``; kept for prefix caching ``2``, and 1 more where the layers export a checkpoint from within a prefill.
        Source: vLLM 0.33.0 ``vllm/v1/kv_cache_interface.py``, ``MambaSpec.max_memory_usage_bytes``; checked:
        2026-11-29, read.
        Leaves out: what speculative decoding keeps besides.
        """
        if self.mode(setup.model) != "align":
            return 1
        return 2 + (self.rules.prefill_checkpoints and exports_checkpoints(setup))


def exports_checkpoints(setup: Setup) -> bool:
    """Whether all recurrent layers export a state from within a prefill [-].

    Definition: Mamba-2 layers do; gated delta layers where their prefill kernel is FlashInfer's (Hopper, Blackwell);
    short convolutions and Mamba-1 layers do not.
    """
    kinds = _recurrences(setup.model)
    return bool(kinds) and all(
        kind is Mamba2 or (kind is GatedDeltaNet and _generation(setup) in (9, 10, 12)) for kind in kinds
    )


def _recurrences(model: Model) -> frozenset[type]:
    return frozenset(
        type(block)
        for group in model.groups
        for block in group.blocks
        if any(cache.state_elements for cache in block.parts().caches)
    )


def _generation(setup: Setup) -> int:
    """The leading number of the compute capability; 0 where there is none."""
    leading = (setup.gpu.compute_capability or "").partition(".")[0]
    return int(leading) if leading.isdecimal() else 0


def is_packed(model: Model) -> bool:
    """Whether pages of unlike sizes lie side by side in a block.

    Definition: DeepSeek-V4, whose backends ask for that layout.
    """
    return model.model_type == "deepseek_v4"


def pages_of(setup: Setup, paging: Paging) -> tuple[Page, ...]:
    """A page for each cache of each layer of the whole model, in the order of the layers [bytes, tokens].

    ``block tokens x bytes a token``; a state's page is the state, padded to attention's.
    Source: vLLM 0.33.0 ``vllm/v1/kv_cache_interface.py``, ``page_size_bytes`` of each kind; checked: 2026-11-29, read.
    Leaves out: padding that single kernels ask for.
    """
    if is_packed(setup.model):
        return _deepseek_v4(setup.model)
    caches = caches_by_layer(
        setup.model,
        setup.layout.tensor,
        setup.numbers.cache.bytes_per_element,
        setup.activation_bytes_per_element,
        paging.recurrence_bytes,
    )
    rows = tuple((layer, _rows(setup, paging, cache)) for layer, cache in caches)
    return _pages(rows, block_tokens(setup, paging, rows), state_tokens=paging.mode(setup.model) == "all")


Rows = tuple[tuple[int, LayerCache], ...]


def _rows(setup: Setup, paging: Paging, cache: LayerCache) -> LayerCache:
    """Sparse latent rows in 8 bits are wider than their numbers; data-centre Blackwell's kernels take plain ones."""
    small = setup.numbers.cache.bytes_per_element == 1
    if not (paging.rules.sparse_rows and small and cache.kind == "latent" and _sparse(setup.model)):
        return cache
    is_index = cache.bytes_per_token < SPARSE_ROW_BYTES / 2
    if is_index or _generation(setup) == 10:
        return cache
    return LayerCache(kind=cache.kind, layers=1, bytes_per_token=SPARSE_ROW_BYTES)


@lru_cache(maxsize=256)
def _sparse(model: Model) -> bool:
    """Latent attention over tokens that an indexer chooses."""
    return any(_has_index(group) for group in model.groups) and model.model_type != "minimax_m3"


def _has_index(group: LayerGroup) -> bool:
    return any(score.name == INDEX_SCORES for score in group.parts.scores)


@lru_cache(maxsize=1024)
def _pages(rows: Rows, tokens: int, *, state_tokens: bool) -> tuple[Page, ...]:
    growing = [
        (layer, place, _growing_page(layer, cache, tokens))
        for place, (layer, cache) in enumerate(rows)
        if cache.grows
    ]
    states: dict[int, float] = {}
    for layer, cache in rows:
        if not cache.grows:
            states[layer] = states.get(layer, 0.0) + cache.state_bytes
    widest = max((page.page_bytes for _, _, page in growing), default=0.0)
    kept = [
        (
            layer,
            -1,
            Page(layer=layer, kind="state", page_bytes=max(size, widest), block_tokens=tokens * state_tokens),
        )
        for layer, size in states.items()
        if size
    ]
    return tuple(page for _, _, page in sorted([*growing, *kept], key=lambda each: each[:2]))


def _growing_page(layer: int, cache: LayerCache, tokens: int) -> Page:
    return Page(
        layer=layer,
        kind=cache.kind,
        page_bytes=tokens * cache.bytes_per_token,
        block_tokens=tokens,
        window_tokens=cache.window_tokens,
    )


def block_tokens(setup: Setup, paging: Paging, rows: Rows) -> int:
    """Tokens of a block of attention, before pages are made equal [tokens].

    ``block_size``, else what the kernels ask for; with recurrent layers ``step x ceil(state / (step x bytes a token))``
    if that is more, the step being the block size, at least 16 (128 for latent attention), in multiples of what
    checkpoints of a prefill are aligned to.
    Source: vLLM 0.33.0 ``vllm/platforms/interface.py``, ``_align_hybrid_block_size``; checked: 2026-11-29, read.
    Leaves out: kernels of other vendors' cards.
    """
    growing = [cache for _, cache in rows if cache.grows]
    states: dict[int, float] = {}
    for layer, cache in rows:
        states[layer] = states.get(layer, 0.0) + cache.state_bytes
    chosen = paging.block_size or (_kernel_tokens(setup, growing) if paging.rules.kernel_blocks else None)
    largest, tokens = max(states.values(), default=0.0), chosen or KERNEL_BLOCK_TOKENS
    if not growing or not largest:
        return tokens
    step = tokens if paging.rules.kernel_blocks else KERNEL_BLOCK_TOKENS
    return max(
        tokens, hybrid_block_tokens(largest, growing[0].bytes_per_token, _step(setup, paging, growing, step))
    )


def hybrid_block_tokens(state_bytes: float, bytes_per_token: float, step: int = KERNEL_BLOCK_TOKENS) -> int:
    """Tokens a block whose attention page holds a state [tokens].

    ``step x ceil(state / (step x bytes a token))``.
    Source: vLLM 0.33.0 ``vllm/platforms/interface.py``, ``_align_hybrid_block_size``; checked: 2026-11-29, read; equals
    the sizes that it logs (``docs/memory.md``). Exact.
    """
    return step * int(ceil_div(int(state_bytes), int(step * bytes_per_token)))


def _step(setup: Setup, paging: Paging, growing: list[LayerCache], tokens: int) -> int:
    if paging.rules.kernel_blocks and any(cache.kind in LATENT for cache in growing):
        tokens = max(tokens, LATENT_HYBRID_TOKENS)
    tokens = max(tokens, KERNEL_BLOCK_TOKENS)
    if not (paging.rules.prefill_checkpoints and paging.mode(setup.model) == "align"):
        return tokens
    kinds = _recurrences(setup.model)
    if kinds == {GatedDeltaNet} and exports_checkpoints(setup):
        return lcm(tokens, DELTA_CHECKPOINT_TOKENS)
    return lcm(tokens, KIMI_CHECKPOINT_TOKENS) if kinds == {KimiDelta} else tokens


def _kernel_tokens(setup: Setup, growing: list[LayerCache]) -> int:
    """What the kernels of the card ask for where ``block_size`` is not set."""
    if not any(cache.kind in LATENT for cache in growing):
        return KERNEL_BLOCK_TOKENS
    if _sparse(setup.model):
        return INDEX_TOKENS
    if setup.numbers.cache.bytes_per_element < 2:
        return SMALL_LATENT_TOKENS
    return BLACKWELL_LATENT_TOKENS if _generation(setup) == 10 else KERNEL_BLOCK_TOKENS


@lru_cache(maxsize=64)
def _deepseek_v4(model: Model) -> tuple[Page, ...]:
    """The window, compressed entries, their index, and what compressors keep, which are windows of their own."""
    found = []
    for group in model.groups:
        windows = [score.window for score in group.parts.scores if score.window]
        entries = [cache for cache in group.parts.caches if cache.kind == "compressed"]
        for layer in group.indices:
            found += [_v4_page(layer, V4_WINDOW_TOKENS, V4_ROW_BYTES, window=window) for window in windows]
            for place, cache in enumerate(entries):
                rate, width = cache.tokens_per_entry, cache.elements_per_token * cache.tokens_per_entry
                row = V4_INDEX_BYTES if place else V4_ROW_BYTES
                found.append(_v4_page(layer, V4_BLOCK_TOKENS, row / rate))
                overlap, tokens = (2, 4) if rate == 4 else (1, 8)
                state = overlap * width * 2 * 4
                found.append(_v4_page(layer, tokens, state, window=overlap * rate))
    return tuple(sorted(found, key=lambda page: page.layer))


def _v4_page(layer: int, tokens: int, row_bytes: float, window: int | None = None) -> Page:
    size = PAGE_ALIGNMENT_BYTES * float(ceil_div(tokens * row_bytes, PAGE_ALIGNMENT_BYTES))
    kind = "compressed" if window is None else "sliding"
    return Page(layer=layer, kind=kind, page_bytes=size, block_tokens=tokens, window_tokens=window)
