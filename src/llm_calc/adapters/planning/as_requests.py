"""What was planned, as a request to another endpoint: written for what is shown, never to compute with."""

from llm_calc.adapters.planning.exact import Evaluated
from llm_calc.adapters.planning.scene import Scene
from llm_calc.adapters.wire.memory import MemoryPlanRequest
from llm_calc.adapters.wire.parts import HardwarePart, ParallelismPart
from llm_calc.adapters.wire.serving import ServingEstimateRequest


def serving_request(scene: Scene, plan: Evaluated) -> ServingEstimateRequest:
    """A plan's replica as a request to ``/api/serving_estimate``."""
    layout, way = plan.row.layout, plan.row.choice.way
    return ServingEstimateRequest(
        model=scene.model,
        precision=plan.row.choice.part,
        hardware=HardwarePart(gpu=plan.row.gpu.id, count=layout.gpus, gpus_per_node=scene.gpus_per_node),
        parallelism=ParallelismPart(
            tensor=layout.tensor, pipeline=layout.pipeline, data=layout.data, expert=layout.expert
        ),
        engine=plan.engine,
        workload=plan.workload,
        speculative=way.speculative,
        lora=way.lora,
        kv_tiers=list(way.tiers),
        calibration=scene.calibration,
    )


def memory_request(request: ServingEstimateRequest) -> MemoryPlanRequest:
    """The same deployment as a request to ``/api/memory_plan``."""
    return MemoryPlanRequest(
        model=request.model,
        precision=request.precision,
        hardware=request.hardware,
        parallelism=request.parallelism,
        engine=request.engine,
        speculative=request.speculative,
        lora=request.lora,
        disaggregated=request.disaggregated,
        workload=request.workload,
    )
