"""The catalogs: GPUs, models, links and prices, read once, checked strictly, never changed."""

from llm_calc.adapters.catalog.gpus import CatalogGpu
from llm_calc.adapters.catalog.links import CatalogLink
from llm_calc.adapters.catalog.load import Catalogs, load_catalogs
from llm_calc.adapters.catalog.models import CatalogModel
from llm_calc.adapters.catalog.prices import RentalPrice, TokenPrice
from llm_calc.core.errors import CatalogError

__all__ = [
    "CatalogError",
    "CatalogGpu",
    "CatalogLink",
    "CatalogModel",
    "Catalogs",
    "RentalPrice",
    "TokenPrice",
    "load_catalogs",
]
