"""The web page, with every file served by the process."""

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from llm_calc.api.pages import PAGE_METHODS, calculator

router = APIRouter(include_in_schema=False)


@router.api_route("/", methods=PAGE_METHODS)
async def index() -> HTMLResponse:
    """Return the calculator as a page."""
    return calculator()
