"""Where the memory of each GPU of a pipeline goes."""

from llm_calc.adapters.wire.memory import StageMemory
from llm_calc.core.engines import MemoryPlan, Setup


def stage_memory(plan: MemoryPlan, setup: Setup) -> list[StageMemory]:
    """One entry a pipeline stage; none where there is a single one, which is the fullest GPU itself."""
    if len(plan.stages) < 2:
        return []
    gpus = setup.unlike or (setup.gpu,) * len(plan.stages)
    return [
        StageMemory(
            gpu=gpu.id,
            memory_bytes=round(budget.memory_bytes),
            weights_bytes=round(budget.weights_bytes),
            kv_cache_bytes=round(budget.kv_cache_bytes),
            activation_peak_bytes=round(budget.activation_peak_bytes),
            unallocated_bytes=round(budget.unallocated_bytes),
        )
        for gpu, budget in zip(gpus, plan.stages, strict=True)
    ]
