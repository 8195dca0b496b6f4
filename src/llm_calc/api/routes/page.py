"""The web page, with every file served by the process."""

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from llm_calc.api.pages import calculator

router = APIRouter(include_in_schema=False)


@router.get("/")
async def index() -> HTMLResponse:
    """Return the calculator as a page."""
    return calculator()
