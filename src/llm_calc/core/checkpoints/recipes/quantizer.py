"""What llama.cpp's quantizer makes of a model: the type of every tensor of its GGUF file, as a recipe of the core."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from llm_calc.core.checkpoints.gguf.files import FileTensor, file_tensors
from llm_calc.core.checkpoints.gguf.tables import TensorNames
from llm_calc.core.checkpoints.recipes.properties import grouped_queries, holds, in_span, resolve_number
from llm_calc.core.checkpoints.recipes.rules import LayerSpan, RecipeEntry, Rule
from llm_calc.core.errors import UnsupportedError
from llm_calc.core.formats import ABSENT, NumberFormat, RecipeRule, WeightRecipe
from llm_calc.core.model import LayerGroup, Model
from llm_calc.core.weights import Component

Numbers = Mapping[str, NumberFormat]
KEPT: Mapping[str, frozenset[Component]] = {"mxfp4": frozenset({"experts"})}
"""Checkpoint formats that the converter takes over as they are, and where."""
COUNTED_AMONG_THEMSELVES = "values"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a tensor stands: its category, its number in it, how many it has, its layer among all of the file's."""

    category: str | None
    at: int
    count: int
    layer: int
    layers: int


def quantized_recipe(
    entry: RecipeEntry, model: Model, numbers: Numbers, names: TensorNames, kept: str | None = None
) -> WeightRecipe:
    """The recipe of a kind of GGUF file; ``kept``: the checkpoint's own format, where the converter keeps it.

    ``numbers``: formats by name; ``names``: of the file's tensors.

    Raises:
        UnsupportedError: rows that the kind cannot hold, where the quantizer itself refuses.
    """
    rules = [rule for rule in entry.rules if holds(rule.when, model, _queries(model, names))]
    default = resolve_number(entry.row.default, model, numbers)
    keeps = KEPT.get(kept or "", frozenset()) if entry.row.keeps_mxfp4 else frozenset[Component]()
    types: dict[tuple[Component, str], dict[int | None, list[tuple[float, NumberFormat]]]] = {}
    for tensor, place in _places(entry, model, names):
        number = (
            resolve_number(kept or "", model, numbers)
            if tensor.component in keeps
            else _type(entry, model, rules, tensor, place, numbers)
        )
        by_layer = types.setdefault((tensor.component, tensor.weight), {})
        by_layer.setdefault(tensor.layer, []).append((tensor.fraction, number))
    if model.head_tied and model.embedding:
        types["lm_head", model.head.name] = types.get(("embedding", model.embedding[0].name), {})
    towers = RecipeRule(format=ABSENT, components=frozenset(("vision",)), vectors=True)
    return WeightRecipe(
        name=entry.name,
        default=replace(default, fallback=None),
        vectors=default if entry.row.vectors is None else resolve_number(entry.row.vectors, model, numbers),
        rules=(*_core_rules(types), towers),
    )


def _queries(model: Model, names: TensorNames) -> int:
    """Query heads of a KV head as the quantizer asks: those of the first layer, 0 where it has none of its own.

    Source: llama.cpp v0.5.0, ``llama_hparams::n_gqa`` as ``src/llama-quant.cpp`` asks it; checked: 2026-11-30, read.
    """
    listed = model.model_type in names.kv_heads_by_layer
    attends = any(0 in group.indices and _has_keys(group) for group in model.groups)
    return 0 if listed and not attends else grouped_queries(model)


def _has_keys(group: LayerGroup) -> bool:
    return any(each.component == "attention" and each.name == "k_proj" for each in group.parts.weights)


def _places(entry: RecipeEntry, model: Model, names: TensorNames) -> Iterator[tuple[FileTensor, _Place]]:
    """Every tensor with its place; a block that guesses further tokens counts as one more layer with values.

    Weights that share a tensor (query, key and value in one) share its place.
    """
    tensors = file_tensors(model, names)
    extra = int(model.model_type in names.prediction_blocks)
    categories = {tensor.order: _category(entry, tensor.name) for tensor in tensors}
    totals = Counter(categories.values())
    seen: Counter[str | None] = Counter()
    at: dict[tuple[int, str], int] = {}
    for order, category in categories.items():
        at[order] = seen[category]
        seen[category] += 1
    for tensor in tensors:
        category = categories[tensor.order]
        yield (
            tensor,
            _Place(
                category=category,
                at=at[tensor.order],
                count=totals[category] + (extra if category == COUNTED_AMONG_THEMSELVES else 0),
                layer=tensor.layer or 0,
                layers=model.num_layers + extra,
            ),
        )


def _category(entry: RecipeEntry, name: str) -> str | None:
    """The first category that the name fits."""
    return next((group for group, patterns in entry.groups.items() if _fits(name, patterns)), None)


def _fits(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _type(
    entry: RecipeEntry, model: Model, rules: list[Rule], tensor: FileTensor, place: _Place, numbers: Numbers
) -> NumberFormat:
    main = resolve_number(entry.row.default, model, numbers)
    chosen = next((rule for rule in rules if _applies(rule, tensor, place, model, main)), None)
    number = main if chosen is None else resolve_number(chosen.format, model, numbers)
    fitting = number.for_rows(tensor.row)
    if fitting.group_size > 1 and tensor.row % fitting.group_size and entry.row.storage == "gguf":
        msg = (
            f"precision.weights: {entry.name}: llama.cpp's quantizer refuses this model: rows of {tensor.row} in "
            f"{tensor.name} are not whole blocks of {fitting.group_size}"
        )
        raise UnsupportedError(msg, field="precision.weights")
    return replace(fitting, fallback=None)


def _applies(rule: Rule, tensor: FileTensor, place: _Place, model: Model, main: NumberFormat) -> bool:
    if rule.flat and tensor.is_stack:
        return False
    if rule.odd_rows and (main.group_size == 0 or tensor.row % main.group_size == 0):
        return False
    named = (
        each[1:] == place.category if each.startswith("@") else _fits(tensor.name, (each,))
        for each in rule.tensors
    )
    return any(named) and _inside(rule, place, model)


def _inside(rule: Rule, place: _Place, model: Model) -> bool:
    """Whether the place lies in the rule's span.

    Source: llama.cpp v0.5.0, ``layer_info`` and the counters of ``quantize_state_impl``; checked: 2026-11-30, read.
    """
    span: LayerSpan = rule.layers
    if span == "all":
        return True
    if place.category == COUNTED_AMONG_THEMSELVES:
        return in_span(span, place.at, place.count)
    by_layer = model.num_experts > 1 and rule.by == "layer"
    return in_span(span, place.layer if by_layer else place.at, place.layers)


def _core_rules(
    types: Mapping[tuple[Component, str], Mapping[int | None, list[tuple[float, NumberFormat]]]],
) -> Iterator[RecipeRule]:
    """One rule for every weight and format, with the layers that have it."""
    for (component, name), by_layer in types.items():
        layers: dict[NumberFormat, set[int]] = {}
        for layer, parts in by_layer.items():
            layers.setdefault(_blend(parts), set()).add(layer or 0)
        for number, at in layers.items():
            yield RecipeRule(
                format=number,
                components=frozenset((component,)),
                names=frozenset((name,)),
                layers=frozenset(at),
                vectors=True,
            )


def _blend(parts: list[tuple[float, NumberFormat]]) -> NumberFormat:
    """The format of a weight that the file holds as several tensors: the mean of theirs, by elements."""
    formats = list(dict.fromkeys(number for _, number in parts))
    if len(formats) == 1:
        return formats[0]
    bits = sum(share * number.bits_per_element for share, number in parts)
    return NumberFormat(name="+".join(number.name for number in formats), element_bits=bits)
