"""SGLang: weights and KV pools share ``mem_fraction_static``; the rest is for activations and graphs.

Read from SGLang 0.5 (``srt/server_args.py``, ``srt/model_executor/pool_configurator.py``,
``srt/mem_cache/``); https://docs.sglang.ai/advanced_features/hyperparameter_tuning.html.
"""

from dataclasses import dataclass
from typing import ClassVar

from llm_calc.core.engines.base import Claim, GpuBudget, Limits, MemoryPlan, Pool, Setup, context_of, fullest
from llm_calc.core.engines.caches import LayerCache, stage_caches
from llm_calc.core.engines.splits import split_refusals
from llm_calc.core.engines.weights import WeightRules, device_weights_bytes
from llm_calc.core.overheads import OverheadConstants, forward_peak_bytes, framework_bytes, graph_bytes
from llm_calc.core.parallelism import check_layout, stage_bounds

GIB, MIB = 2**30, 2**20
RUNNING_REQUESTS = 2048
"""What ``max_running_requests`` becomes at least where it is not given (at most twice as many, by pool)."""

CARD_CLASSES: tuple[tuple[int, int, int, int], ...] = (
    (20, 2048, 8, 8),
    (35, 2048, 24, 80),
    (60, 4096, 32, 160),
    (160, 8192, 256, 512),
    (1 << 20, 16384, 512, 512),
)
"""(below so many GiB, chunked prefill size, largest captured batch with tensor < 4, with 4 or more)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SglangRules:
    """What differs between releases of SGLang: the catalog says it of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sglang:
    """Options under SGLang's own names; None: what SGLang derives from the card and the model."""

    name: ClassVar[str] = "sglang"

    overheads: OverheadConstants
    rules: SglangRules
    mem_fraction_static: float | None
    context_length: int | None
    page_size: int
    chunked_prefill_size: int | None
    max_running_requests: int | None
    cuda_graph_max_bs: int | None
    disable_cuda_graph: bool
    swa_full_tokens_ratio: float
    mamba_full_memory_ratio: float

    def limits(self, setup: Setup) -> Limits:
        """``max_running_requests`` and ``chunked_prefill_size`` (2048 to 16384 by the card's memory)."""
        chunk, _ = card_class(setup)
        return Limits(
            max_sequences=self.max_running_requests or RUNNING_REQUESTS,
            max_batched_tokens=self.chunked_prefill_size or chunk,
        )

    def static_fraction(self, setup: Setup) -> float:
        """``mem_fraction_static``, or SGLang's own share of the memory [1].

        ``(memory - reserve) / memory``, rounded to three digits. The reserve in MiB is ``512 + 1.5 x max(chunk, 2048)
        + 2 x largest graph + 128 x GPUs``, plus ``3 x largest graph x data`` (4.5 above 300) with data-parallel
        attention, and at least 10 GiB on cards of more than 60 GiB.
        Source: SGLang 0.5 ``srt/server_args.py``.
        Leaves out: its further reserves for speculative decoding and multimodal models.
        """
        if self.mem_fraction_static is not None:
            return self.mem_fraction_static
        layout, memory_mib = setup.layout, setup.memory_bytes / MIB
        chunk, graphs = self.limits(setup).max_batched_tokens, self._largest_graph(setup)
        reserve = (
            512 + 1.5 * max(chunk, 2048) + 2 * graphs + 128 * layout.tensor * layout.pipeline * layout.data
        )
        if layout.data > 1:
            reserve += graphs * layout.data * (4.5 if graphs > 300 else 3)
        if memory_mib > 60 * 1024:
            reserve = max(reserve, 10 * 1024)
        return max(0.0, round((memory_mib - reserve) / memory_mib, 3))

    def plan(self, setup: Setup) -> MemoryPlan:
        """Pools in what the weights leave of the static share; the rest is for steps and graphs [bytes, tokens].

        ``available = (memory - framework) x mem_fraction_static - weights``.
        Source: SGLang 0.5 ``srt/model_executor/pool_configurator.py``.
        Leaves out: what loading changes on the device beyond the weights (``docs/memory.md``).
        """
        check_layout(setup.model, setup.layout)
        return fullest([self._stage(setup, stage) for stage in range(setup.layout.pipeline)])

    def _stage(self, setup: Setup, stage: int) -> MemoryPlan:
        limits, context = self.limits(setup), context_of(setup.model, self.context_length)
        framework = framework_bytes(setup.layout.tensor * setup.layout.data, self.overheads)
        reserve = (setup.memory_bytes - framework) * (1 - self.static_fraction(setup))
        usable = setup.memory_bytes - reserve
        rules = WeightRules(
            vocab_multiple=64, whole_ends=True, rotary_table=True, cut_towers=True, absorbed_copy=True
        )
        weights = device_weights_bytes(setup.model, setup.numbers.recipe, setup.layout, stage, rules)
        available = usable - framework - weights
        pools, per_token, tokens = self._pools(setup, stage, max(0.0, available))
        return MemoryPlan(
            engine=self.name,
            budget=GpuBudget(
                memory_bytes=setup.memory_bytes,
                usable_bytes=usable,
                weights_bytes=weights,
                activation_peak_bytes=self._peak(setup, limits),
                cuda_graphs_bytes=self._graphs(setup, stage),
                framework_bytes=framework,
                kv_cache_bytes=sum(pool.capacity_bytes for pool in pools),
            ),
            pools=pools,
            available_bytes=available,
            bytes_per_token=per_token,
            tokens_per_replica=tokens,
            max_model_len_tokens=context,
            limits=limits,
            replicas=setup.layout.data,
            stage=stage,
            must_hold_one=False,
            notes=_notes(pools),
            refusals=split_refusals(setup.model, setup.numbers.recipe, setup.layout),
        )

    def _pools(self, setup: Setup, stage: int, available: float) -> tuple[tuple[Pool, ...], float, int]:
        """State slots first, then tokens of full and of sliding layers in the fixed ratio."""
        width = setup.numbers.cache.bytes_per_element
        state_width = setup.activation_bytes_per_element
        caches = stage_caches(setup.model, setup.layout, stage, width, state_width)
        states = tuple(cache for cache in caches if not cache.grows)
        pools: tuple[Pool, ...] = ()
        if states:
            share = self.mamba_full_memory_ratio / (1 + self.mamba_full_memory_ratio)
            pools = (_state_pool(states, available * share),)
            available -= available * share
        growing = tuple(cache for cache in caches if cache.grows)
        if not growing:
            return pools, 0.0, 0
        token_pools, per_token, tokens = self._token_pools(growing, available)
        return (*token_pools, *pools), per_token, tokens

    def _token_pools(
        self, caches: tuple[LayerCache, ...], available: float
    ) -> tuple[tuple[Pool, ...], float, int]:
        full = tuple(cache for cache in caches if cache.window_tokens is None)
        sliding = tuple(cache for cache in caches if cache.window_tokens is not None)
        ratio = self.swa_full_tokens_ratio if full else 1.0
        cell = _cell_bytes(full) + ratio * _cell_bytes(sliding)
        tokens = int(available // cell) // self.page_size * self.page_size
        window_tokens = int(tokens * ratio) // self.page_size * self.page_size
        pools = []
        if full:
            pools.append(self._token_pool("full", full, tokens))
        if sliding:
            pools.append(self._token_pool("sliding", sliding, window_tokens))
        return tuple(pools), cell, tokens

    def _token_pool(self, name: str, caches: tuple[LayerCache, ...], tokens: int) -> Pool:
        page = self.page_size
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
        return Pool(name=name, capacity_bytes=tokens * _cell_bytes(caches), claims=claims)

    def _largest_graph(self, setup: Setup) -> int:
        return self.cuda_graph_max_bs or card_class(setup)[1]

    def _peak(self, setup: Setup, limits: Limits) -> float:
        tokens, width = limits.max_batched_tokens, setup.activation_bytes_per_element
        return float(forward_peak_bytes(setup.model, tokens, width, setup.layout.tensor))

    def _graphs(self, setup: Setup, stage: int) -> float:
        if self.disable_cuda_graph:
            return 0.0
        layers = len(stage_bounds(setup.model.num_layers, setup.layout.pipeline)[stage])
        return graph_bytes(layers, captured_sizes(self._largest_graph(setup)), self.overheads)


def card_class(setup: Setup) -> tuple[int, int]:
    """Chunked prefill size and largest captured batch, by the card's memory [tokens, sequences].

    Definition: the row of ``CARD_CLASSES`` whose bound is the first above the memory, read from SGLang 0.5
    ``srt/server_args.py``.
    """
    memory_gib = setup.memory_bytes / GIB
    chunk, few, many = next(values for below, *values in CARD_CLASSES if memory_gib < below)
    return chunk, few if setup.layout.tensor * setup.layout.data < 4 else many


def captured_sizes(largest: int) -> int:
    """Batch sizes with a graph of their own: 1, 2, 4, every 8 up to 256, every 16 beyond [1].

    ``3 + floor(min(largest, 256) / 8) + floor(max(0, largest - 256) / 16)``.
    Source: SGLang 0.5 ``srt/server_args.py``.
    Leaves out: lists that the caller names.
    """
    return 3 + min(largest, 256) // 8 + max(0, largest - 256) // 16


def _cell_bytes(caches: tuple[LayerCache, ...]) -> float:
    return sum(cache.layers * cache.bytes_per_token for cache in caches)


def _state_pool(states: tuple[LayerCache, ...], budget: float) -> Pool:
    """Slots of recurrent state: as many as the budget holds, one a running request."""
    each = sum(state.layers * state.state_bytes for state in states)
    layers = max(state.layers for state in states)
    claim = Claim(kind="state", layers=layers, block_bytes=each, block_tokens=0)
    return Pool(name="state", capacity_bytes=budget // each * each, claims=(claim,))


def _notes(pools: tuple[Pool, ...]) -> tuple[str, ...]:
    notes = []
    names = {pool.name for pool in pools}
    if {"full", "sliding"} <= names:
        notes.append(
            "SGLang keeps two pools of tokens in the ratio swa_full_tokens_ratio; tokens counts the full one"
        )
    if "state" in names:
        notes.append(
            "recurrent states lie in slots beside the KV cache, in the ratio mamba_full_memory_ratio"
        )
    return tuple(notes)
