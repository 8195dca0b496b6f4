"""An engine that wastes nothing: exact sizes, no pages, one flat share of the memory.

For engines without rules of their own, and as the yardstick for those that have some.
"""

from dataclasses import dataclass
from typing import ClassVar

from llm_calc.core.engines.base import Claim, GpuBudget, Limits, MemoryPlan, Pool, Setup, context_of, fullest
from llm_calc.core.engines.caches import LayerCache, stage_caches
from llm_calc.core.engines.traits import FormatTraits, OptionTraits, Traits
from llm_calc.core.engines.weights import WeightRules, device_weights_bytes
from llm_calc.core.overheads import OverheadConstants, forward_peak_bytes, framework_bytes
from llm_calc.core.parallelism import check_layout


@dataclass(frozen=True, slots=True, kw_only=True)
class GenericRules:
    """What differs between releases of engine: the catalog says it of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Generic:
    """A share of the memory, a context, the largest step and the most sequences."""

    name: ClassVar[str] = "generic"
    traits: ClassVar[Traits] = Traits(
        options=OptionTraits(cache_share="memory_utilization"),
        formats=FormatTraits(kept=("fp8", "int8")),
        stage_layers=True,
        any_engine=True,
    )

    overheads: OverheadConstants
    rules: GenericRules
    memory_utilization: float
    max_model_len: int | None
    max_num_batched_tokens: int
    max_num_seqs: int

    def limits(self, setup: Setup) -> Limits:  # noqa: ARG002
        """As given."""
        return Limits(max_sequences=self.max_num_seqs, max_batched_tokens=self.max_num_batched_tokens)

    def plan(self, setup: Setup) -> MemoryPlan:
        """The KV cache has what weights, forward pass and context leave of a flat share [bytes, tokens].

        ``available = memory x memory_utilization - weights - forward pass - framework``.
        Choice: an engine that wastes nothing: no pages, no graphs, no padding; a yardstick for the others.
        Leaves out: whatever a real engine adds.
        """
        check_layout(setup.model, setup.layout)
        return fullest([self._stage(setup, stage) for stage in range(setup.layout.pipeline)])

    def _stage(self, setup: Setup, stage: int) -> MemoryPlan:
        limits, context = self.limits(setup), context_of(setup.model, self.max_model_len)
        usable = setup.memory_bytes * self.memory_utilization
        weights = device_weights_bytes(setup.model, setup.numbers.recipe, setup.layout, stage, WeightRules())
        width = setup.activation_bytes_per_element
        peak = float(forward_peak_bytes(setup.model, limits.max_batched_tokens, width, setup.layout.tensor))
        framework = framework_bytes(setup.layout.tensor, self.overheads)
        available = usable - weights - peak - framework
        caches = stage_caches(setup.model, setup.layout, stage, setup.numbers.cache.bytes_per_element, width)
        capacity = max(0.0, available)
        pools = (Pool(name="memory", capacity_bytes=capacity, claims=_claims(caches)),) if caches else ()
        per_token = sum(cache.layers * cache.bytes_per_token for cache in caches)
        return MemoryPlan(
            engine=self.name,
            budget=GpuBudget(
                memory_bytes=setup.memory_bytes,
                usable_bytes=usable,
                weights_bytes=weights,
                activation_peak_bytes=peak,
                cuda_graphs_bytes=0.0,
                framework_bytes=framework,
                kv_cache_bytes=capacity if caches else 0.0,
            ),
            pools=pools,
            available_bytes=available,
            bytes_per_token=per_token,
            tokens_per_replica=int(capacity // per_token) if per_token else 0,
            max_model_len_tokens=context,
            limits=limits,
            replicas=setup.layout.data,
            stage=stage,
            context_chosen=self.max_model_len is not None,
        )


def _claims(caches: tuple[LayerCache, ...]) -> tuple[Claim, ...]:
    return tuple(
        Claim(
            kind=cache.kind,
            layers=cache.layers,
            block_bytes=cache.layers * (cache.bytes_per_token if cache.grows else cache.state_bytes),
            block_tokens=1 if cache.grows else 0,
            window_tokens=cache.window_tokens,
        )
        for cache in caches
    )
