"""Number formats: the catalog, recipes of whole checkpoints and files, and what a request's formats mean."""

from llm_calc.adapters.formats.catalog import format_catalog
from llm_calc.adapters.formats.precision import resolve_precision, stored_weights
from llm_calc.adapters.formats.recipes import find_recipe, format_names, number_format, recipe_for
from llm_calc.adapters.formats.stored import format_tables, recipe_from_quantization_config
from llm_calc.core.checkpoints.checkpoint import CheckpointFormat
from llm_calc.core.checkpoints.recipes.precision import FormatWishes, Precision, StoredWeights
from llm_calc.core.checkpoints.recipes.rules import FormatCatalog

__all__ = [
    "CheckpointFormat",
    "FormatCatalog",
    "FormatWishes",
    "Precision",
    "StoredWeights",
    "find_recipe",
    "format_catalog",
    "format_names",
    "format_tables",
    "number_format",
    "recipe_for",
    "recipe_from_quantization_config",
    "resolve_precision",
    "stored_weights",
]
