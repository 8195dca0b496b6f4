"""Which program and which data answers come from."""

from fastapi import Response

from llm_calc.adapters.data_version import answer_version
from llm_calc.adapters.wire.version import VersionAnswer
from llm_calc.api.deps import CatalogsDep
from llm_calc.api.json_body import new_router
from llm_calc.api.responses import json_response

router = new_router("service")


@router.head("/api/version", include_in_schema=False)
@router.get("/api/version", operation_id="version", response_model=VersionAnswer)
async def get_version(catalogs: CatalogsDep) -> Response:
    """Versions of the program and of its data: where either has changed, so may answers have."""
    return json_response(answer_version(catalogs))
