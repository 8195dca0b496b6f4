"""From a format's rules and a model to a recipe: which tensor of it is stored in which number format."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from llm_calc.core.checkpoints.recipes.properties import holds, in_span, resolve_number
from llm_calc.core.checkpoints.recipes.rules import LayerSpan, RecipeEntry, Rule
from llm_calc.core.checkpoints.tensors import Tensor, tensor_positions
from llm_calc.core.formats import NumberFormat, RecipeRule, WeightRecipe
from llm_calc.core.model import Model
from llm_calc.core.weights import Component


def build_recipe(entry: RecipeEntry, model: Model, numbers: Mapping[str, NumberFormat]) -> WeightRecipe:
    """The entry's rules, with conditions decided and layers counted for this model."""
    positions = tensor_positions(model)
    rules = [
        core_rule
        for rule in entry.rules
        if holds(rule.when, model)
        for core_rule in _core_rules(rule, model, positions, numbers)
    ]
    default = resolve_number(entry.row.default, model, numbers)
    return WeightRecipe(
        name=entry.name,
        default=default,
        vectors=default if entry.row.vectors is None else resolve_number(entry.row.vectors, model, numbers),
        rules=tuple(rules),
    )


def _core_rules(
    rule: Rule,
    model: Model,
    positions: dict[Tensor, tuple[int, ...]],
    numbers: Mapping[str, NumberFormat],
) -> Iterable[RecipeRule]:
    """One core rule for every component and set of layers that the row's patterns select."""
    names: dict[tuple[Component, frozenset[int] | None], set[str]] = {}
    for (component, name), layers in positions.items():
        if any(fnmatchcase(f"{component}.{name}", pattern) for pattern in rule.tensors):
            chosen = _span(rule.layers, layers, model)
            names.setdefault((component, chosen), set()).add(name)
    for (component, chosen), selected in names.items():
        yield RecipeRule(
            format=resolve_number(rule.format, model, numbers),
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
