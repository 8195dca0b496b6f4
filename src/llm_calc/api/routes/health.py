"""Whether the process lives, whether it can answer, and its metrics."""

from typing import Annotated, Literal

from fastapi import HTTPException, Request
from pydantic import Field
from starlette.responses import Response

from llm_calc.adapters.wire.base import Answer
from llm_calc.api.json_body import new_router
from llm_calc.api.metrics import MEDIA_TYPE
from llm_calc.api.responses import json_response

router = new_router("service")

Entries = Annotated[int, Field(ge=0)]


class Health(Answer):
    """The process lives."""

    status: Literal["ok"] = Field(description="Always ok")


class Readiness(Answer):
    """The catalogs are loaded and requests are answered."""

    status: Literal["ready"] = Field(description="Always ready")
    gpus: Entries = Field(description="GPUs in the catalog [entries]")
    models: Entries = Field(description="Models in the catalog [entries]")


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz", response_model=Health)
async def health() -> Response:
    """Tell that the process lives."""
    return json_response({"status": "ok"})


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", operation_id="readiness", response_model=Readiness)
async def readiness(request: Request) -> Response:
    """Tell that requests are answered: the catalogs are loaded before the first one is."""
    if request.app.state.draining:
        raise HTTPException(503, "service: is being stopped; ask another one", {"Retry-After": "1"})
    catalogs = getattr(request.app.state, "catalogs", None)
    if catalogs is None:
        raise HTTPException(503, "catalogs: are not loaded yet; ask again in a moment")
    return json_response({"status": "ready", "gpus": len(catalogs.gpus), "models": len(catalogs.models)})


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {
            "description": "Metrics in Prometheus' text format",
            "content": {
                "text/plain": {"schema": {"type": "string"}, "example": "llm_calc_requests_total 1.0"}
            },
        }
    },
)
async def metrics(request: Request) -> Response:
    """Return requests, durations [s], requests in flight and process figures for Prometheus."""
    return Response(request.app.state.metrics.text(), media_type=MEDIA_TYPE)
