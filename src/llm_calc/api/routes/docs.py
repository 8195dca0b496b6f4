"""Swagger UI, with every file served by the process."""

from fastapi import APIRouter, Request, Response
from starlette.responses import FileResponse

from llm_calc.api.kept import kept_text
from llm_calc.api.pages import PAGE_HEADERS, PAGE_METHODS, STATIC

router = APIRouter(include_in_schema=False)


@router.api_route("/docs", methods=PAGE_METHODS)
async def docs(request: Request) -> Response:
    """Return the page that shows and tries out the API."""
    text = (STATIC / "docs/index.html").read_text
    return kept_text(request, "docs", lambda: text(encoding="utf-8"), "text/html", PAGE_HEADERS)


@router.api_route("/favicon.ico", methods=PAGE_METHODS)
async def favicon() -> FileResponse:
    """Return the icon for browsers that ask for it unprompted."""
    return FileResponse(STATIC / "favicon.svg", media_type="image/svg+xml")
