"""What a model is: parameters, bytes, cache, FLOPs."""

from fastapi import Response

from llm_calc.adapters.inspection import inspect_model
from llm_calc.adapters.wire.inspect import InspectRequest, InspectResponse
from llm_calc.api.deps import CatalogsDep
from llm_calc.api.json_body import new_router
from llm_calc.api.responses import json_response

router = new_router("planning")


@router.post("/api/inspect_model", operation_id="inspect_model", response_model=InspectResponse)
async def post_inspect_model(request: InspectRequest, catalogs: CatalogsDep) -> Response:
    """Parameters by component, weight bytes, KV cache by kind of layer and FLOPs of one model.

    The model is a catalog name, a whole Hugging Face config.json, dimensions, or the head of a GGUF file.
    `confidence` says whether its architecture is known; `assumptions` say what was guessed.
    """
    return json_response(inspect_model(request, catalogs))
