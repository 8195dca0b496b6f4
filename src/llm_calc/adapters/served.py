"""What measured deployments set where a request leaves it open: the cache's format, the least room for it."""

from functools import reduce

from llm_calc.adapters.formats import FormatWishes, Precision
from llm_calc.core.arrays import Quantity, larger, smaller
from llm_calc.core.calibration import chip_class
from llm_calc.core.engines import MemoryPlan
from llm_calc.core.hardware import Gpu

AUTO = "auto"
SMALL_CACHE: dict[str, dict[str, frozenset[str]]] = {
    "vllm": {
        "blackwell": frozenset(("fp8", "nvfp4", "mxfp4")),
        "hopper": frozenset(("fp8",)),
    },
    "sglang": {"blackwell": frozenset(("fp8", "nvfp4", "mxfp4"))},
    "trtllm": {"blackwell": frozenset(("mxfp4",))},
}
"""Engine, class of chips, kinds of weights: measured deployments kept the cache in fp8, where ``auto`` says 16 bits."""
LEAST_CACHE_FRACTION = 0.15
"""Of a GPU's memory: deployments that were measured at all left at least so much to the cache."""


def served_cache(precision: Precision, wishes: FormatWishes, gpu: Gpu) -> str | None:
    """The cache format that measured deployments choose in place of the engine's own ``auto``; None: that one.

    Seen from the number of requests at which first tokens begin to wait: twice what a 16-bit cache would hold.
    """
    if wishes.kv_cache != AUTO or precision.kv_cache == "fp8":
        return None
    kinds = SMALL_CACHE.get(wishes.engine or "", {}).get(chip_class(gpu), frozenset())
    return "fp8" if precision.weights.storage in kinds else None


def served_capacity(plan: MemoryPlan, context_tokens: Quantity) -> Quantity:
    """Sequences of ``context_tokens`` that a deployment holds: as planned, at least in a seventh of its memory."""
    planned = plan.sequences(context_tokens) if plan.available_bytes > 0 else 0.0 * context_tokens
    least = LEAST_CACHE_FRACTION * plan.budget.memory_bytes * plan.replicas
    sizes = [pool.sequence_bytes(context_tokens) for pool in plan.pools]
    floors = [least / size for size in sizes if not isinstance(size, (int, float)) or size]
    return larger(larger(1.0, planned), reduce(smaller, floors, planned if not floors else floors[0]))
