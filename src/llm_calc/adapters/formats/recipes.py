"""From a format's name and a model to the core's recipe: which tensor of it is stored in which format."""

from functools import lru_cache

from llm_calc.adapters.catalog.published_names import unheld_format
from llm_calc.adapters.formats.catalog import format_catalog
from llm_calc.adapters.formats.gguf_rows import tensor_names
from llm_calc.core.checkpoints.recipes.built import build_recipe
from llm_calc.core.checkpoints.recipes.quantizer import quantized_recipe
from llm_calc.core.checkpoints.recipes.rules import RecipeEntry
from llm_calc.core.engines import traits_of
from llm_calc.core.errors import InvalidInputError, UnknownNameError
from llm_calc.core.formats import NumberFormat, WeightRecipe
from llm_calc.core.model import Model


def format_names() -> tuple[str, ...]:
    """Names of all recipes, in the order of the catalog."""
    return tuple(entry.name for entry in format_catalog().recipes)


def number_format(name: str, field: str = "precision.kv_cache") -> NumberFormat:
    """A number format by its name; names of recipes stand for their main format.

    Raises:
        UnknownNameError: no such format; carries the nearest names and the request's field.
    """
    catalog = format_catalog()
    if name in catalog.numbers:
        return catalog.numbers[name]
    if name in catalog.names:
        return catalog.numbers[catalog.names[name].row.default]
    raise UnknownNameError("number format", name, catalog.names.nearest(name), field=field)


def find_recipe(name: str, engine: str | None = None) -> RecipeEntry:
    """The catalog's recipe of a name; for llama.cpp the kind of GGUF file that stands for it.

    Raises:
        UnknownNameError: no such format; carries the nearest names.
    """
    entry = _entry(name)
    if traits_of(engine).formats.gguf_alone and entry.row.gguf is not None:
        return format_catalog().names[entry.row.gguf]
    return entry


def _entry(name: str) -> RecipeEntry:
    catalog = format_catalog()
    if name not in catalog.names and (trade := catalog.trade_name(name)) is not None:
        msg = f"{catalog.field}: {name!r} {trade.says}; give the file itself (its first MiB), or name {trade.nearest}"
        raise InvalidInputError(msg, field=catalog.field, nearest=[trade.nearest])
    if name not in catalog.names and (says := unheld_format(name)) is not None:
        raise UnknownNameError("number format", name, field=catalog.field, hint=f"it {says}")
    return catalog.names[name]


@lru_cache(maxsize=256)
def recipe_for(name: str, model: Model, engine: str | None = None, kept: str | None = None) -> WeightRecipe:
    """The recipe of a format for a model, as ``engine`` stores it (None: the checkpoint).

    ``kept``: the format of the checkpoint that a GGUF file is made from, where the converter keeps it.

    Raises:
        UnknownNameError: no such format; carries the nearest names.
        UnsupportedError: a kind of GGUF file that llama.cpp's quantizer does not make of such a model.
    """
    entry = find_recipe(name, engine)
    numbers = format_catalog().numbers
    if entry.is_gguf:
        return quantized_recipe(entry, model, numbers, tensor_names(), kept)
    return build_recipe(entry, model, numbers)
