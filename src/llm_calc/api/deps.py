"""What routes ask for: the catalogs that were loaded at start."""

from typing import Annotated

from fastapi import Depends, Request

from llm_calc.adapters.catalog import Catalogs, load_catalogs


async def get_catalogs(request: Request) -> Catalogs:
    """Return the catalogs of the application; read now where the server runs no start-up events."""
    state = request.app.state
    if not hasattr(state, "catalogs"):
        state.catalogs = load_catalogs(state.settings.catalogs_path)
    catalogs: Catalogs = state.catalogs
    return catalogs


CatalogsDep = Annotated[Catalogs, Depends(get_catalogs)]
