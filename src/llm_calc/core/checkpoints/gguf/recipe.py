"""The types of a GGUF file's tensors as a recipe of the core."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache

from llm_calc.core.checkpoints.gguf.header import GgufTensor
from llm_calc.core.checkpoints.gguf.placed import TOP, Placed, component_of, recurrent_layers
from llm_calc.core.checkpoints.gguf.tables import FileTypes, Stems, TensorNames
from llm_calc.core.checkpoints.tensors import tensor_positions
from llm_calc.core.formats import NumberFormat, RecipeRule, WeightRecipe
from llm_calc.core.model import Model
from llm_calc.core.weights import Component

SAME_NUMBERS = {"f32": "fp32", "f16": "fp16"}
"""Types whose numbers the catalog names otherwise."""
Types = dict[tuple[Component, str], dict[str, set[int]]]


def kinds_of(placed: Iterable[Placed]) -> tuple[str, ...]:
    """Types of the tensors, by name."""
    return tuple(sorted({each.tensor.type for each in placed}))


def file_recipe(
    placed: tuple[Placed, ...], kind: str | None, names: TensorNames, known: FileTypes
) -> WeightRecipe:
    """A rule for every tensor, as its own weight."""
    weights: dict[str, int] = {}
    types: Types = {}
    recurrent = recurrent_layers(placed)
    for each in placed:
        weights[each.tensor.type] = weights.get(each.tensor.type, 0) + each.tensor.elements
        component = component_of(each.stem, names, recurrent=each.layer in recurrent)
        layers = types.setdefault((component, each.name), {}).setdefault(each.tensor.type, set())
        layers.add(0 if each.layer == TOP else each.layer)
    default = _number(max(weights, key=lambda each: weights[each]), known)
    return WeightRecipe(
        name=kind or "gguf", default=default, vectors=_number("f32", known), rules=_rules(types, known)
    )


def config_recipe(
    tensors: Iterable[GgufTensor], model: Model, like: WeightRecipe, names: Stems, known: FileTypes
) -> WeightRecipe:
    """Rules for every tensor of a family's model that the file has under a known name; the rest as ``like`` has it."""
    found = {tensor.name: tensor.type for tensor in tensors}
    types: Types = {}
    for (component, name), layers in tensor_positions(model).items():
        stems = names.get(f"{component}.{name}", ())
        for layer in layers or (0,):
            own = _type_of(found, stems, layer if layers else None)
            if own is not None:
                types.setdefault((component, name), {}).setdefault(own, set()).add(layer)
    return replace(like, rules=tuple(replace(rule, vectors=False) for rule in _rules(types, known)))


def _rules(types: Types, known: FileTypes) -> tuple[RecipeRule, ...]:
    """One rule for all weights of a component that have one type in the same layers."""
    names: dict[tuple[Component, str, frozenset[int]], set[str]] = {}
    for (component, name), by_type in types.items():
        for type_name, layers in by_type.items():
            names.setdefault((component, type_name, frozenset(layers)), set()).add(name)
    return tuple(
        RecipeRule(
            format=_number(type_name, known),
            components=frozenset((component,)),
            names=frozenset(selected),
            layers=layers,
            vectors=True,
        )
        for (component, type_name, layers), selected in names.items()
    )


def _type_of(types: Mapping[str, str], stems: tuple[str, ...], layer: int | None) -> str | None:
    prefix = "" if layer is None else f"blk.{layer}."
    return next((types[key] for stem in stems if (key := f"{prefix}{stem}.weight") in types), None)


@lru_cache(maxsize=1024)
def _number(name: str, known: FileTypes) -> NumberFormat:
    """The catalog's number format of a type; rows are whole blocks in a file, so that none needs another."""
    number = known.numbers.get(SAME_NUMBERS.get(name, name))
    if number is not None:
        return replace(number, fallback=None)
    block = next(each for each in known.types.values() if each.name == name)
    return NumberFormat(name=name, element_bits=8 * block.bytes / block.elements)
