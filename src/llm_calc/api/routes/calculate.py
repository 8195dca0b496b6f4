"""The documented endpoints: calculation, lists, scaling."""

from fastapi import Request, Response

from llm_calc.adapters.documented.calculate import calculate
from llm_calc.adapters.documented.listings import available_gpus, available_models
from llm_calc.adapters.documented.scaling import model_scaling_analysis
from llm_calc.adapters.operation import CALCULATE
from llm_calc.adapters.wire.documented_analyses import ScalingResponse
from llm_calc.adapters.wire.documented_requests import CalculateRequest, ScalingRequest
from llm_calc.adapters.wire.documented_responses import AvailableGpu, AvailableModel
from llm_calc.api.deps import CatalogsDep, catalogs_of, pool_of
from llm_calc.api.json_body import DirectRoute, new_router
from llm_calc.api.kept import kept_json
from llm_calc.api.pools import while_wanted
from llm_calc.api.responses import json_response

router = new_router("calculator")


async def post_calculate(body: CalculateRequest, request: Request) -> Response:
    """The calculation as it comes, without a check of its own types: it is asked most often.

    A configuration takes as long as its author likes, so a thread reads it.
    """
    catalogs = catalogs_of(request)
    if body.hf_config is None:
        return json_response(calculate(body, catalogs))
    work = pool_of(request, "light").run(lambda: json_response(calculate(body, catalogs)))
    return await while_wanted(request, work)


router.add_api_route(
    CALCULATE.path,
    post_calculate,
    methods=["POST"],
    operation_id=CALCULATE.name,
    description=CALCULATE.description,
    response_model=CALCULATE.answer,
    route_class_override=DirectRoute,
)


@router.head("/api/available_models", include_in_schema=False)
@router.get("/api/available_models", operation_id="list_models", response_model=list[AvailableModel])
async def get_available_models(request: Request, catalogs: CatalogsDep) -> Response:
    """Every predefined model."""
    return kept_json(request, "models", lambda: available_models(catalogs))


@router.head("/api/available_gpus", include_in_schema=False)
@router.get("/api/available_gpus", operation_id="list_gpus", response_model=list[AvailableGpu])
async def get_available_gpus(request: Request, catalogs: CatalogsDep) -> Response:
    """Every GPU of the catalog, with dense peaks."""
    return kept_json(request, "gpus", lambda: available_gpus(catalogs))


@router.post("/api/model_scaling_analysis", operation_id="analyze_scaling", response_model=ScalingResponse)
async def post_model_scaling_analysis(request: ScalingRequest) -> Response:
    """How many GPUs of a given memory a model needs, by strategy."""
    return json_response(model_scaling_analysis(request))
