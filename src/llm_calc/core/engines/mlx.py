"""MLX: mlx-lm's server on a Mac's unified memory; nothing is reserved, caches grow as they are needed.

Read from mlx-lm 0.32.2 (``mlx_lm/server.py``, ``generate.py``, ``models/cache.py`` and the models' ``make_cache``);
checked: 2026-11-30. Caches grow in steps of 256 tokens, windows keep their last tokens, states their size.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from llm_calc.core.arrays import Quantity, ceil_div, larger, smaller
from llm_calc.core.engines.base import Claim, GpuBudget, Limits, MemoryPlan, Pool, Setup, context_of
from llm_calc.core.engines.caches import LayerCache, stage_caches
from llm_calc.core.engines.mlx_caches import cuts_windows, makes_own_caches
from llm_calc.core.engines.mlx_traits import TRAITS
from llm_calc.core.engines.traits import Traits
from llm_calc.core.engines.weights import WeightRules, device_weights_bytes
from llm_calc.core.errors import InvalidInputError, UnsupportedError
from llm_calc.core.model import Model
from llm_calc.core.overheads import OverheadConstants, forward_peak_bytes, framework_bytes

STEP_TOKENS = 256
"""Source: mlx-lm 0.32.2 ``mlx_lm/models/cache.py``, ``KVCache.step``; checked: 2026-11-30."""
SCALES_BITS = 32
"""A scale and an offset of 16 bits for each group of a quantized cache."""
CACHE_BITS = (2, 3, 4, 5, 6, 8)
CACHE_GROUPS = (32, 64, 128)
"""Source: MLX 0.32.4 ``mlx/ops.cpp``, ``affine_quantize``; checked: 2026-11-30, run without a GPU."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LateClaim(Claim):
    """A cache that is kept in 16 bits up to ``start_tokens`` and quantized from there on.

    ``wide_blocks``: blocks of the quantized size that one in 16 bits takes.
    """

    start_tokens: int
    wide_blocks: float

    def blocks(self, context_tokens: Quantity) -> Quantity:
        """Blocks of the quantized size that a sequence has taken at most on its way [blocks].

        ``max(ceil(context / 256), ceil(min(context, start) / 256) x wide)``.
        Source: mlx-lm 0.32.2 ``generate.py``, ``maybe_quantize_kv_cache``: the whole cache is quantized at the first
        step that ends at or beyond ``quantized_kv_start``; checked: 2026-11-30, read and run.
        Leaves out: both forms of one layer while it is turned.
        """
        wide = ceil_div(smaller(context_tokens, self.start_tokens), self.block_tokens) * self.wide_blocks
        return larger(ceil_div(context_tokens, self.block_tokens), wide)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mlx:
    """Options of ``mlx_lm.server`` (and ``max_kv_size`` of ``mlx_lm.generate``) under their own names."""

    name: ClassVar[str] = "mlx"
    traits: ClassVar[Traits] = TRAITS

    overheads: OverheadConstants
    max_kv_size: int | None
    kv_bits: int | None
    kv_group_size: int
    quantized_kv_start: int
    decode_concurrency: int
    prompt_concurrency: int
    prefill_step_size: int
    prompt_cache_size: int
    prompt_cache_bytes: int | None

    def limits(self, setup: Setup) -> Limits:
        """Answers and prompts that are computed together; a quantized cache and a draft model end batching."""
        if self.kv_bits is not None or setup.drafted_tokens:
            return Limits(max_sequences=1, max_batched_tokens=self.prefill_step_size)
        return Limits(
            max_sequences=max(self.decode_concurrency, self.prompt_concurrency),
            max_batched_tokens=self.prefill_step_size * self.prompt_concurrency,
        )

    def plan(self, setup: Setup) -> MemoryPlan:
        """Caches have what weights, one step of a prompt and MLX itself leave of the GPU's working set [bytes, tokens].

        ``available = working set - weights - step of a prompt - framework - prompt_cache_bytes``.
        Source: mlx-lm 0.32.2 ``server.py`` and ``generate.py`` (``maybe_set_recommended_wired_limit``); checked:
        2026-11-30, read; the peak memory of ``mlx_lm.benchmark`` that its own tables print is held against it in
        ``docs/memory.md``.
        Leaves out: several Macs under ``mlx.launch``; prompts that are read together take as many times the step.

        Raises:
            UnsupportedError: several devices; a quantized cache where layers have windows or ``max_kv_size`` bounds it.
        """
        self._check(setup)
        model, context = setup.model, context_of(setup.model, self._kept(setup.model))
        weights = device_weights_bytes(model, setup.numbers.recipe, setup.layout, 0, WeightRules())
        peak = self._prompt_step(setup)
        framework = framework_bytes(1, self.overheads)
        available = setup.memory_bytes - weights - peak - framework - (self.prompt_cache_bytes or 0)
        held, capacity = tuple(self._claims(setup)), max(0.0, available)
        per_token = sum(claim.bytes_per_token for claim in held)
        return MemoryPlan(
            engine=self.name,
            budget=GpuBudget(
                memory_bytes=setup.memory_bytes,
                usable_bytes=setup.memory_bytes,
                weights_bytes=weights,
                activation_peak_bytes=peak,
                cuda_graphs_bytes=0.0,
                framework_bytes=framework,
                kv_cache_bytes=capacity if held else 0.0,
            ),
            pools=(Pool(name="unified memory", capacity_bytes=capacity, claims=held),) if held else (),
            available_bytes=available,
            bytes_per_token=per_token,
            tokens_per_replica=int(capacity // per_token) if per_token else 0,
            max_model_len_tokens=context,
            limits=self.limits(setup),
            must_hold_one=False,
            context_chosen=self._kept(model) is not None,
            notes=tuple(self._notes(setup)),
        )

    def _check(self, setup: Setup) -> None:
        if setup.layout.gpus > 1:
            msg = (
                "hardware.count: mlx is modelled on one Mac; several under mlx.launch are not: which matrices are cut, "
                "or whether layers are dealt instead, is each class's own in mlx-lm"
            )
            raise UnsupportedError(msg, field="hardware.count", accepted=[1])
        if self.kv_bits is None:
            return
        if self.kv_bits not in CACHE_BITS or self.kv_group_size not in CACHE_GROUPS:
            msg = f"engine.kv_bits: must be of {CACHE_BITS}, engine.kv_group_size of {CACHE_GROUPS}"
            raise InvalidInputError(msg, field="engine.kv_bits", accepted=[*CACHE_BITS])
        if self._kept(setup.model) is not None:
            msg = (
                "engine.kv_bits: mlx-lm quantizes no cache that engine.max_kv_size bounds (RotatingKVCache); give one "
                "of the two"
            )
            raise UnsupportedError(msg, field="engine.kv_bits")
        if any(cache.window_tokens for cache in self._caches(setup)):
            msg = "engine.kv_bits: mlx-lm quantizes no cache of layers with a window, which this model has"
            raise UnsupportedError(msg, field="engine.kv_bits")

    def _kept(self, model: Model) -> int | None:
        """Tokens that a cache keeps at most; models that make their own caches are not told."""
        return None if makes_own_caches(model) else self.max_kv_size

    def _caches(self, setup: Setup) -> tuple[LayerCache, ...]:
        width = setup.numbers.cache.bytes_per_element
        found = stage_caches(setup.model, setup.layout, 0, width, setup.activation_bytes_per_element)
        return tuple(cuts_windows(setup.model, cache) for cache in found)

    def _claims(self, setup: Setup) -> Iterator[Claim]:
        for cache in self._caches(setup):
            window = cache.window_tokens or self._kept(setup.model)
            if not cache.grows:
                yield Claim(
                    kind=cache.kind,
                    layers=cache.layers,
                    block_bytes=cache.layers * cache.state_bytes,
                    block_tokens=0,
                )
            elif self.kv_bits is not None and self.quantized_kv_start < context_of(setup.model, None):
                wide = 8 * setup.activation_bytes_per_element
                yield self._late(cache, setup.numbers.cache.bits_per_element, wide)
            else:
                step = min(STEP_TOKENS, window or STEP_TOKENS)
                each = cache.layers * cache.bytes_per_token * step
                yield Claim(
                    kind=cache.kind,
                    layers=cache.layers,
                    block_bytes=each,
                    block_tokens=step,
                    window_tokens=window,
                )

    def _late(self, cache: LayerCache, bits: float, wide_bits: float) -> LateClaim:
        """A cache that is quantized once it is long enough; ``bits``: of the format that its bytes are counted in."""
        quantized = (self.kv_bits or 0) + SCALES_BITS / self.kv_group_size
        return LateClaim(
            kind=cache.kind,
            layers=cache.layers,
            block_bytes=cache.layers * cache.bytes_per_token * STEP_TOKENS * quantized / bits,
            block_tokens=STEP_TOKENS,
            start_tokens=self.quantized_kv_start,
            wide_blocks=wide_bits / quantized,
        )

    def _prompt_step(self, setup: Setup) -> float:
        """Working memory of one step of a prompt, and what windows keep beyond their own length in it [bytes].

        ``forward pass over the step + sum over layers with windows of (step - 1) x bytes a token``.
        Source: mlx-lm 0.32.2 ``models/cache.py``, ``RotatingKVCache._update_concat``; checked: 2026-11-30, read and
        run without a GPU. The logits of a prompt are never computed.
        """
        width = setup.activation_bytes_per_element
        beside = sum(
            cache.layers * cache.bytes_per_token for cache in self._caches(setup) if cache.window_tokens
        )
        forward = float(forward_peak_bytes(setup.model, self.prefill_step_size, width))
        return forward + (self.prefill_step_size - 1) * beside

    def _notes(self, setup: Setup) -> Iterator[str]:
        model = setup.model
        if self.prompt_cache_bytes is None and self.prompt_cache_size:
            yield (
                f"engine.prompt_cache_size: caches of up to {self.prompt_cache_size} ended prompts are kept as "
                "well, which is not counted; engine.prompt_cache_bytes bounds them"
            )
        if self.max_kv_size is not None and makes_own_caches(model):
            yield (
                f"engine.max_kv_size: changes nothing: mlx-lm lets {model.model_type} models make their own caches, "
                "which keep the whole context where the model does"
            )
        elif self.max_kv_size is not None:
            yield (
                "engine.max_kv_size: longer requests run, and forget all but their first 4 and their last tokens; "
                "mlx_lm.server has no such option, mlx_lm.generate and LM Studio do"
            )
        if self.kv_bits is not None:
            yield "engine.kv_bits: ends batching: requests are served one at a time"
