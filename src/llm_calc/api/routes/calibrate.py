"""Fitting to the caller's own measurements."""

from fastapi import Response

from llm_calc.adapters.own_calibration import answer_calibrate
from llm_calc.adapters.wire.calibrate import CalibrateAnswer, CalibrateRequest
from llm_calc.api.deps import CatalogsDep
from llm_calc.api.json_body import new_router
from llm_calc.api.responses import json_response
from llm_calc.api.threads import run_in_thread

router = new_router("planning")


@router.post("/api/calibrate", operation_id="calibrate", response_model=CalibrateAnswer)
async def post_calibrate(request: CalibrateRequest, catalogs: CatalogsDep) -> Response:
    """Fit a few factors on the efficiencies to the caller's own measurements.

    The answer's `calibration` goes into other requests as it stands. Nothing is stored.
    """
    return json_response(await run_in_thread(lambda: answer_calibrate(request, catalogs)))
