"""Scenarios side by side."""

from fastapi import Response

from llm_calc.adapters.compare import answer_compare
from llm_calc.adapters.wire.compare import CompareAnswer, CompareRequest
from llm_calc.api.deps import CatalogsDep
from llm_calc.api.json_body import new_router
from llm_calc.api.responses import json_response
from llm_calc.api.threads import run_in_thread

router = new_router("planning")


@router.post("/api/compare", operation_id="compare", response_model=CompareAnswer)
async def post_compare(request: CompareRequest, catalogs: CatalogsDep) -> Response:
    """Two to eight scenarios side by side: what differs in them, what follows from it, and why."""
    return json_response(await run_in_thread(lambda: answer_compare(request, catalogs)))
