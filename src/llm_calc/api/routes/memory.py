"""What an engine does with a GPU's memory."""

from fastapi import Response

from llm_calc.adapters.memory_plan import answer_memory_plan
from llm_calc.adapters.wire.memory import MemoryPlanAnswer, MemoryPlanRequest
from llm_calc.api.deps import CatalogsDep
from llm_calc.api.json_body import new_router
from llm_calc.api.responses import json_response

router = new_router("planning")


@router.post("/api/memory_plan", operation_id="memory_plan", response_model=MemoryPlanAnswer)
async def post_memory_plan(request: MemoryPlanRequest, catalogs: CatalogsDep) -> Response:
    """Where the memory of each GPU goes under an engine, how many sequences fit, and what would make it fit."""
    return json_response(answer_memory_plan(request, catalogs))
