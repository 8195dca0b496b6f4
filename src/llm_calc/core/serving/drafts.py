"""What a draft costs: its layers stand behind those of the model, with weights and caches of their own."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from llm_calc.core.blocks import Custom, Parts
from llm_calc.core.formats import NumberFormat, RecipeRule, WeightRecipe
from llm_calc.core.memory import active_parameters
from llm_calc.core.model import LayerGroup, Model, Placed
from llm_calc.core.weights import Weight, vector

BESIDE = "draft_"
"""Begins the names of a draft's tensors outside of its layers, and of what joins a layer to the model."""
JOINING = f"{BESIDE}joining"


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftModel:
    """A draft that is a model of its own, stored by its own recipe."""

    model: Model
    recipe: WeightRecipe


@lru_cache(maxsize=256)
def with_layers(model: Model, layers: int) -> Model:
    """The model with so many more layers like its last one, each joined to it by a matrix [parameters].

    A layer like the last, ``2 x hidden x hidden`` that joins the token to what the model computed, and three norms.
    Source: vLLM 0.33.0 ``model_executor/models/deepseek_mtp.py``, ``DeepSeekMultiTokenPredictorLayer``; the same in
    ``glm4_moe_mtp.py``, ``mimo_mtp.py`` and ``qwen3_next_mtp.py``; checked: 2026-11-30, read. Embedding and head are
    the model's own, shared.
    Leaves out: layers of another kind than the last, which a few families have.
    """
    if layers <= 0:
        return model
    last, extra = model.num_layers - 1, tuple(range(model.num_layers, model.num_layers + layers))
    groups = tuple(_longer(group, extra) if last in group.indices else group for group in model.groups)
    return replace(
        model,
        num_layers=model.num_layers + layers,
        groups=(*groups, LayerGroup(indices=extra, blocks=(_joining(model.hidden),))),
        draft_layers=layers,
    )


def _longer(group: LayerGroup, extra: tuple[int, ...]) -> LayerGroup:
    return replace(group, indices=(*group.indices, *extra))


def _joining(hidden: int) -> Custom:
    matrix = Weight(name=JOINING, component="other", rows=2 * hidden, cols=hidden)
    norms = vector(f"{BESIDE}norms", "norms", 3 * hidden)
    return Custom(name=JOINING, content=Parts(weights=(matrix, norms)))


@lru_cache(maxsize=256)
def with_draft(model: Model, draft: Model) -> Model:
    """The model with the layers of its draft behind its own, and the draft's other tensors beside its own [parameters].

    Definition: both are held at once; what they share is no part of the draft.
    """
    first = model.num_layers
    groups = tuple(
        replace(group, indices=tuple(first + index for index in group.indices)) for group in draft.groups
    )
    ends = tuple(_renamed(weight) for weight in ends_of(draft))
    return replace(
        model,
        num_layers=first + draft.num_layers,
        groups=(*model.groups, *groups),
        outside=(*model.outside, *ends),
        draft_layers=draft.num_layers,
    )


def ends_of(draft: Model) -> tuple[Weight, ...]:
    """Tensors of a draft that stand in none of its layers; a tied head is its table [parameters].

    Definition: table, head and what stands beside them.
    """
    head = () if draft.head_tied or not draft.head.cols else (draft.head,)
    return (*draft.embedding, *head, *draft.outside)


def _renamed(weight: Weight) -> Weight:
    """Of the last stage, where drafts run, and cut by its rows where it is one of the vocabulary's."""
    vocabulary = weight.component in ("embedding", "lm_head") and weight.kind != "vector"
    rows = weight.rows if weight.kind == "table" else weight.cols
    units = max(weight.units, rows) if vocabulary else weight.units
    tower = weight.component == "vision"
    component = weight.component if tower else "other"
    return replace(weight, name=f"{BESIDE}{weight.name}", component=component, units=units)


@lru_cache(maxsize=256)
def recipe_beside(recipe: WeightRecipe, model: Model, draft: DraftModel) -> WeightRecipe:
    """The recipe of :func:`with_draft`'s model: the draft's tensors in its own formats [bits].

    Definition: rules for the layers behind those of ``model`` and for the names of what stands beside them, before all
    others.
    """
    rules = tuple(_rules(model.num_layers, draft))
    return replace(recipe, rules=(*rules, *recipe.rules))


def _rules(first: int, draft: DraftModel) -> Iterator[RecipeRule]:
    for weight in ends_of(draft.model):
        yield RecipeRule(
            format=draft.recipe.chosen(weight), names=frozenset({f"{BESIDE}{weight.name}"}), vectors=True
        )
    layers: dict[tuple[Weight, NumberFormat], set[int]] = {}
    for placed in draft.model.placed:
        for index in placed.indices:
            key = (placed.weight, draft.recipe.chosen(placed.weight, index))
            layers.setdefault(key, set()).add(first + index)
    for (weight, number), indices in layers.items():
        yield RecipeRule(
            format=number,
            components=frozenset({weight.component}),
            names=frozenset({weight.name}),
            layers=frozenset(indices),
            vectors=True,
        )


def joined_in(recipe: WeightRecipe, number: NumberFormat) -> WeightRecipe:
    """The recipe with what joins a layer to its model in ``number``, whatever others are stored in [bits].

    Definition: no quantizer touches it.
    """
    return replace(recipe, rules=(RecipeRule(format=number, names=frozenset({JOINING})), *recipe.rules))


def layer_cost_fraction(model: Model) -> float:
    """Time of one token of a draft that is one layer like the last and the head, over a step of the model [1].

    ``(active parameters of the layer + parameters of the head) / active parameters of the model``.
    Choice: few tokens at once take the time in which their weights are read.
    Leaves out: launches of the draft's own, and kernels that a few rows fill badly.
    """
    layer = active_parameters(with_layers(model, 1)) - active_parameters(model)
    return float((layer + model.head.params) / active_parameters(model))


def draft_cost_fraction(model: Model, recipe: WeightRecipe, draft: DraftModel) -> float:
    """Time of one token of a draft of its own, over a step of the model [1].

    ``bytes of the draft's active matrices / bytes of the model's``, tables left out.
    Choice: few tokens at once take the time in which their weights are read.
    Leaves out: launches of the draft's own; caches, which both read.
    """
    return _read_bytes(draft.model, draft.recipe) / _read_bytes(model, recipe)


@lru_cache(maxsize=256)
def _read_bytes(model: Model, recipe: WeightRecipe) -> float:
    return sum(_placed_bytes(placed, recipe) for placed in model.placed)


def _placed_bytes(placed: Placed, recipe: WeightRecipe) -> float:
    weight = placed.weight
    if weight.kind == "table" or not weight.used or not weight.params:
        return 0.0
    layers = placed.indices or (0,)
    width = sum(recipe.format_of(weight, layer).bytes_per_element for layer in layers) / len(layers)
    return weight.active_params * placed.calls * width
