"""vLLM: profiles one step of the largest batch, gives the rest of its share to blocks of KV cache.

Read from vLLM 0.33.0 (``vllm/v1/worker/gpu_worker.py``, ``vllm/v1/core/kv_cache_planning.py``,
``vllm/engine/arg_utils.py``) and the releases that the catalog names; what differs between them is in ``VllmRules``.
"""

from dataclasses import dataclass, replace
from math import ceil
from typing import ClassVar

from llm_calc.core.engines.base import (
    Claim,
    GpuBudget,
    Limits,
    MemoryPlan,
    Pool,
    Setup,
    context_of,
    fullest,
)
from llm_calc.core.engines.traits import Traits
from llm_calc.core.engines.vllm_budget import outside_bytes, peak_bytes, weight_rules, with_host
from llm_calc.core.engines.vllm_graphs import GraphWishes, captured_graphs, check_wishes, graphs_bytes
from llm_calc.core.engines.vllm_groups import CacheGroup
from llm_calc.core.engines.vllm_limits import StepWishes, step_limits
from llm_calc.core.engines.vllm_media import MediaWishes, wishes_of, with_media
from llm_calc.core.engines.vllm_pages import Paging, frame_of, groups_of, stage_block_bytes
from llm_calc.core.engines.vllm_refusals import check_block_size, check_redundant, start_refusals
from llm_calc.core.engines.vllm_rules import VllmRules
from llm_calc.core.engines.vllm_traits import TRAITS
from llm_calc.core.engines.vllm_words import cache_notes
from llm_calc.core.engines.weights import device_weights_bytes, ngram_tables_bytes
from llm_calc.core.errors import UnsupportedError
from llm_calc.core.overheads import OverheadConstants
from llm_calc.core.parallelism import check_layout
from llm_calc.core.workloads.largest_images import ItemLimit

GIB = 2**30
LONGEST_THAT_FITS = -1
"""``max_model_len``: the longest context that memory holds, at most the model's own."""
STATE_WIDTHS = {"float32": 4.0, "float16": 2.0, "bfloat16": 2.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Vllm:
    """Options under vLLM's own names; None: what vLLM derives from the card and the model."""

    name: ClassVar[str] = "vllm"
    traits: ClassVar[Traits] = TRAITS

    overheads: OverheadConstants
    rules: VllmRules
    gpu_memory_utilization: float
    kv_cache_memory_bytes: int | None
    num_gpu_blocks_override: int | None
    max_model_len: int | None
    max_num_batched_tokens: int | None
    max_num_seqs: int | None
    block_size: int | None
    enforce_eager: bool
    cudagraph_mode: str
    max_cudagraph_capture_size: int | None
    cudagraph_capture_sizes: tuple[int, ...] | None
    performance_mode: str
    usage_context: str
    enable_chunked_prefill: bool
    enable_prefix_caching: bool | None
    async_scheduling: bool
    mamba_cache_mode: str | None
    mamba_ssm_cache_dtype: str
    disable_hybrid_kv_cache_manager: bool
    decode_context_parallel_size: int
    cpu_offload_gb: float
    language_model_only: bool
    limit_mm_per_prompt: tuple[tuple[str, ItemLimit], ...] | None
    skip_mm_profiling: bool
    mm_encoder_tp_mode: str
    enable_eplb: bool
    num_redundant_experts: int

    def limits(self, setup: Setup) -> Limits:
        """``max_num_seqs`` and ``max_num_batched_tokens``; larger on cards of 70 GiB and more (not A100)."""
        wishes = StepWishes(
            tokens=self.max_num_batched_tokens,
            sequences=self.max_num_seqs,
            chunked=self.enable_chunked_prefill,
            usage=self.usage_context,
            performance=self.performance_mode,
        )
        setup = with_media(setup, self.media())
        return step_limits(setup, self.rules, wishes, self._asked_context(setup))

    def media(self) -> MediaWishes:
        """What the options say of images, videos and sounds [items].

        Definition: the options that an encoder depends on.
        """
        return wishes_of(
            text_only=self.language_model_only,
            limits=self.limit_mm_per_prompt or (),
            profiled=not self.skip_mm_profiling,
            mode=self.mm_encoder_tp_mode,
        )

    def _asked_context(self, setup: Setup) -> int:
        """The context before what memory allows; -1 starts from the model's own."""
        chosen = None if self.max_model_len == LONGEST_THAT_FITS else self.max_model_len
        if self.max_model_len == LONGEST_THAT_FITS and not self.rules.fits_context:
            msg = "engine.max_model_len: this release does not fit it to the memory; give a number of tokens"
            raise UnsupportedError(msg, field="engine.max_model_len")
        return context_of(setup.model, chosen or setup.model.context_limit_tokens)

    def plan(self, setup: Setup) -> MemoryPlan:
        """Blocks of all groups in what weights, peak, graphs and context leave of the engine's share [bytes, tokens].

        ``blocks = floor((ceil(memory x gpu_memory_utilization) - weights - activation peak - framework - graphs) /
        block bytes)``; the graphs only in releases that estimate them first. ``kv_cache_memory_bytes`` replaces the
        whole, ``num_gpu_blocks_override`` the blocks.
        Source: vLLM 0.33.0 ``vllm/v1/worker/gpu_worker.py``, ``determine_available_memory``;
        ``vllm/v1/core/kv_cache_planning.py``, ``get_kv_cache_configs``; checked: 2026-11-29, read.
        Leaves out: the dummy pass of an encoder of audio.
        """
        setup = with_media(setup, self.media())
        check_layout(setup.model, setup.layout)
        check_redundant(setup, self.num_redundant_experts, balanced=self.enable_eplb)
        check_block_size(setup.model, self.block_size, self.rules)
        check_wishes(self.graph_wishes(), self.limits(setup))
        plan = with_host(
            setup, fullest([self._stage(setup, stage) for stage in range(setup.layout.pipeline)])
        )
        if self.max_model_len != LONGEST_THAT_FITS:
            return plan
        longest = min(plan.max_context_tokens(), plan.max_model_len_tokens) if plan.available_bytes > 0 else 0
        return replace(self, max_model_len=max(1, longest)).plan(setup)

    def _stage(self, setup: Setup, stage: int) -> MemoryPlan:
        limits, context = self.limits(setup), self._asked_context(setup)
        budget = self._budget(setup, stage, limits)
        frame, paging, whole = frame_of(setup), self.paging(), self.disable_hybrid_kv_cache_manager
        groups = groups_of(frame, paging, whole=whole)
        bounds = setup.layout.bounds(setup.model.num_layers, setup.model.draft_layers)[stage]
        size = stage_block_bytes(frame, paging, bounds, whole=whole)
        blocks = self._blocks(budget.kv_cache_bytes, size)
        pools = self._pools(setup, groups, blocks, size, limits)
        available = budget.kv_cache_bytes
        budget = replace(budget, kv_cache_bytes=blocks * size)
        if self.num_gpu_blocks_override:
            available = max(available, blocks * size)
        return MemoryPlan(
            engine=self.name,
            budget=budget,
            pools=pools,
            available_bytes=available,
            bytes_per_token=_bytes_per_token(pools, groups, context),
            tokens_per_replica=self._tokens(groups, blocks, pools, context),
            max_model_len_tokens=context,
            limits=limits,
            replicas=setup.layout.data,
            stage=stage,
            context_chosen=self.max_model_len is not None,
            notes=cache_notes(groups, self.block_size or 16),
            refusals=start_refusals(
                setup,
                budget,
                limits,
                context_tokens=context,
                whole_prompts=not self.enable_chunked_prefill,
                held_context_bytes=self.overheads.held_context_bytes,
                contexts=self.decode_context_parallel_size,
            ),
        )

    def _budget(self, setup: Setup, stage: int, limits: Limits) -> GpuBudget:
        """Where the memory goes; the cache is what is left for it, before it is rounded to blocks."""
        rules = weight_rules(setup, self.media(), self.num_redundant_experts)
        weights = device_weights_bytes(setup.model, setup.numbers.recipe, setup.layout, stage, rules)
        tables = ngram_tables_bytes(setup.model, setup.numbers.recipe, setup.layout, stage, rules)
        host = min(weights, self.cpu_offload_gb * GIB + tables)
        captured = captured_graphs(setup, limits, self.rules, self.graph_wishes())
        graphs = graphs_bytes(setup, stage, captured, self.overheads)
        usable = float(ceil(setup.memory_bytes * self.gpu_memory_utilization))
        context = self._asked_context(setup) if self.rules.profiles_encoder else 0
        peak = peak_bytes(setup, limits, stage, self.overheads, context, self.media())
        framework = outside_bytes(setup, self.overheads)
        left = usable - (weights - host) - peak - framework - graphs * self.rules.graphs_in_share
        return GpuBudget(
            memory_bytes=setup.memory_bytes,
            usable_bytes=usable,
            weights_bytes=weights - host,
            activation_peak_bytes=peak,
            cuda_graphs_bytes=graphs,
            framework_bytes=framework,
            kv_cache_bytes=float(self.kv_cache_memory_bytes or left),
            host_weights_bytes=host,
        )

    def graph_wishes(self) -> GraphWishes:
        """What the options say of graphs [tokens].

        Definition: the options; none where they are switched off.
        """
        return GraphWishes(
            mode="NONE" if self.enforce_eager else self.cudagraph_mode,
            largest=self.max_cudagraph_capture_size,
            sizes=self.cudagraph_capture_sizes,
            fine=self.performance_mode == "interactivity",
        )

    def paging(self) -> Paging:
        """What decides the pages besides the model [tokens, bytes].

        Definition: the options and rules that pages depend on.

        Raises:
            UnsupportedError: a mode that the release does not have.
        """
        modes = ("none", *self.rules.mamba_cache_modes)
        if self.mamba_cache_mode and self.mamba_cache_mode not in modes:
            raise UnsupportedError(
                f"engine.mamba_cache_mode: this release has no {self.mamba_cache_mode}; it has {', '.join(modes)}",
                field="engine.mamba_cache_mode",
            )
        return Paging(
            rules=self.rules,
            block_size=self.block_size,
            prefix_caching=self.enable_prefix_caching,
            mamba_cache_mode=self.mamba_cache_mode,
            recurrence_bytes=STATE_WIDTHS.get(self.mamba_ssm_cache_dtype),
        )

    def _blocks(self, available: float, size: float) -> int:
        if not size:
            return 0
        return self.num_gpu_blocks_override or max(0, int(available // size))

    def _pools(
        self, setup: Setup, groups: tuple[CacheGroup, ...], blocks: int, size: float, limits: Limits
    ) -> tuple[Pool, ...]:
        if not groups or not size:
            return ()
        in_flight = limits.max_batched_tokens * self.batches_in_flight(setup)
        states = self.paging().states_a_sequence(frame_of(setup)) + setup.drafted_tokens
        return (
            Pool(
                name="blocks",
                capacity_bytes=blocks * size,
                claims=tuple(self._claim(group, size, in_flight, states) for group in groups),
                held_back_bytes=size if self.rules.null_block and blocks else 0.0,
            ),
        )

    def batches_in_flight(self, setup: Setup) -> int:
        """Steps that are scheduled before the first of them is done [1].

        ``stages``, and 1 more when asynchronous; 1 in releases that count only one.
        Definition: ``max_concurrent_batches`` of vLLM's configuration.
        """
        if not self.rules.steps_in_flight:
            return 1
        return setup.layout.pipeline + self.async_scheduling

    def _claim(self, group: CacheGroup, size: float, in_flight: int, states: int) -> Claim:
        """Whole blocks of one group; a window keeps itself, what is in flight, and a block that it starts within."""
        page, window = group.first, group.first.window_tokens
        chunked = page.kind == "chunked"
        kept = None if window is None else window + in_flight - (not chunked)
        return Claim(
            kind=page.kind,
            layers=len(group.pages),
            block_bytes=size,
            block_tokens=page.block_tokens * (1 if window else self.decode_context_parallel_size),
            window_tokens=kept,
            extra_blocks=states - 1 if not page.block_tokens else int(window is not None and not chunked),
        )

    def _tokens(
        self, groups: tuple[CacheGroup, ...], blocks: int, pools: tuple[Pool, ...], context: int
    ) -> int:
        """``GPU KV cache size`` as the release prints it: concurrency x context, earlier blocks x block size."""
        if not pools:
            return 0
        plain = len(groups) == 1 and pools[0].claims[0].window_tokens is None
        if plain and not self.rules.tokens_by_concurrency:
            return blocks * pools[0].claims[0].block_tokens
        return int(float(pools[0].sequences(context)) * context)


def _bytes_per_token(pools: tuple[Pool, ...], groups: tuple[CacheGroup, ...], context: int) -> float:
    """Plain caches: the block over its tokens. Hybrids: a sequence of the full context over its tokens."""
    if not pools:
        return 0.0
    claims = pools[0].claims
    if len(groups) == 1 and claims[0].window_tokens is None:
        return claims[0].bytes_per_token
    return float(pools[0].sequence_bytes(context)) / context
