"""What users of a deployment wait for."""

from fastapi import Response

from llm_calc.adapters.serving import answer_serving_estimate
from llm_calc.adapters.wire.serving import ServingEstimateAnswer, ServingEstimateRequest
from llm_calc.api.deps import CatalogsDep
from llm_calc.api.json_body import new_router
from llm_calc.api.responses import json_response

router = new_router("planning")


@router.post("/api/serving_estimate", operation_id="serving_estimate", response_model=ServingEstimateAnswer)
async def post_serving_estimate(request: ServingEstimateRequest, catalogs: CatalogsDep) -> Response:
    """Time to first token, time per token and throughput of a model on GPUs under an engine and a load.

    Physics with efficiencies that were fitted to published measurements; `basis` and `interval` say how far off
    answers of this kind have been.
    """
    return json_response(answer_serving_estimate(request, catalogs))
