"""The web page, with every file served by the process."""

from fastapi import APIRouter
from starlette.responses import FileResponse

from llm_calc.api.pages import page

router = APIRouter(include_in_schema=False)


@router.get("/")
async def index() -> FileResponse:
    """Return the calculator as a page."""
    return page("page/index.html")
