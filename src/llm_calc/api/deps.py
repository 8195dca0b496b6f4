"""What routes ask for: the catalogs that were loaded at start."""

from typing import Annotated

from fastapi import Depends, Request

from llm_calc.adapters.catalog import Catalogs


async def get_catalogs(request: Request) -> Catalogs:
    """Return the catalogs of the running application."""
    catalogs: Catalogs = request.app.state.catalogs
    return catalogs


CatalogsDep = Annotated[Catalogs, Depends(get_catalogs)]
