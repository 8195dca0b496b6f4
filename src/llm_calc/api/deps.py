"""What routes ask for: the catalogs that were loaded at start, and threads to work in."""

from typing import Annotated

from fastapi import Depends, Request

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.catalog.files import choose_catalogs
from llm_calc.api.beside import Beside
from llm_calc.api.pools import Pool


def catalogs_of(request: Request) -> Catalogs:
    """The catalogs of the application, which all others of the process are read from as well."""
    state = request.app.state
    choose_catalogs(state.settings.catalogs_path)
    catalogs: Catalogs = state.catalogs
    return catalogs


async def get_catalogs(request: Request) -> Catalogs:
    """Return the catalogs of the application to a route that depends on them."""
    return catalogs_of(request)


def pool_of(request: Request, name: str) -> Pool:
    """The application's threads for ``light`` or ``heavy`` work."""
    pool: Pool = request.app.state.pools[name]
    return pool


def beside_of(request: Request) -> Beside:
    """What answers the application's heavy questions."""
    beside: Beside = request.app.state.beside
    return beside


CatalogsDep = Annotated[Catalogs, Depends(get_catalogs)]
