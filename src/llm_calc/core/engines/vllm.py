"""vLLM: profiles one step of the largest batch, gives the rest of its share to blocks of KV cache.

Read from vLLM 0.11 (``vllm/v1/worker/gpu_worker.py``, ``vllm/v1/core/kv_cache_utils.py``,
``vllm/platforms/interface.py``, ``vllm/engine/arg_utils.py``); https://docs.vllm.ai/en/v0.11.0/.
"""

from dataclasses import dataclass
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
from llm_calc.core.engines.caches import LayerCache, stage_caches
from llm_calc.core.engines.vllm_groups import CacheGroup, group_caches
from llm_calc.core.engines.weights import ExpertPadding, WeightRules, device_weights_bytes
from llm_calc.core.overheads import OverheadConstants, framework_bytes, graph_bytes, profiled_peak_bytes
from llm_calc.core.parallelism import check_layout, stage_bounds

GIB = 2**30
LARGE_CARD_BYTES = 70 * GIB
LARGE_CARD_BATCHED_TOKENS, BATCHED_TOKENS = 8192, 2048
LARGE_CARD_SEQUENCES, SEQUENCES = 1024, 256
LARGEST_GRAPH = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class VllmRules:
    """What differs between releases of vLLM: the catalog says it of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vllm:
    """Options under vLLM's own names; None: what vLLM derives from the card and the model."""

    name: ClassVar[str] = "vllm"

    overheads: OverheadConstants
    rules: VllmRules
    gpu_memory_utilization: float
    max_model_len: int | None
    max_num_batched_tokens: int | None
    max_num_seqs: int | None
    block_size: int
    enforce_eager: bool
    enable_chunked_prefill: bool
    enable_prefix_caching: bool

    def limits(self, setup: Setup) -> Limits:
        """``max_num_seqs`` and ``max_num_batched_tokens``; larger on cards of 70 GiB and more (not A100).

        Without chunked prefill a step has to take the whole context.
        """
        large = setup.memory_bytes >= LARGE_CARD_BYTES and "a100" not in setup.gpu.name.lower()
        tokens = LARGE_CARD_BATCHED_TOKENS if large else BATCHED_TOKENS
        if not self.enable_chunked_prefill:
            tokens = max(tokens, context_of(setup.model, self.max_model_len))
        return Limits(
            max_sequences=self.max_num_seqs or (LARGE_CARD_SEQUENCES if large else SEQUENCES),
            max_batched_tokens=self.max_num_batched_tokens or tokens,
        )

    def plan(self, setup: Setup) -> MemoryPlan:
        """Blocks of all groups in what weights, peak and context leave of the engine's share [bytes, tokens].

        ``blocks = floor((memory x gpu_memory_utilization - weights - activation peak - framework) / block bytes)``.
        Source: vLLM 0.11 ``vllm/v1/worker/gpu_worker.py``, ``determine_available_memory``;
        ``vllm/v1/core/kv_cache_utils.py``.
        Leaves out: CUDA graphs, which this version captures beyond its share, and the dummy pass of an encoder.
        """
        check_layout(setup.model, setup.layout)
        return fullest([self._stage(setup, stage) for stage in range(setup.layout.pipeline)])

    def _stage(self, setup: Setup, stage: int) -> MemoryPlan:
        limits, context = self.limits(setup), context_of(setup.model, self.max_model_len)
        usable = setup.memory_bytes * self.gpu_memory_utilization
        weights = device_weights_bytes(
            setup.model, setup.numbers.recipe, setup.layout, stage, weight_rules(setup)
        )
        peak = float(self._peak(setup, limits))
        framework = framework_bytes(setup.layout.tensor, self.overheads)
        available = usable - weights - peak - framework
        groups = group_caches(self._caches(setup, stage), self.block_size)
        block_bytes = sum(group.block_bytes for group in groups[:1])
        blocks = max(0, int(available // block_bytes)) if block_bytes else 0
        pools = self._pools(groups, blocks, block_bytes, limits)
        per_token = _bytes_per_token(pools, context)
        return MemoryPlan(
            engine=self.name,
            budget=GpuBudget(
                memory_bytes=setup.memory_bytes,
                usable_bytes=usable,
                weights_bytes=weights,
                activation_peak_bytes=peak,
                cuda_graphs_bytes=self._graphs(setup, stage, limits),
                framework_bytes=framework,
                kv_cache_bytes=blocks * block_bytes,
            ),
            pools=pools,
            available_bytes=available,
            bytes_per_token=per_token,
            tokens_per_replica=_tokens(groups, blocks, pools, context),
            max_model_len_tokens=context,
            limits=limits,
            replicas=setup.layout.data,
            stage=stage,
            notes=_notes(groups, self.block_size),
        )

    def _caches(self, setup: Setup, stage: int) -> tuple[LayerCache, ...]:
        numbers = setup.numbers
        width = numbers.cache.bytes_per_element
        return stage_caches(setup.model, setup.layout, stage, width, setup.activation_bytes_per_element)

    def _peak(self, setup: Setup, limits: Limits) -> float:
        return float(
            profiled_peak_bytes(
                setup.model,
                tokens=limits.max_batched_tokens,
                sequences=min(limits.max_sequences, limits.max_batched_tokens),
                bytes_per_element=setup.activation_bytes_per_element,
                tensor=setup.layout.tensor,
                overheads=self.overheads,
            )
        )

    def _graphs(self, setup: Setup, stage: int, limits: Limits) -> float:
        if self.enforce_eager:
            return 0.0
        layers = len(stage_bounds(setup.model.num_layers, setup.layout.pipeline)[stage])
        return graph_bytes(layers, captured_sizes(limits.max_sequences), self.overheads)

    def _pools(
        self, groups: tuple[CacheGroup, ...], blocks: int, block_bytes: float, limits: Limits
    ) -> tuple[Pool, ...]:
        if not groups:
            return ()
        claims = tuple(_claim(group, limits.max_batched_tokens) for group in groups)
        return (Pool(name="blocks", capacity_bytes=blocks * block_bytes, claims=claims),)


def captured_sizes(max_sequences: int) -> int:
    """Batch sizes that get a graph of their own: 1, 2, 4, every 8 up to twice ``max_num_seqs`` or 512 [1].

    ``3 + floor(min(512, 2 x max_num_seqs) / 8)``.
    Source: vLLM 0.11, ``VllmConfig._set_cudagraph_sizes``.
    Leaves out: sizes that a compilation config names itself.
    """
    return 3 + min(LARGEST_GRAPH, 2 * max_sequences) // 8


def weight_rules(setup: Setup) -> WeightRules:
    """Vocabulary in multiples of 64; experts in 4 bits padded as the kernels of the card's generation want it.

    MXFP4: Hopper's Triton kernels pad the hidden width to 256, Marlin (other cards) the intermediate width to
    128 besides. NVFP4: intermediate widths in multiples of 16 with a gate, of 128 without.
    """
    hopper = (setup.gpu.compute_capability or "").startswith("9")
    mxfp4 = ExpertPadding(format="mxfp4", hidden=256, gated=1 if hopper else 128, plain=1 if hopper else 128)
    return WeightRules(
        vocab_multiple=64,
        rotary_table=True,
        cut_towers=True,
        absorbed_copy=True,
        paddings=(mxfp4, ExpertPadding(format="nvfp4", gated=16, plain=128)),
    )


def _claim(group: CacheGroup, batched_tokens: int) -> Claim:
    window = group.window_tokens
    return Claim(
        kind=group.kind,
        layers=group.layers,
        block_bytes=group.block_bytes,
        block_tokens=group.block_tokens,
        window_tokens=None if window is None else window - 1 + batched_tokens,
        extra_blocks=0 if window is None else 1,
    )


def _bytes_per_token(pools: tuple[Pool, ...], context: int) -> float:
    """Plain caches: the block over its tokens. Hybrids: a sequence of the full context over its tokens."""
    if not pools:
        return 0.0
    claims = pools[0].claims
    if len(claims) == 1 and claims[0].window_tokens is None:
        return claims[0].bytes_per_token
    return float(pools[0].sequence_bytes(context)) / context


def _tokens(groups: tuple[CacheGroup, ...], blocks: int, pools: tuple[Pool, ...], context: int) -> int:
    """``GPU KV cache size`` as vLLM prints it: blocks x block size, or concurrency x context for hybrids."""
    if not groups:
        return 0
    if len(groups) == 1 and groups[0].window_tokens is None:
        return blocks * groups[0].block_tokens
    return int(float(pools[0].sequences(context)) * context)


def _notes(groups: tuple[CacheGroup, ...], block_size: int) -> tuple[str, ...]:
    notes = []
    if len(groups) > 1:
        kinds = ", ".join(f"{group.layers} {group.kind}" for group in groups)
        notes.append(f"vLLM keeps {len(groups)} groups of layers with blocks of one size ({kinds})")
    larger = max((group.block_tokens for group in groups), default=0)
    if larger > block_size and any(group.kind == "state" for group in groups):
        notes.append(
            f"block_size becomes {larger} tokens, so that a page of attention holds a recurrent state"
        )
    padding = sum(group.padding_layers for group in groups)
    if padding:
        notes.append(f"{padding} layers of padding make the groups equally large")
    return tuple(notes)
