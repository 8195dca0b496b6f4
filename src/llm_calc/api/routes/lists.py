"""The lists of what the service knows beside models and GPUs."""

from fastapi import Request, Response

from llm_calc.adapters.lists import listed_engines, listed_formats, listed_links, listed_prices
from llm_calc.adapters.wire.lists import ListedEngine, ListedFormat, ListedLink, ListedPrice
from llm_calc.api.deps import CatalogsDep
from llm_calc.api.json_body import new_router
from llm_calc.api.kept import kept_json

router = new_router("catalog")


@router.get("/api/engines", operation_id="list_engines", response_model=list[ListedEngine])
async def get_engines(request: Request, catalogs: CatalogsDep) -> Response:
    """Every engine with the releases whose rules are known, and the options of each."""
    return kept_json(request, "engines", lambda: listed_engines(catalogs))


@router.get("/api/formats", operation_id="list_formats", response_model=list[ListedFormat])
async def get_formats(request: Request, catalogs: CatalogsDep) -> Response:
    """Every number format that weights are stored in."""
    return kept_json(request, "formats", lambda: listed_formats(catalogs))


@router.get("/api/prices", operation_id="list_prices", response_model=list[ListedPrice])
async def get_prices(request: Request, catalogs: CatalogsDep) -> Response:
    """Every price of rented GPUs, with its day and source."""
    return kept_json(request, "prices", lambda: listed_prices(catalogs))


@router.get("/api/links", operation_id="list_links", response_model=list[ListedLink])
async def get_links(request: Request, catalogs: CatalogsDep) -> Response:
    """Every kind of link between GPUs and between hosts, with its source."""
    return kept_json(request, "links", lambda: listed_links(catalogs))
