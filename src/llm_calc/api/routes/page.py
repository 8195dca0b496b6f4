"""The web page, with every file served by the process."""

from fastapi import APIRouter
from starlette.responses import FileResponse

from llm_calc.api.pages import PAGE_METHODS, page

router = APIRouter(include_in_schema=False)


@router.api_route("/", methods=PAGE_METHODS)
async def index() -> FileResponse:
    """Return the calculator as a page."""
    return page("page/index.html")
