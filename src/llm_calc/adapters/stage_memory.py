"""Where the memory of each GPU of a pipeline goes."""

from llm_calc.adapters.wire.memory import CacheGroup, PerGpu, StageMemory
from llm_calc.core.engines import MemoryPlan, Pool, Setup


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


def per_gpu(plan: MemoryPlan) -> PerGpu:
    """Whole bytes that add up: what is left over takes the rounding."""
    budget = plan.budget
    parts = {
        "weights_bytes": round(budget.weights_bytes),
        "activation_peak_bytes": round(budget.activation_peak_bytes),
        "cuda_graphs_bytes": round(budget.cuda_graphs_bytes),
        "framework_bytes": round(budget.framework_bytes),
        "kv_cache_bytes": round(budget.kv_cache_bytes),
    }
    memory = round(budget.memory_bytes)
    return PerGpu(
        **parts,
        memory_bytes=memory,
        usable_bytes=round(budget.usable_bytes),
        host_weights_bytes=round(budget.host_weights_bytes),
        kv_cache_bytes_per_token=plan.bytes_per_token,
        unallocated_bytes=memory - sum(parts.values()),
        pipeline_stage=plan.stage,
    )


def cache_groups(pool: Pool) -> list[CacheGroup]:
    """How the engine groups the layers of a pool."""
    return [
        CacheGroup(
            pool=pool.name,
            kind=claim.kind,
            layers=claim.layers,
            block_tokens=claim.block_tokens,
            block_bytes=round(claim.block_bytes),
            window_tokens=claim.window_tokens,
        )
        for claim in pool.claims
    ]
