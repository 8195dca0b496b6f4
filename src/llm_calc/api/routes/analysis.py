"""The two analysis methods, raw or in the unified format of the web UI."""

from typing import Annotated, Literal

from fastapi import Query, Response

from llm_calc.adapters.documented.analysis import analyze_model_by_name, analyze_model_on_gpu
from llm_calc.adapters.documented.ui import unified
from llm_calc.adapters.wire.documented_analyses import AnalyzeByNameResponse, AnalyzeOnGpuResponse
from llm_calc.adapters.wire.documented_requests import AnalyzeByNameRequest, AnalyzeOnGpuRequest
from llm_calc.adapters.wire.documented_responses import UiResponse
from llm_calc.api.deps import CatalogsDep
from llm_calc.api.json_body import new_router
from llm_calc.api.responses import json_response

router = new_router("calculator")

Format = Annotated[
    Literal["raw", "ui"],
    Query(
        description="raw: the format of the analysis; ui: the unified format of the web UI", examples=["ui"]
    ),
]


@router.post(
    "/api/analyze_model_by_name",
    operation_id="analyze_model_by_name",
    response_model=AnalyzeByNameResponse | UiResponse,
)
async def post_analyze_model_by_name(
    request: AnalyzeByNameRequest,
    catalogs: CatalogsDep,
    format: Format = "raw",  # noqa: A002 - a documented name
) -> Response:
    """A predefined model on a GPU of which only the peak is known."""
    raw = analyze_model_by_name(request, catalogs)
    return json_response(unified(raw) if format == "ui" else raw)


@router.post(
    "/api/analyze_model_on_gpu",
    operation_id="analyze_model_on_gpu",
    response_model=AnalyzeOnGpuResponse | UiResponse,
)
async def post_analyze_model_on_gpu(
    request: AnalyzeOnGpuRequest,
    catalogs: CatalogsDep,
    format: Format = "raw",  # noqa: A002 - a documented name
) -> Response:
    """A predefined model on one GPU of the catalog."""
    raw = analyze_model_on_gpu(request, catalogs)
    return json_response(unified(raw) if format == "ui" else raw)
