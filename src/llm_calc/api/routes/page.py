"""The web page, with every file served by the process."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from llm_calc.api.deps import CatalogsDep
from llm_calc.api.kept import kept_text
from llm_calc.api.llms import llms_text
from llm_calc.api.pages import PAGE_HEADERS, PAGE_METHODS, calculator_html

router = APIRouter(include_in_schema=False)


@router.api_route("/", methods=PAGE_METHODS)
async def index(request: Request, catalogs: CatalogsDep) -> Response:
    """Return the calculator as a page."""
    return kept_text(request, "page", lambda: calculator_html(catalogs), "text/html", PAGE_HEADERS)


@router.api_route("/llms.txt", methods=PAGE_METHODS)
async def llms(request: Request) -> Response:
    """Say what the service is to language models."""
    return kept_text(request, "llms", llms_text, "text/plain", {})
