"""SGLang: weights and KV pools share ``mem_fraction_static``; the rest is for activations and graphs.

Read from SGLang 0.5.4, 0.5.12 and 0.5.23 (``srt/server_args.py``, ``arg_groups/``, ``pool_configurator.py``).
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from llm_calc.core.engines.base import GpuBudget, Limits, MemoryPlan, Pool, Setup, context_of, fullest
from llm_calc.core.engines.caches import LayerCache, stage_caches
from llm_calc.core.engines.dealt_contexts import sglang_refusals
from llm_calc.core.engines.sglang_compressed import (
    PAGE_TOKENS,
    RUNNING_REQUESTS,
    compressed_of,
    compressed_pools,
)
from llm_calc.core.engines.sglang_pools import (
    Dealt,
    StateSlots,
    capped_pools,
    one_pool,
    over_gpus,
    own_layers,
    pool_notes,
    scaled_rows,
    state_pool,
    two_pools,
    with_draft_rows,
)
from llm_calc.core.engines.sglang_rules import (
    COMPRESSED,
    PAGE_OF_BACKEND,
    SPARSE_PAGE,
    STATE_BYTES,
    TAKEN_PAGES,
    SglangRules,
    has_scaled_rows,
    is_compressed,
    is_datacenter_blackwell,
    is_latent,
    is_sparse,
    kernels_share,
    share_notes,
    state_ratio,
    tracked_slots,
    vision_bytes,
    window_ratio,
)
from llm_calc.core.engines.sglang_schedule import (
    FEWEST_RUNNING,
    check_page,
    own_chunk,
    running_requests,
    whole_notes,
    working_tokens,
)
from llm_calc.core.engines.sglang_share import (
    Reserved,
    card_class,
    graphs_bytes,
    has_prefill_graphs,
    static_share,
    step_peak_bytes,
    weights_bytes,
    with_graphs_held,
)
from llm_calc.core.engines.sglang_traits import TRAITS
from llm_calc.core.overheads import OverheadConstants, framework_bytes
from llm_calc.core.parallelism import check_layout, one_replica


@dataclass(frozen=True, slots=True, kw_only=True)
class Sglang:
    """Options under SGLang's own names; None: what SGLang derives from the card and the model.

    ``schedule_conservativeness``: how much of an output must fit before its request enters.
    ``scheduler_recv_interval``: steps between looks for new requests; None: as measured servers ran.
    """

    name: ClassVar[str] = "sglang"
    traits: ClassVar = TRAITS

    overheads: OverheadConstants
    rules: SglangRules
    mem_fraction_static: float | None
    context_length: int | None
    page_size: int | None
    chunked_prefill_size: int | None
    max_running_requests: int | None
    max_total_tokens: int | None
    cuda_graph_max_bs: int | None
    disable_cuda_graph: bool
    disable_prefill_cuda_graph: bool
    disable_radix_cache: bool
    disable_overlap_schedule: bool
    disable_hybrid_swa_memory: bool
    swa_full_tokens_ratio: float | None
    mamba_full_memory_ratio: float
    mamba_radix_cache_strategy: str
    mamba_ssm_dtype: str | None
    max_mamba_cache_size: int | None
    ep_num_redundant_experts: int
    attention_backend: str | None
    dcp_size: int = 1
    schedule_conservativeness: float = 1.0
    scheduler_recv_interval: int | None = None

    def limits(self, setup: Setup) -> Limits:
        """``max_running_requests`` and ``chunked_prefill_size`` of one replica (2048 to 16384 by the card's memory)."""
        usual = RUNNING_REQUESTS if is_compressed(setup.model) else FEWEST_RUNNING
        return Limits(
            max_sequences=self._asked_requests(setup) or usual,
            max_batched_tokens=own_chunk(self._chunk(setup), setup.layout),
        )

    def _chunk(self, setup: Setup) -> int:
        return self.chunked_prefill_size or card_class(setup, self.rules)[0]

    def static_fraction(self, setup: Setup) -> float:
        """``mem_fraction_static``, or SGLang's own share of the memory [1].

        Definition: the option, else :func:`.sglang_share.static_share`; of either :func:`.sglang_rules.kernels_share`.
        """
        stated, context = self.mem_fraction_static, context_of(setup.model, self.context_length)
        share = static_share(setup, self._reserved(setup)) if stated is None else stated
        return share * kernels_share(setup, self.attention_backend, context)

    def _reserved(self, setup: Setup) -> Reserved:
        rules, chunk = self.rules, self._chunk(setup)  # prompts that are left whole have no graphs
        context = self.context_length or chunk if rules.prefill_graphs_in_context else chunk
        most = min(chunk, context, self.max_total_tokens or chunk)
        return Reserved(
            chunk=working_tokens(chunk),
            batch=self.largest_graph(setup, limited=rules.graphs_of_requests),
            graphs=rules.reserves_without_graphs or not self.disable_cuda_graph,
            prefill=most if self._has_prefill_graphs(setup) else 0,
            draft_mib=rules.draft_reserve_mib if setup.drafted_tokens and setup.model.draft_layers else 0,
        )

    def page(self, setup: Setup) -> int:
        """Tokens of a page of the pools [tokens].

        What attention takes: 256 for DeepSeek V4, 64 for sparse latent attention, 64 on compute capability 10, where
        the default kernels want it; a named ``attention_backend``'s own; else ``page_size`` or 1.
        Source: SGLang 0.5.23 ``srt/arg_groups/overrides.py``, ``attention_hook.py`` and ``model_overrides``
        (checked: 2026-11-29).
        Leaves out: pages of other vendors' kernels.
        """
        model, backend = setup.model, self.attention_backend
        if is_compressed(model) or is_sparse(model):
            return PAGE_TOKENS if is_compressed(model) else SPARSE_PAGE
        blackwell = is_datacenter_blackwell(setup)
        if backend is None and blackwell and model.model_type not in self.rules.unpaged_on_blackwell:
            backend = "trtllm_mla" if is_latent(model) else "trtllm_mha"
            if not self.rules.blackwell_page:
                return self.page_size or 1
        if backend == "fa4" and (is_latent(model) or not blackwell):
            backend = None
        if backend not in PAGE_OF_BACKEND or self.page_size in TAKEN_PAGES.get(backend, ()):
            return self.page_size or 1
        return PAGE_OF_BACKEND[backend]

    def plan(self, setup: Setup) -> MemoryPlan:
        """Pools in what the weights leave of the static share; the rest is for steps and graphs [bytes, tokens].

        ``available = (memory - framework) x mem_fraction_static - weights - what vision models allocate later``.
        Source: SGLang 0.5.23 ``srt/mem_cache/kv_cache_configurator.py``, ``_profile_available_bytes``; checked:
        2026-11-30, read.
        Leaves out: what loading changes on the device beyond the weights (``docs/memory.md``).
        """
        check_layout(setup.model, setup.layout)
        check_page(self.page(setup), self._chunk(setup), self.page_size)
        server = replace(setup, layout=one_replica(setup.layout)[0])
        plans = [with_graphs_held(self._stage(server, stage)) for stage in range(setup.layout.pipeline)]
        return replace(fullest(plans), replicas=setup.layout.data)

    def _stage(self, setup: Setup, stage: int) -> MemoryPlan:
        limits, context = self.limits(setup), context_of(setup.model, self.context_length)
        framework = framework_bytes(setup.layout.tensor * setup.layout.data, self.overheads)
        reserve = (setup.memory_bytes - framework) * (1 - self.static_fraction(setup))
        usable = setup.memory_bytes - reserve
        weights = weights_bytes(setup, stage, self.ep_num_redundant_experts)
        available = usable - framework - weights - vision_bytes(setup.model, self.rules)
        dealt, state = self._dealt(setup, stage, max(0.0, available))
        pools = dealt.pools if state is None else (*dealt.pools, state)
        slots = self._slots(setup).a_request
        usual = RUNNING_REQUESTS if is_compressed(setup.model) else None
        running = running_requests(self._asked_requests(setup), usual, dealt.tokens, context, state)
        return MemoryPlan(
            engine=self.name,
            budget=GpuBudget(
                memory_bytes=setup.memory_bytes,
                usable_bytes=usable,
                weights_bytes=weights,
                activation_peak_bytes=step_peak_bytes(setup, self._chunk(setup)),
                cuda_graphs_bytes=self._graphs(setup, stage),
                framework_bytes=framework,
                kv_cache_bytes=sum(pool.capacity_bytes for pool in pools),
            ),
            pools=pools,
            available_bytes=available,
            bytes_per_token=dealt.bytes_per_token,
            tokens_per_replica=dealt.tokens,
            max_model_len_tokens=context,
            limits=Limits(max_sequences=running, max_batched_tokens=limits.max_batched_tokens),
            replicas=setup.layout.data,
            stage=stage,
            must_hold_one=False,
            notes=(
                *pool_notes(pools, self.page(setup), slots),
                *whole_notes(self._chunk(setup)),
                *share_notes(setup, self.attention_backend, context),
            ),
            refusals=sglang_refusals(setup, self.dcp_size, context, self.attention_backend),
        )

    def _dealt(self, setup: Setup, stage: int, available: float) -> tuple[Dealt, Pool | None]:
        """State slots first, then tokens of full and of sliding layers."""
        if setup.model.model_type == COMPRESSED:
            held = compressed_of(setup.model, setup.layout, stage)
            requests = self.limits(setup).max_sequences
            return compressed_pools(held, available, self.swa_full_tokens_ratio, requests), None
        caches = self._caches(setup, stage)
        states = tuple(cache for cache in caches if not cache.grows)
        state = None
        if states:
            state, taken = state_pool(states, available, self._slots(setup))
            available = max(0.0, available - taken)
        growing = tuple(cache for cache in caches if cache.grows)
        if not growing:
            return Dealt(pools=(), bytes_per_token=0.0, tokens=0), state
        return self._token_pools(setup, growing, available), state

    def _token_pools(self, setup: Setup, caches: tuple[LayerCache, ...], available: float) -> Dealt:
        page, windows = self.page(setup), any(cache.window_tokens is not None for cache in caches)
        pooled = setup.model.model_type in self.rules.window_pools and not self.disable_hybrid_swa_memory
        if not windows or not pooled:
            return over_gpus(one_pool(caches, available, page, self.max_total_tokens), self.dcp_size)
        requests = self._asked_requests(setup)
        if self.rules.caps_windows and self.disable_radix_cache and requests:
            steps = 1 if self.disable_overlap_schedule else 2
            chunks = self.limits(setup).max_batched_tokens * steps
            if (capped := capped_pools(caches, available, page, requests, chunks)) is not None:
                return capped
        ratio = window_ratio(self.rules, setup.model.model_type, self.swa_full_tokens_ratio)
        return two_pools(caches, available, page, ratio, self.max_total_tokens)

    def _caches(self, setup: Setup, stage: int) -> tuple[LayerCache, ...]:
        """Caches of a stage; states are float32 where neither the file nor ``mamba_ssm_dtype`` says otherwise."""
        caches = stage_caches(
            own_layers(setup.model),
            setup.layout,
            stage,
            setup.numbers.cache.bytes_per_element,
            setup.activation_bytes_per_element,
            open_state_bytes=STATE_BYTES["float32"],
            recurrence_bytes=None if self.mamba_ssm_dtype is None else STATE_BYTES[self.mamba_ssm_dtype],
        )
        if setup.model.draft_layers and stage == setup.layout.pipeline - 1:
            caches = with_draft_rows(caches, setup.model.draft_layers, self.dcp_size)
        scaled = is_sparse(setup.model) and has_scaled_rows(setup)
        return tuple(map(scaled_rows, caches)) if scaled else caches

    def _slots(self, setup: Setup) -> StateSlots:
        kind, overlap = setup.model.model_type, not self.disable_overlap_schedule
        ratio = state_ratio(self.rules, kind, self.mamba_full_memory_ratio)
        tracked = tracked_slots(self.rules, self.mamba_radix_cache_strategy, kind, overlap=overlap)
        fixed = self.max_mamba_cache_size and self.max_mamba_cache_size // setup.layout.groups
        if fixed is None and self.disable_radix_cache:
            fixed = self._asked_requests(setup)
        return StateSlots(
            a_request=1 if self.disable_radix_cache else tracked,
            fixed=fixed,
            padding=self.rules.padding_slots,
            share=ratio / (1 + ratio),
        )

    def _asked_requests(self, setup: Setup) -> int | None:
        """``max_running_requests`` of one group; the option counts all groups of a server."""
        asked = self.max_running_requests
        return None if asked is None else max(1, asked // setup.layout.groups)

    def _has_prefill_graphs(self, setup: Setup) -> bool:
        off = self.disable_cuda_graph or self.disable_prefill_cuda_graph
        return not off and has_prefill_graphs(setup, self.rules, self.dcp_size)

    def largest_graph(self, setup: Setup, *, limited: bool = True) -> int:
        """Largest batch with a graph [sequences].

        Definition: ``cuda_graph_max_bs``, else by the card's memory, ``limited`` to ``max_running_requests``.
        """
        if self.cuda_graph_max_bs is not None:
            return self.cuda_graph_max_bs
        largest, most = card_class(setup, self.rules)[1], self.max_running_requests
        return largest if most is None or not limited else min(largest, most)

    def _graphs(self, setup: Setup, stage: int) -> float:
        largest = 0 if self.disable_cuda_graph else self.largest_graph(setup)
        return graphs_bytes(setup, stage, largest, self.overheads)
