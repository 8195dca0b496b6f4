"""Cells and states of llama.cpp: what all slots take from the start, and what one sequence claims.

Source: llama.cpp v0.5.0 ``src/llama-kv-cache.cpp``, ``src/llama-kv-cache-iswa.cpp`` and
``src/llama-memory-recurrent.cpp``; checked: 2026-11-29.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from llm_calc.core.engines.base import Claim, Setup
from llm_calc.core.engines.llama_cpp_slots import (
    CELL_PADDING,
    Slots,
    Widths,
    widest_values,
    widths_of,
    window_of,
)
from llm_calc.core.model import LayerGroup, Model
from llm_calc.core.weights import Cache

WIDE_BYTES = 2.0
WIDENED_BY = ("NVIDIA", "AMD")
"""Whose kernels of attention widen what is quantized."""
STATE_BYTES = 4.0
"""Recurrent states are kept in float32."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheRules:
    """How the cache is laid out: slots, bytes an element of keys and values, and what decides its width and length.

    ``micro_batch``: tokens computed at once, which windows keep room for. ``flash_attention``: without it all values
    are as wide as the widest. ``swa_full``: windows do not cut the cache.
    """

    slots: Slots
    micro_batch: int
    key_bytes: float
    value_bytes: float
    flash_attention: bool
    swa_full: bool

    def bytes_per_token(self, widths: Widths) -> float:
        """Of one cell of one layer [bytes].

        ``keys x bytes + values x bytes``.
        Definition: cells hold no scales beside those of their number format.
        """
        return widths.keys * self.key_bytes + widths.values * self.value_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """One kind of cache in ``layers`` layers of a device; bytes of one layer."""

    kind: str
    layers: int
    bytes_per_token: float = 0.0
    window: int | None = None
    state_bytes: float = 0.0


def cache_bytes(model: Model, layers: range, rules: CacheRules) -> float:
    """What all slots take in these layers, from the start [bytes].

    ``sum over layers of cells x bytes a cell + slots x state``; sliding layers hold the cells of their window once a
    slot, or once in all where the slots share one cache.
    Source: llama.cpp v0.5.0, see above; checked: 2026-11-30, read; equal to its own dry run to the byte
    (``tools/llama_cpp_dry_run``).
    Leaves out: prediction blocks, which a server does not load; the compressed caches of DeepSeek-V4.
    """
    slots, total = rules.slots, 0.0
    for kept in _kept(model, layers, rules):
        cells = slots.cells
        if kept.window is not None:
            cells = slots.window_cells(kept.window, rules.micro_batch) * slots.streams
        total += kept.layers * (cells * kept.bytes_per_token + slots.count * kept.state_bytes)
    return total


def widest_cache(model: Model, layers: range, rules: CacheRules) -> float:
    """Keys and values of all slots in the widest of these layers [bytes].

    ``max over layers of cells x bytes a cell``.
    Definition: what one layer's attention reads.
    """
    sizes = [0.0]
    for kept in _kept(model, layers, rules):
        window = kept.window
        cells = rules.slots.cells
        if window is not None:
            cells = rules.slots.window_cells(window, rules.micro_batch) * rules.slots.streams
        sizes.append(cells * kept.bytes_per_token)
    return max(sizes)


def widened_bytes(model: Model, layers: range, rules: CacheRules) -> float:
    """Keys and values of the widest of these layers in 16 bits, where they are kept in less [bytes].

    ``max over layers of cells x 2 x (keys + values)``, of those that are quantized.
    Source: llama.cpp, the source in llama-cpp-python 0.3.36 ``ggml/src/ggml-cuda/fattn.cu``,
    ``ggml_cuda_flash_attn_ext_get_alloc_size``; checked: 2026-11-30, read, not measured.
    Leaves out: kernels for few tokens, which read quantized cells as they are.
    """
    keys, values = (WIDE_BYTES * (each < WIDE_BYTES) for each in (rules.key_bytes, rules.value_bytes))
    return widest_cache(model, layers, replace(rules, key_bytes=keys, value_bytes=values))


def widened_notes(setup: Setup, split: Iterable[range], rules: CacheRules) -> Iterator[str]:
    """That attention on CUDA widens a quantized cache, which the dry run of another device does not show."""
    if not rules.flash_attention or setup.gpu.vendor not in WIDENED_BY:
        return
    most = max((widened_bytes(setup.model, layers, rules) for layers in split), default=0.0)
    if most:
        yield (
            f"attention on {setup.gpu.vendor} keeps a layer's quantized keys and values in 16 bits besides, "
            f"{most / 2**20:.0f} MiB that are not counted here (read in its source, never measured)"
        )


def claims(model: Model, layers: range, rules: CacheRules) -> tuple[Claim, ...]:
    """What one sequence takes in these layers, by kind of layer [bytes].

    Definition: cells of its own context; where slots share one cache, windows are shared as well and take less.
    """
    return tuple(claim for kept in _kept(model, layers, rules) for claim in _claims(kept, rules))


def _claims(kept: _Kept, rules: CacheRules) -> Iterator[Claim]:
    if kept.bytes_per_token:
        window = None if kept.window is None else kept.window + rules.micro_batch
        yield Claim(
            kind=kept.kind,
            layers=kept.layers,
            block_bytes=kept.bytes_per_token * CELL_PADDING * kept.layers,
            block_tokens=CELL_PADDING,
            window_tokens=window,
        )
    if kept.state_bytes:
        size = kept.state_bytes * kept.layers
        yield Claim(kind="state", layers=kept.layers, block_bytes=size, block_tokens=0)


@lru_cache(maxsize=1024)
def _kept(model: Model, layers: range, rules: CacheRules) -> tuple[_Kept, ...]:
    counts: dict[_Kept, int] = {}
    for group in model.groups:
        here = sum(layers.start <= index < layers.stop for index in group.indices)
        for cache in group.parts.caches if here else ():
            one = _one(model, group, cache, rules)
            counts[one] = counts.get(one, 0) + here
    return tuple(
        _Kept(
            kind=one.kind,
            layers=number,
            bytes_per_token=one.bytes_per_token,
            window=one.window,
            state_bytes=one.state_bytes,
        )
        for one, number in counts.items()
    )


def _one(model: Model, group: LayerGroup, cache: Cache, rules: CacheRules) -> _Kept:
    widths = widths_of(group, cache)
    if widths.values and not rules.flash_attention:
        widths = Widths(keys=widths.keys, values=widest_values(model))
    each = rules.bytes_per_token(widths) if cache.elements_per_token else 0.0
    window = None if rules.swa_full else window_of(model, cache)
    return _Kept(
        kind=cache.kind,
        layers=1,
        bytes_per_token=each,
        window=window if each else None,
        state_bytes=(cache.state_elements - cache.spare_state_elements) * STATE_BYTES,
    )
