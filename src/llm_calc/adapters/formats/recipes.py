"""From a format's name and a model to the core's recipe: which tensor of it is stored in which format."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import lru_cache

from llm_calc.adapters.catalog.published_names import unheld_format
from llm_calc.adapters.formats.catalog import RecipeEntry, format_catalog
from llm_calc.adapters.formats.properties import holds, in_span, resolve_number
from llm_calc.adapters.formats.quantizer import quantized_recipe
from llm_calc.adapters.formats.rows import LayerSpan, RuleRow
from llm_calc.core.checkpoints.tensors import Tensor, tensor_positions
from llm_calc.core.errors import InvalidInputError, UnknownNameError
from llm_calc.core.formats import NumberFormat, RecipeRule, WeightRecipe
from llm_calc.core.model import Model
from llm_calc.core.weights import Component


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
    if engine == "llama.cpp" and entry.row.gguf is not None:
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


@lru_cache(maxsize=1024)
def recipe_for(name: str, model: Model, engine: str | None = None, kept: str | None = None) -> WeightRecipe:
    """The recipe of a format for a model, as ``engine`` stores it (None: the checkpoint).

    ``kept``: the format of the checkpoint that a GGUF file is made from, where the converter keeps it.

    Raises:
        UnknownNameError: no such format; carries the nearest names.
        UnsupportedError: a kind of GGUF file that llama.cpp's quantizer does not make of such a model.
    """
    entry = find_recipe(name, engine)
    return quantized_recipe(entry, model, kept) if entry.is_gguf else build_recipe(entry, model)


def build_recipe(entry: RecipeEntry, model: Model) -> WeightRecipe:
    """The entry's rules, with conditions decided and layers counted for this model."""
    positions = tensor_positions(model)
    rules = [
        core_rule
        for rule in entry.rules
        if holds(rule.when, model)
        for core_rule in _core_rules(rule, model, positions)
    ]
    default = resolve_number(entry.row.default, model)
    return WeightRecipe(
        name=entry.name,
        default=default,
        vectors=default if entry.row.vectors is None else resolve_number(entry.row.vectors, model),
        rules=tuple(rules),
    )


def _core_rules(
    rule: RuleRow, model: Model, positions: dict[Tensor, tuple[int, ...]]
) -> Iterable[RecipeRule]:
    """One core rule for every component and set of layers that the row's patterns select."""
    names: dict[tuple[Component, frozenset[int] | None], set[str]] = {}
    for (component, name), layers in positions.items():
        if any(fnmatchcase(f"{component}.{name}", pattern) for pattern in rule.tensors):
            chosen = _span(rule.layers, layers, model)
            names.setdefault((component, chosen), set()).add(name)
    for (component, chosen), selected in names.items():
        yield RecipeRule(
            format=resolve_number(rule.format, model),
            components=frozenset((component,)),
            names=frozenset(selected),
            layers=chosen,
            vectors=rule.vectors,
        )


def _span(span: LayerSpan, layers: tuple[int, ...], model: Model) -> frozenset[int] | None:
    """Layers of a span, by their position."""
    if span == "all":
        return None
    if span == "before_attention":
        attends = {index for group in model.groups if group.parts.scores for index in group.indices}
        return frozenset(layer for layer in layers if layer + 1 in attends)
    return frozenset(layer for layer in layers if in_span(span, layer, model.num_layers))
