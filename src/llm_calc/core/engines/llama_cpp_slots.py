"""Slots of llama.cpp and the cells that it allocates for them, all at start.

The server deals the context to slots: each has ``n_ctx / slots`` cells of its own, or all share one cache
(``kv_unified``). Nothing is allocated later, so what runs at once follows from slots and cells alone.

Source: llama.cpp v0.5.0 (28 September 2026) ``src/llama-context.cpp`` (constructor), ``src/llama-kv-cache-iswa.cpp``
and ``tools/server/server.cpp``; checked: 2026-11-29, read and run without a device (``tools/llama_cpp_dry_run``).
"""

from dataclasses import dataclass

from llm_calc.core.arrays import Quantity, ceil_div, smaller, where
from llm_calc.core.model import LayerGroup, Model
from llm_calc.core.weights import Cache

CELL_PADDING = 256

WITH_WINDOWS = frozenset(
    (
        "afmoe", "cohere2", "cohere2_moe", "deepseek_v4", "exaone4", "exaone_moe", "gemma2", "gemma3", "gemma3_text",
        "gemma3n", "gemma3n_text", "gemma4", "gemma4_text", "gpt_oss", "granite_swa", "llama4", "llama4_text", "lfm2",
        "mellum", "mimo_v2", "mimo_v2_flash", "olmo3", "plamo3", "smallthinker", "step3p5",
    )
)  # fmt: skip
"""Families whose windows llama.cpp cuts the cache by; of all others (Phi-3, Mistral, StarCoder2, ...) every layer
keeps the whole context. Source: ``src/models/*.cpp``, where ``swa_type`` is set; checked: 2026-11-29."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """``count`` slots; each takes requests of up to ``slot_tokens``, all of them together ``cells`` tokens."""

    count: int
    shared: bool
    cells: int
    slot_tokens: int

    @property
    def streams(self) -> int:
        """Caches that are allocated: one that all share, or one a slot [sequences].

        Definition: llama.cpp's ``n_stream``.
        """
        return 1 if self.shared else self.count

    def sequences(self, context_tokens: Quantity) -> Quantity:
        """Sequences of ``context_tokens`` at once, as a ratio [sequences].

        ``min(slots, cells / context)`` in a shared cache, ``slots`` where each has its own; 0 beyond a slot's context.
        Definition: the server refuses requests longer than a slot.
        """
        most: Quantity = context_tokens * 0 + float(self.count)
        if self.shared:
            most = smaller(most, self.cells / context_tokens)
        return where(context_tokens <= self.slot_tokens, most, 0.0)

    def window_cells(self, window: int, micro_batch: int) -> int:
        """Cells of one cache of a layer that looks back ``window`` tokens [tokens].

        ``ceil(min(slot, window x (slots where shared) + micro batch) / 256) x 256``.
        Source: llama.cpp v0.5.0 ``src/llama-kv-cache-iswa.cpp``, the constructor; checked: 2026-11-30, read. Exact.
        """
        kept = window * (self.count if self.shared else 1) + micro_batch
        return padded(min(self.slot_tokens, kept))


def padded(tokens: int) -> int:
    """Cells for so many tokens [tokens].

    ``ceil(tokens / 256) x 256``.
    Source: llama.cpp v0.5.0 ``src/llama-context.cpp``, ``GGML_PAD``; checked: 2026-11-30, read. Exact.
    """
    return int(ceil_div(tokens, CELL_PADDING)) * CELL_PADDING


def slots_of(n_ctx: int, count: int, *, shared: bool) -> Slots:
    """Slots of a server that is started with ``n_ctx`` cells [tokens].

    Padded to 256, divided by the slots, each padded to 256 again; undivided where the cache is ``shared``.
    Source: llama.cpp v0.5.0 ``src/llama-context.cpp``, the constructor; checked: 2026-11-30, read. Exact.
    """
    cells = padded(n_ctx)
    if shared or count == 1:
        return Slots(count=count, shared=shared, cells=cells, slot_tokens=cells)
    each = padded(max(cells // count, 1))
    return Slots(count=count, shared=False, cells=each * count, slot_tokens=each)


def window_of(model: Model, cache: Cache) -> int | None:
    """The window that llama.cpp cuts a cache by; None: it keeps the whole context [tokens].

    Definition: see ``WITH_WINDOWS``.
    """
    return cache.window if model.model_type in WITH_WINDOWS else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Widths:
    """Elements of keys and of values that one layer stores for a token; a latent cache stores keys alone."""

    keys: int
    values: int


def widths_of(group: LayerGroup, cache: Cache) -> Widths:
    """Keys and values of one cache, for one token [elements].

    ``kv_heads x value_dim`` are values, the rest keys; latent and index caches hold no values.
    Definition: the blocks' own products with the context.
    """
    if cache.kind in ("latent", "compressed"):
        return Widths(keys=cache.elements_per_token, values=0)
    dims = [score.v_dim for score in group.parts.scores if score.v_dim]
    values = min(cache.units * dims[0], cache.elements_per_token) if dims else cache.elements_per_token // 2
    return Widths(keys=cache.elements_per_token - values, values=values)


def widest_values(model: Model) -> int:
    """The widest values of any layer, which all take without flash attention [elements].

    ``max over layers of values``.
    Source: llama.cpp v0.5.0 ``src/llama-kv-cache.cpp`` (``TAG_V_CACHE_VARIABLE``); checked: 2026-11-30, read. Exact.
    """
    found = (
        widths_of(group, cache).values
        for group in model.groups
        for cache in group.parts.caches
        if cache.elements_per_token
    )
    return max(found, default=0)
