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
from llm_calc.core.engines.caches import LayerCache, caches_by_layer
from llm_calc.core.engines.vllm_deepseek_v4 import V4_BLOCK_TOKENS, is_packed, packed_pages
from llm_calc.core.engines.vllm_groups import (
    LATENT,
    CacheGroup,
    Page,
    block_bytes,
    group_pages,
    unwindowed,
)
from llm_calc.core.engines.vllm_kernels import KERNEL_BLOCK_TOKENS, kernel_tokens
from llm_calc.core.engines.vllm_rows import stored_row
from llm_calc.core.engines.vllm_rules import VllmRules
from llm_calc.core.model import Model

LATENT_HYBRID_TOKENS = 128
DELTA_CHECKPOINT_TOKENS = 64
CHECKPOINT_GENERATIONS = (9, 10, 12)
BOUNDED_GATES = frozenset({"kimi_k3"})
"""Models of Kimi's delta layers whose gate has a lower bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What decides the pages of a deployment: equal ones are planned once.

    ``generation``: the leading number of the card's compute capability; 0 where there is none.
    """

    model: Model
    tensor: int
    cache_bytes_per_element: float
    activation_bytes_per_element: float
    generation: int


def frame_of(setup: Setup) -> Frame:
    """The part of a deployment that its pages depend on [bytes].

    Definition: :class:`Frame`.
    """
    leading = (setup.gpu.compute_capability or "").partition(".")[0]
    return Frame(
        model=setup.model,
        tensor=setup.layout.tensor,
        cache_bytes_per_element=setup.numbers.cache.bytes_per_element,
        activation_bytes_per_element=setup.activation_bytes_per_element,
        generation=int(leading) if leading.isdecimal() else 0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """What decides the pages besides the model: options and rules that matter here."""

    rules: VllmRules
    block_size: int | None
    prefix_caching: bool | None
    mamba_cache_mode: str | None
    recurrence_bytes: float | None

    @lru_cache(maxsize=1024)  # noqa: B019 - equal ones share it, and there are few
    def mode(self, model: Model) -> str:
        """How states are kept for prefix caching: none, align or all.

        Definition: by default with hybrids where the release caches their prefixes; never in models without attention.
        ``all`` keeps a state for every block, in releases that have it, of Mamba layers only; some take it unasked.
        """
        caches = [cache for group in model.groups for cache in group.parts.caches]
        hybrid = any(c.state_elements for c in caches) and any(c.elements_per_token for c in caches)
        cached = self.rules.hybrid_prefix_caching if self.prefix_caching is None else self.prefix_caching
        if not (hybrid and cached and self.rules.mamba_cache_modes):
            return "none"
        every = "all" in self.rules.mamba_cache_modes and _recurrences(model) <= {Mamba, Mamba2}
        unsaid = self.mamba_cache_mode in (None, "none")
        asked = self.rules.every_state if unsaid else self.mamba_cache_mode == "all"
        return "all" if every and asked else "align"

    def states_a_sequence(self, frame: Frame) -> int:
        """Pages of a state group that a sequence is admitted with [blocks].

        ``1``; kept for prefix caching ``2``, and 1 more where the layers export a checkpoint from within a prefill.
        Source: vLLM 0.33.0 ``vllm/v1/kv_cache_interface.py``, ``MambaSpec.max_memory_usage_bytes``; checked:
        2026-11-29, read.
        Leaves out: one for each token that is drafted, which the engine adds; convolutions that are wider by as many.
        """
        if self.mode(frame.model) != "align":
            return 1
        return 2 + exports_checkpoints(frame.model, frame.generation, self.rules.prefill_checkpoints)


@lru_cache(maxsize=1024)
def exports_checkpoints(model: Model, generation: int, kinds: tuple[str, ...]) -> bool:
    """Whether all recurrent layers export a state from within a prefill [-].

    ``kinds``: those that can in this release. Definition: Mamba-2 layers do; gated delta layers where their prefill
    kernel is FlashInfer's, and Kimi's delta layers with a bounded gate where it is FlashKDA's (both Hopper and
    Blackwell); short convolutions and Mamba-1 layers do not.
    """
    able: set[type] = {Mamba2} if "mamba2" in kinds else set()
    if "gated_delta" in kinds and generation in CHECKPOINT_GENERATIONS:
        able.add(GatedDeltaNet)
    if "kimi_delta" in kinds and generation in CHECKPOINT_GENERATIONS and model.model_type in BOUNDED_GATES:
        able.add(KimiDelta)
    found = _recurrences(model)
    return bool(found) and found <= able


@lru_cache(maxsize=512)
def _recurrences(model: Model) -> frozenset[type]:
    return frozenset(
        type(block)
        for group in model.groups
        for block in group.blocks
        if any(cache.state_elements for cache in block.parts().caches)
    )


@lru_cache(maxsize=256)
def pages_of(frame: Frame, paging: Paging) -> tuple[Page, ...]:
    """A page for each cache of each layer of the whole model, in the order of the layers [bytes, tokens].

    ``block tokens x bytes a token``; a state's page is the state, padded to attention's.
    Source: vLLM 0.33.0 ``vllm/v1/kv_cache_interface.py``, ``page_size_bytes`` of each kind; checked: 2026-11-29, read.
    Leaves out: padding that single kernels ask for.
    """
    if is_packed(frame.model):
        return packed_pages(frame.model, paging.block_size or V4_BLOCK_TOKENS, frame.generation)
    caches = caches_by_layer(
        frame.model,
        frame.tensor,
        frame.cache_bytes_per_element,
        frame.activation_bytes_per_element,
        None,
        paging.recurrence_bytes,
    )
    element, generation, sparse = frame.cache_bytes_per_element, frame.generation, paging.rules.sparse_rows
    rows = tuple(
        (layer, stored_row(frame.model, cache, frame.tensor, element, generation, sparse_rows=sparse))
        for layer, cache in caches
    )
    return _pages(rows, block_tokens(frame, paging, rows), state_tokens=paging.mode(frame.model) == "all")


@lru_cache(maxsize=512)
def groups_of(frame: Frame, paging: Paging, *, whole: bool) -> tuple[CacheGroup, ...]:
    """Groups of the model's layers; ``whole``: without windows [bytes, tokens].

    Definition: :func:`.vllm_groups.group_pages` of :func:`pages_of`.
    """
    pages = pages_of(frame, paging)
    return group_pages(
        unwindowed(pages) if whole else pages, paging.rules.nearly_equal, packed=is_packed(frame.model)
    )


@lru_cache(maxsize=4096)
def stage_block_bytes(frame: Frame, paging: Paging, stage: range, *, whole: bool) -> float:
    """Bytes of a block in the layers of one stage [bytes].

    Definition: :func:`.vllm_groups.block_bytes` of :func:`groups_of`.
    """
    return block_bytes(groups_of(frame, paging, whole=whole), stage, packed=is_packed(frame.model))


Rows = tuple[tuple[int, LayerCache], ...]


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


def block_tokens(frame: Frame, paging: Paging, rows: Rows) -> int:
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
    chosen = paging.block_size or _asked_by_kernels(frame, paging, growing)
    largest, tokens = max(states.values(), default=0.0), chosen or KERNEL_BLOCK_TOKENS
    if not growing or not largest:
        return tokens
    step = tokens if paging.rules.kernel_blocks else KERNEL_BLOCK_TOKENS
    return max(
        tokens, hybrid_block_tokens(largest, growing[0].bytes_per_token, _step(frame, paging, growing, step))
    )


def _asked_by_kernels(frame: Frame, paging: Paging, growing: list[LayerCache]) -> int | None:
    if not paging.rules.kernel_blocks:
        return None
    latent = any(cache.kind in LATENT for cache in growing)
    return kernel_tokens(frame.model, frame.generation, frame.cache_bytes_per_element, latent=latent)


def hybrid_block_tokens(state_bytes: float, bytes_per_token: float, step: int = KERNEL_BLOCK_TOKENS) -> int:
    """Tokens a block whose attention page holds a state [tokens].

    ``step x ceil(state / (step x bytes a token))``.
    Source: vLLM 0.33.0 ``vllm/platforms/interface.py``, ``_align_hybrid_block_size``; checked: 2026-11-29, read; equals
    the sizes that it logs (``docs/memory.md``). Exact.
    """
    return step * int(ceil_div(int(state_bytes), int(step * bytes_per_token)))


def _step(frame: Frame, paging: Paging, growing: list[LayerCache], tokens: int) -> int:
    if paging.rules.kernel_blocks and any(cache.kind in LATENT for cache in growing):
        tokens = max(tokens, LATENT_HYBRID_TOKENS)
    tokens = max(tokens, KERNEL_BLOCK_TOKENS)
    if paging.mode(frame.model) != "align":
        return tokens
    able = paging.rules.prefill_checkpoints
    aligned = _recurrences(frame.model) == {GatedDeltaNet}
    if aligned and exports_checkpoints(frame.model, frame.generation, able):
        return lcm(tokens, DELTA_CHECKPOINT_TOKENS)
    return tokens
