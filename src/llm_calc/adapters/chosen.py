"""The catalogs that the environment chooses, for every way in that is no service."""

import os
from pathlib import Path

from llm_calc.adapters.all_catalogs import load_all_catalogs
from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.catalog.files import CATALOGS_VARIABLE
from llm_calc.core.errors import CatalogError, InvalidInputError


def chosen_catalogs() -> Catalogs:
    """The catalogs that ``LLM_CALC_CATALOGS_PATH`` names, else the package's, read once.

    Raises:
        InvalidInputError: they cannot be read.
    """
    path = os.environ.get(CATALOGS_VARIABLE)
    try:
        return load_all_catalogs(Path(path) if path else None)
    except (CatalogError, OSError) as error:
        raise InvalidInputError(unreadable(error, named=bool(path))) from error


def unreadable(error: Exception, *, named: bool) -> str:
    """What is wrong with the catalogs; ``named``: those that ``LLM_CALC_CATALOGS_PATH`` names."""
    sentence = f"the catalogs cannot be read: {error}"
    return f"{CATALOGS_VARIABLE}: {sentence}" if named else sentence
