"""From a format's name and a model to the core's recipe: which tensor of it is stored in which format."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import lru_cache

from llm_calc.adapters.formats.catalog import SIXTEEN_BIT, RecipeEntry, format_catalog
from llm_calc.adapters.formats.rows import LayerSpan, RuleRow, When
from llm_calc.core.errors import UnknownNameError
from llm_calc.core.formats import NumberFormat, RecipeRule, WeightRecipe
from llm_calc.core.model import Model
from llm_calc.core.weights import Component

Tensor = tuple[Component, str]
"""A weight's component and name."""


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
    entry = format_catalog().names[name]
    if engine == "llama.cpp" and entry.row.gguf is not None:
        return format_catalog().names[entry.row.gguf]
    return entry


@lru_cache(maxsize=1024)
def recipe_for(name: str, model: Model, engine: str | None = None) -> WeightRecipe:
    """The recipe of a format for a model, as ``engine`` stores it (None: the checkpoint).

    Raises:
        UnknownNameError: no such format; carries the nearest names.
    """
    return build_recipe(find_recipe(name, engine), model)


def build_recipe(entry: RecipeEntry, model: Model) -> WeightRecipe:
    """The entry's rules, with conditions decided and layers counted for this model."""
    positions = tensor_positions(model)
    fused = model.model_type in entry.fused_model_types
    rules = [
        core_rule
        for rule in entry.rules
        if holds(rule.when, model)
        for core_rule in _core_rules(rule, entry, model, positions, fused=fused)
    ]
    default = resolve_number(entry.row.default, model)
    return WeightRecipe(
        name=entry.name,
        default=default,
        vectors=default if entry.row.vectors is None else resolve_number(entry.row.vectors, model),
        rules=tuple(rules),
    )


def resolve_number(name: str, model: Model) -> NumberFormat:
    """A number format for a model: ``16-bit`` is the model's type."""
    if name == SIXTEEN_BIT:
        name = "fp16" if model.dtype == "fp16" else "bf16"
    return format_catalog().numbers[name]


def tensor_positions(model: Model) -> dict[Tensor, tuple[int, ...]]:
    """Every kind of tensor with the layers that it stands in (none for what stands in no layer)."""
    found: dict[Tensor, set[int]] = {}
    for placed in model.placed:
        found.setdefault((placed.weight.component, placed.weight.name), set()).update(placed.indices)
    return {tensor: tuple(sorted(layers)) for tensor, layers in found.items()}


def holds(when: When, model: Model) -> bool:
    """Whether a model has all the properties that a rule asks for."""
    experts = model.num_experts
    checks = (
        when.gqa_min is None or grouped_queries(model) >= when.gqa_min,
        when.experts is None or experts == when.experts,
        when.experts_min is None or experts >= when.experts_min,
        when.not_experts is None or experts != when.not_experts,
        when.num_layers is None or model.num_layers == when.num_layers,
        when.tied is None or model.head_tied == when.tied,
        when.latent_attention is None or is_latent(model) == when.latent_attention,
        when.recurrent is None or is_recurrent(model) == when.recurrent,
        when.model_types is None or model.model_type in when.model_types,
        when.not_model_types is None or model.model_type not in when.not_model_types,
    )
    return all(checks)


def grouped_queries(model: Model) -> int:
    """Query heads that share a KV head, in the first layers that have both; 1 without such."""
    for group in model.groups:
        units = {
            weight.name: weight.units for weight in group.parts.weights if weight.component == "attention"
        }
        if "q_proj" in units and "k_proj" in units:
            return units["q_proj"] // units["k_proj"]
    return 1


def is_latent(model: Model) -> bool:
    """Whether any layer decompresses keys and values from a latent vector."""
    return any(score.absorbed_v_dim is not None for group in model.groups for score in group.parts.scores)


def is_recurrent(model: Model) -> bool:
    """Whether any layer keeps a constant state: state-space and linear-attention mixers."""
    return any(cache.kind == "state" for group in model.groups for cache in group.parts.caches)


def _core_rules(
    rule: RuleRow, entry: RecipeEntry, model: Model, positions: dict[Tensor, tuple[int, ...]], *, fused: bool
) -> Iterable[RecipeRule]:
    """One core rule for every component and set of layers that the row's patterns select."""
    patterns = [pattern for selector in rule.tensors for pattern in _patterns(selector, entry, fused=fused)]
    names: dict[tuple[Component, frozenset[int] | None], set[str]] = {}
    for (component, name), layers in positions.items():
        if any(fnmatchcase(f"{component}.{name}", pattern) for pattern in patterns):
            chosen = _span(rule.layers, component, layers, model)
            names.setdefault((component, chosen), set()).add(name)
    for (component, chosen), selected in names.items():
        yield RecipeRule(
            format=resolve_number(rule.format, model),
            components=frozenset((component,)),
            names=frozenset(selected),
            layers=chosen,
            vectors=rule.vectors,
        )


def _patterns(selector: str, entry: RecipeEntry, *, fused: bool) -> tuple[str, ...]:
    """Patterns of a selector; where q, k and v are one tensor, the group of values holds all three."""
    if not selector.startswith("@"):
        return (selector,)
    group = selector[1:]
    if fused and group == "values":
        return (*entry.groups["queries"], *entry.groups["keys"], *entry.groups["values"])
    if fused and group in ("queries", "keys"):
        return ()
    return entry.groups[group]


def _span(
    span: LayerSpan, component: Component, layers: tuple[int, ...], model: Model
) -> frozenset[int] | None:
    """Layers of a span; attention tensors count among themselves, others by the layer's position."""
    if span == "all":
        return None
    if span == "before_attention":
        attends = {index for group in model.groups if group.parts.scores for index in group.indices}
        return frozenset(layer for layer in layers if layer + 1 in attends)
    if component == "attention":
        return frozenset(layer for at, layer in enumerate(layers) if in_span(span, at, len(layers)))
    return frozenset(layer for layer in layers if in_span(span, layer, model.num_layers))


def in_span(span: LayerSpan, at: int, count: int) -> bool:
    """Whether place ``at`` (0-based) of ``count`` lies in a span of places.

    Source: llama.cpp, ``use_more_bits`` and where it is called.
    """
    eighth = count // 8
    spans: dict[LayerSpan, bool] = {
        "more_bits": at < eighth or at >= 7 * count // 8 or (at - eighth) % 3 == 2,
        "first_eighth": at < eighth,
        "first_sixteenth": at < count // 16,
        "first_2": at < 2,
        "first_4": at < 4,
        "middle": eighth <= at < 7 * count // 8,
    }
    return spans[span]
