"""Swagger UI, with every file served by the process."""

from fastapi import APIRouter
from starlette.responses import FileResponse

from llm_calc.api.pages import PAGE_METHODS, STATIC, page

router = APIRouter(include_in_schema=False)


@router.api_route("/docs", methods=PAGE_METHODS)
async def docs() -> FileResponse:
    """Return the page that shows and tries out the API."""
    return page("docs/index.html")


@router.api_route("/favicon.ico", methods=PAGE_METHODS)
async def favicon() -> FileResponse:
    """Return the icon for browsers that ask for it unprompted."""
    return FileResponse(STATIC / "favicon.svg", media_type="image/svg+xml")
