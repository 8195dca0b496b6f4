"""TensorRT-LLM: what a dummy run leaves free is the KV cache's, times ``free_gpu_memory_fraction``.

Read from TensorRT-LLM 1.0, PyTorch backend (``_torch/pyexecutor/_util.py`` and ``resource_manager.py``,
``cpp/tensorrt_llm/batch_manager/kvCacheManager.cpp``), and the option pages of 1.2; https://nvidia.github.io/TensorRT-LLM/reference/memory.html.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from llm_calc.core.engines.base import Claim, GpuBudget, Limits, MemoryPlan, Pool, Setup, context_of, fullest
from llm_calc.core.engines.caches import LayerCache, stage_caches
from llm_calc.core.engines.positions import lowered
from llm_calc.core.engines.splits import head_refusals
from llm_calc.core.engines.traits import Traits
from llm_calc.core.engines.trtllm_traits import TRAITS
from llm_calc.core.engines.weights import WeightRules, device_weights_bytes
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.overheads import OverheadConstants, forward_peak_bytes, framework_bytes, graph_bytes
from llm_calc.core.parallelism import check_layout, one_replica

STATE_BYTES: dict[str, float | None] = {"auto": None, "float32": 4.0, "bfloat16": 2.0, "float16": 2.0}
"""Width of recurrent states whose width no file states [bytes]; None: the model's own 16 bits."""
GRAPH_SIZES = (*range(1, 33), 64, 128)
"""Batches that are captured where nothing is said of them: ``CudaGraphConfig`` of ``llm_args.py`` in 1.2, without
padding and up to 128; checked: 2026-11-30, read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrtLlmRules:
    """What differs between releases of TensorRT-LLM: the catalog says it of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrtLlm:
    """Options under TensorRT-LLM's own names; None: the model's own."""

    name: ClassVar[str] = "trtllm"
    traits: ClassVar[Traits] = TRAITS

    overheads: OverheadConstants
    rules: TrtLlmRules
    free_gpu_memory_fraction: float
    max_seq_len: int | None
    max_batch_size: int
    max_num_tokens: int
    tokens_per_block: int
    max_tokens: int | None
    mamba_ssm_cache_dtype: str
    enable_block_reuse: bool
    enable_chunked_prefill: bool
    cuda_graph: bool

    def limits(self, setup: Setup) -> Limits:
        """``max_batch_size`` of every stage and ``max_num_tokens``; unless prompts are cut, none is longer than a step.

        Source: TensorRT-LLM ``tensorrt_llm/llmapi/llm.py``, ``_check_arguments``
        (https://github.com/NVIDIA/TensorRT-LLM/pull/6259, in 1.0 and later), and ``llm_args.py``, where cutting is
        off by default; ``_torch/pyexecutor``, where sequences are ``max_batch_size x pp_size``, a batch for each
        stage; checked: 2026-11-30, read in a stored late version.
        """
        return Limits(
            max_sequences=self.max_batch_size * setup.layout.pipeline,
            max_batched_tokens=self.max_num_tokens,
            max_prompt_tokens=None if self.enable_chunked_prefill else self.max_num_tokens,
        )

    def plan(self, setup: Setup) -> MemoryPlan:
        """Blocks in a fraction of what weights, activations and context leave [bytes, tokens].

        ``available = (memory - weights - activation peak - framework) x free_gpu_memory_fraction``.
        Source: TensorRT-LLM, PyTorch backend, ``_torch/pyexecutor/_util.py``, ``_cal_max_memory``; checked:
        2026-11-30, read in a stored early and a stored late version, which agree.
        Leaves out: CUDA graphs, which live in the fraction that is left free.
        """
        check_layout(setup.model, setup.layout)
        check_block(self.tokens_per_block)
        apart = setup.layout.shared is False
        server = replace(setup, layout=one_replica(setup.layout)[0]) if apart else setup
        plans = [self._stage(server, stage) for stage in range(setup.layout.pipeline)]
        return replace(fullest(plans), replicas=setup.layout.data)

    def _stage(self, setup: Setup, stage: int) -> MemoryPlan:
        limits, asked = self.limits(setup), context_of(setup.model, self.max_seq_len)
        context, longer = lowered(setup.model, asked, "max_seq_len")
        rules = WeightRules(whole_ends=True, rotary_table=True, cut_towers=True, absorbed_copy=True)
        weights = device_weights_bytes(setup.model, setup.numbers.recipe, setup.layout, stage, rules)
        peak = float(
            forward_peak_bytes(
                setup.model,
                limits.max_batched_tokens,
                setup.activation_bytes_per_element,
                setup.layout.tensor,
            )
        )
        framework = framework_bytes(setup.layout.tensor * setup.layout.data, self.overheads)
        free = setup.memory_bytes - weights - peak - framework
        available = free * self.free_gpu_memory_fraction if free > 0 else free
        pools, per_token, tokens = self._pools(setup, stage, max(0.0, available))
        return MemoryPlan(
            engine=self.name,
            budget=GpuBudget(
                memory_bytes=setup.memory_bytes,
                usable_bytes=min(weights + peak + framework + max(0.0, available), setup.memory_bytes),
                weights_bytes=weights,
                activation_peak_bytes=peak,
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
            context_chosen=self.max_seq_len is not None,
            notes=(*longer, *_notes(setup, stage), *self._prompt_notes(context)),
            refusals=head_refusals(setup.model, setup.layout),
        )

    def _pools(self, setup: Setup, stage: int, available: float) -> tuple[tuple[Pool, ...], float, int]:
        """Slots of state for as many sequences as may run, at most half of the memory; then blocks of tokens."""
        width, state_width = setup.numbers.cache.bytes_per_element, setup.activation_bytes_per_element
        open_width = STATE_BYTES[self.mamba_ssm_cache_dtype]
        caches = stage_caches(
            setup.model, setup.layout, stage, width, state_width, open_state_bytes=open_width
        )
        states = tuple(cache for cache in caches if not cache.grows)
        pools: tuple[Pool, ...] = ()
        if states:
            budget = min(available / 2, self.limits(setup).max_sequences * _state_bytes(states))
            pools = (_state_pool(states, budget),)
            available -= budget
        growing = tuple(cache for cache in caches if cache.grows)
        per_token = sum(cache.layers * cache.bytes_per_token for cache in growing)
        if not growing:
            return pools, 0.0, 0
        block = per_token * self.tokens_per_block
        blocks = int(available // block)
        if self.max_tokens is not None:
            blocks = min(blocks, -(-self.max_tokens // self.tokens_per_block))
        claim = Claim(
            kind="full",
            layers=sum(cache.layers for cache in growing),
            block_bytes=block,
            block_tokens=self.tokens_per_block,
        )
        pool = Pool(name="blocks", capacity_bytes=blocks * block, claims=(claim,))
        return (pool, *pools), per_token, blocks * self.tokens_per_block

    def _prompt_notes(self, context: int) -> tuple[str, ...]:
        """What becomes of prompts longer than a step, where the context leaves room for any."""
        if context <= self.max_num_tokens:
            return ()
        longer = f"prompts of more than {self.max_num_tokens} tokens (max_num_tokens) are"
        cut = "cut into steps (enable_chunked_prefill)"
        return (
            f"{longer} {cut if self.enable_chunked_prefill else 'refused: enable_chunked_prefill is off'}",
        )

    def _graphs(self, setup: Setup, stage: int) -> float:
        if not self.cuda_graph:
            return 0.0
        layers = len(setup.layout.bounds(setup.model.num_layers, setup.model.draft_layers)[stage])
        sizes = sum(size <= self.max_batch_size for size in GRAPH_SIZES)
        return graph_bytes(layers, sizes, self.overheads)


def check_block(tokens: int) -> None:
    """Refuses blocks of tokens that are found by a shift.

    Read in TensorRT-LLM ``cpp/tensorrt_llm/kernels/kvCacheUtils.h``, whose arrays of blocks stop at other sizes;
    checked: 2026-11-30.

    Raises:
        InvalidInputError: no power of two; names the nearest.
    """
    if tokens & (tokens - 1):
        below = 1 << tokens.bit_length() - 1
        msg = (
            f"engine.tokens_per_block: must be a power of two, such as {below} or {2 * below}; TensorRT-LLM does not "
            f"start with {tokens}"
        )
        raise InvalidInputError(msg, field="engine.tokens_per_block", accepted=[below, 2 * below])


def _state_bytes(states: tuple[LayerCache, ...]) -> float:
    return sum(state.layers * state.state_bytes for state in states)


def _state_pool(states: tuple[LayerCache, ...], budget: float) -> Pool:
    """Slots of state, one a sequence."""
    each = _state_bytes(states)
    layers = max(state.layers for state in states)
    claim = Claim(kind="state", layers=layers, block_bytes=each, block_tokens=0)
    return Pool(name="state", capacity_bytes=budget // each * each, claims=(claim,))


def _notes(setup: Setup, stage: int) -> tuple[str, ...]:
    width = setup.numbers.cache.bytes_per_element
    caches: tuple[LayerCache, ...] = stage_caches(setup.model, setup.layout, stage, width, 2.0)
    if any(cache.window_tokens is not None for cache in caches):
        text = "sliding layers get blocks for the whole context unless max_attention_window is set"
        return (f"TensorRT-LLM: {text}",)
    return ()
