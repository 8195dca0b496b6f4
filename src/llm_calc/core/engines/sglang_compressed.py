"""SGLang's pools for DeepSeek V4: compressed entries, a window in every layer, and rings of what is being compressed.

Read from SGLang 0.5.23 ``srt/model_executor/pool_configurator.py`` (``DSV4PoolConfigurator``) and
``srt/mem_cache/deepseek_v4_memory_pool.py``.
"""

from dataclasses import dataclass

from llm_calc.core.engines.base import Claim, Pool
from llm_calc.core.engines.sglang_pools import Dealt
from llm_calc.core.model import Model
from llm_calc.core.parallelism import Layout

PAGE_TOKENS = 256
RUNNING_REQUESTS = 256
WINDOW_SHARE = 0.1
"""``DSV4_DEFAULT_SWA_FULL_TOKENS_RATIO`` of SGLang 0.5.23; checked: 2026-11-30, read."""
ROPE_WIDTH, ROPE_BYTES, SCALE_BYTES = 64, 2, 8
ALIGNMENT = 576
"""Pages are padded to a multiple of so many bytes."""
STATE_BYTES = 4
SHORT, LONG = 4, 128
"""Tokens of an entry."""
RING_ROWS = {SHORT: 8, LONG: 128}


@dataclass(frozen=True, slots=True, kw_only=True)
class Compressed:
    """Layers of a stage by tokens an entry, widths of entries and of index keys, and the window."""

    layers: int
    short: int
    long: int
    width: int
    index_width: int
    window: int

    @property
    def row_bytes(self) -> int:
        """One entry: fp8, the rotary part in 16 bits, scales [bytes].

        ``(width - 64) + 64 x 2 + 8``.
        Source: SGLang 0.5.23 ``DSV4PoolConfigurator.__init__``, a FlashMLA latent slot (checked: 2026-11-29).
        Leaves out: uniform fp8 pools of other attention backends.
        """
        return self.width - ROPE_WIDTH + ROPE_WIDTH * ROPE_BYTES + SCALE_BYTES

    def paged_bytes(self, tokens_an_entry: int = 1) -> float:
        """One entry with its part of the page's padding [bytes].

        ``ceil(rows x row / 576) x 576 / rows``, a page being 256 tokens.
        Source: SGLang 0.5.23 ``DSV4PoolConfigurator._get_paged_kv_bytes_per_token`` (checked: 2026-11-29).
        Leaves out: the V4.1 layouts.
        """
        rows = PAGE_TOKENS // tokens_an_entry
        return -(-rows * self.row_bytes // ALIGNMENT) * ALIGNMENT / rows

    @property
    def full_bytes(self) -> float:
        """Compressed entries and index keys of one token of context [bytes].

        ``short x (entry / 4 + index key / 4) + long x entry / 128``, an index key being fp8 with a scale for 128.
        Source: SGLang 0.5.23 ``DSV4PoolConfigurator._compressed_bytes_per_full_token`` (checked: 2026-11-29).
        Leaves out: hierarchical sparse attention, which keeps fewer entries.
        """
        key = self.index_width + self.index_width // 128 * 4
        short = self.paged_bytes(SHORT) / SHORT + key / SHORT
        return self.short * short + self.long * self.paged_bytes(LONG) / LONG

    @property
    def window_bytes(self) -> float:
        """One token of the window in all layers, with its part of the rings that short entries are made in [bytes].

        ``layers x entry + 8 / 256 x 4 x (width + index width) x 4 x short``.
        Source: SGLang 0.5.23 ``DSV4PoolConfigurator._get_bytes_per_swa_token`` (checked: 2026-11-29).
        Leaves out: rings of speculative decoding, which are wider.
        """
        ring = RING_ROWS[SHORT] / PAGE_TOKENS * 4 * (self.width + self.index_width) * STATE_BYTES
        return self.layers * self.paged_bytes() + ring * self.short

    def ring_bytes(self, requests: int) -> float:
        """The rings that long entries are made in, one a request [bytes].

        ``rows x 2 x width x 4 x long``, the rows being ``(requests + 2) x 128 + 1``, up to a multiple of 128.
        Source: SGLang 0.5.23 ``DSV4PoolConfigurator._get_c128_state_fixed_bytes`` (checked: 2026-11-29).
        Leaves out: online compression.
        """
        rows = (requests + 2) * RING_ROWS[LONG] + 1
        padded = -(-rows // LONG) * LONG
        return padded * 2 * self.width * STATE_BYTES * self.long


def compressed_of(model: Model, layout: Layout, stage: int) -> Compressed:
    """What a stage holds, from the model's caches."""
    bounds = layout.bounds(model.num_layers, model.draft_layers)[stage]
    counts, widths, states = {SHORT: 0, LONG: 0}, set[int](), set[int]()
    for group in model.groups:
        layers = sum(index in bounds for index in group.indices)
        entries = [cache for cache in group.parts.caches if cache.kind == "compressed"]
        for ratio in {cache.tokens_per_entry for cache in entries}:
            counts[ratio] += layers
        widths |= {cache.elements_per_token * cache.tokens_per_entry for cache in entries}
        states |= {cache.state_elements for cache in group.parts.caches if cache.state_elements}
    width = max(widths)
    return Compressed(
        layers=len(bounds),
        short=counts[SHORT],
        long=counts[LONG],
        width=width,
        index_width=min(widths),
        window=max(states) // width,
    )


def compressed_pools(held: Compressed, available: float, ratio: float | None, requests: int) -> Dealt:
    """Tokens of context, and a tenth as many of the window [bytes, tokens].

    ``tokens = floor((available - rings) / (full + ratio x window))``, in whole pages.
    Source: SGLang 0.5.23 ``DSV4PoolConfigurator.calculate_pool_sizes`` (checked: 2026-11-29).
    Leaves out: pools capped by the number of requests.
    """
    ratio = WINDOW_SHARE if ratio is None else ratio
    cell = held.full_bytes + ratio * held.window_bytes
    tokens = max(0, int((available - held.ring_bytes(requests)) // cell)) // PAGE_TOKENS * PAGE_TOKENS
    windowed = int(tokens * ratio) // PAGE_TOKENS * PAGE_TOKENS
    full = Claim(
        kind="compressed",
        layers=held.short + held.long,
        block_bytes=held.full_bytes * PAGE_TOKENS,
        block_tokens=PAGE_TOKENS,
    )
    window = Claim(
        kind="sliding",
        layers=held.layers,
        block_bytes=held.window_bytes * PAGE_TOKENS,
        block_tokens=PAGE_TOKENS,
        window_tokens=held.window + PAGE_TOKENS,
    )
    pools = (
        Pool(name="full", capacity_bytes=tokens * held.full_bytes, claims=(full,)),
        Pool(name="sliding", capacity_bytes=windowed * held.window_bytes, claims=(window,)),
    )
    return Dealt(pools=pools, bytes_per_token=cell, tokens=tokens)
