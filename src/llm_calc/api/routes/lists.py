"""The lists of what the catalogs hold, beside those of models and GPUs: one route each, all alike."""

from collections.abc import Awaitable, Callable

from fastapi import Request, Response

from llm_calc.adapters.listings import ENGINES, FORMATS, LINKS, PRICES, Listing
from llm_calc.api.deps import CatalogsDep
from llm_calc.api.json_body import new_router
from llm_calc.api.kept import kept_json

router = new_router("catalog")


def _endpoint(listing: Listing) -> Callable[..., Awaitable[Response]]:
    """A handler that answers the rows as they are."""

    async def listed(request: Request, catalogs: CatalogsDep) -> Response:
        return kept_json(request, listing.name, lambda: listing.rows(catalogs))

    return listed


for _listing in (ENGINES, FORMATS, PRICES, LINKS):
    router.add_api_route(
        _listing.path,
        _endpoint(_listing),
        methods=["GET"],
        operation_id=_listing.operation_id,
        name=_listing.operation_id,
        summary=_listing.operation_id.replace("_", " ").capitalize(),
        description=_listing.description,
        response_model=list[_listing.row],  # type: ignore[name-defined]
    )
    router.add_api_route(_listing.path, _endpoint(_listing), methods=["HEAD"], include_in_schema=False)
