"""The catalogs that the environment chooses, for every way in that is no service."""

import os
from pathlib import Path

from llm_calc.adapters.catalog.files import CatalogError
from llm_calc.adapters.catalog.load import Catalogs, load_catalogs
from llm_calc.core.errors import InvalidInputError

CATALOGS_VARIABLE = "LLM_CALC_CATALOGS_PATH"


def chosen_catalogs() -> Catalogs:
    """The catalogs that ``LLM_CALC_CATALOGS_PATH`` names, else the package's, read once.

    Raises:
        InvalidInputError: they cannot be read.
    """
    path = os.environ.get(CATALOGS_VARIABLE)
    try:
        return load_catalogs(Path(path) if path else None)
    except (CatalogError, OSError) as error:
        raise InvalidInputError(f"{CATALOGS_VARIABLE}: the catalogs cannot be read: {error}") from error
