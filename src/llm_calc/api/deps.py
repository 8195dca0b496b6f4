"""What routes ask for: the catalogs that were loaded at start, and threads to work in."""

from typing import Annotated

from fastapi import Depends, Request

from llm_calc.adapters.catalog import Catalogs, load_catalogs
from llm_calc.api.pools import Pool


async def get_catalogs(request: Request) -> Catalogs:
    """Return the catalogs of the application; read now where the server runs no start-up events."""
    state = request.app.state
    if not hasattr(state, "catalogs"):
        state.catalogs = load_catalogs(state.settings.catalogs_path)
    catalogs: Catalogs = state.catalogs
    return catalogs


def pool_of(request: Request, name: str) -> Pool:
    """The application's threads for ``light`` or ``heavy`` work."""
    pool: Pool = request.app.state.pools[name]
    return pool


CatalogsDep = Annotated[Catalogs, Depends(get_catalogs)]
