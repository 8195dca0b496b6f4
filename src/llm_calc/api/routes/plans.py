"""What to rent or buy, and how to run it."""

from fastapi import Response

from llm_calc.adapters.planning.plans import answer_deployment_plans
from llm_calc.adapters.planning.recommend import answer_recommend_gpus
from llm_calc.adapters.wire.plans import (
    DeploymentPlansAnswer,
    DeploymentPlansRequest,
    RecommendGpusAnswer,
    RecommendGpusRequest,
)
from llm_calc.api.deps import CatalogsDep
from llm_calc.api.json_body import new_router
from llm_calc.api.responses import json_response
from llm_calc.api.threads import run_in_thread

router = new_router("planning")


@router.post("/api/deployment_plans", operation_id="deployment_plans", response_model=DeploymentPlansAnswer)
async def post_deployment_plans(request: DeploymentPlansRequest, catalogs: CatalogsDep) -> Response:
    """Search GPUs, counts, layouts, formats, engines and load for the best ways to serve a workload under limits.

    Every plan is estimated by the same functions as /api/memory_plan and /api/serving_estimate, and its parts are a
    request to them as they stand. `refused` says why other GPUs have no plan.
    """
    return json_response(await run_in_thread(lambda: answer_deployment_plans(request, catalogs)))


@router.post("/api/recommend_gpus", operation_id="recommend_gpus", response_model=RecommendGpusAnswer)
async def post_recommend_gpus(request: RecommendGpusRequest, catalogs: CatalogsDep) -> Response:
    """Find for each kind of GPU the fewest that hold a model with its context, and put the best first."""
    return json_response(await run_in_thread(lambda: answer_recommend_gpus(request, catalogs)))
