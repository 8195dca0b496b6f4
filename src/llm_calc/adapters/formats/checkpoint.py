"""A checkpoint's own ``quantization_config`` as a recipe of the core: which tensor is stored in which format."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from llm_calc.adapters.formats.modules import ModulePatterns, module_paths
from llm_calc.adapters.formats.properties import Tensor, resolve_number, tensor_positions
from llm_calc.adapters.formats.scheme import CHANNEL, FIELD, Scheme
from llm_calc.adapters.formats.schemes import read_scheme
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.formats import NumberFormat, RecipeRule, WeightRecipe
from llm_calc.core.model import Model
from llm_calc.core.weights import Component, Weight

MAX_SEARCHES = 100_000
"""Layers times patterns that are searched for: about a second of work."""
LINEAR: frozenset[Component] = frozenset(("attention", "mlp", "experts", "shared_experts", "ssm"))
"""Components whose matrices quantizers take; embedding, head, router, norms and towers only where listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointFormat:
    """The recipe with what is worth saying about it.

    ``storage``: the kind of numbers, as recipes of the catalog name it. ``kv_cache``, ``activations``: number
    formats that the checkpoint asks for (None: the model's 16 bits). ``guesses``: what could not be known.
    """

    recipe: WeightRecipe
    storage: str
    words: str
    kv_cache: str | None = None
    activations: str | None = None
    guesses: tuple[str, ...] = ()


def recipe_from_quantization_config(config: Mapping[str, object], model: Model) -> CheckpointFormat:
    """The recipe that a checkpoint's ``quantization_config`` describes, tensor by tensor.

    Raises:
        InvalidInputError: an unknown method or impossible numbers; names the key.
    """
    scheme = read_scheme(config)
    formats = _formats(scheme, model)
    return CheckpointFormat(
        recipe=_recipe(scheme, model, formats),
        storage=scheme.storage,
        words=f"{scheme.words}; {_kept(formats)} in 16 bits",
        kv_cache=scheme.kv_cache,
        activations=scheme.activations,
        guesses=scheme.guesses,
    )


def _formats(scheme: Scheme, model: Model) -> dict[Tensor, dict[int, NumberFormat | None]]:
    """Every matrix's format in each of its layers; None: not quantized."""
    choose = _Chooser(scheme, model)
    matrices = {
        (placed.weight.component, placed.weight.name): placed.weight
        for placed in model.placed
        if placed.weight.kind != "vector"
    }
    return {
        tensor: {layer: choose.format_of(matrices[tensor], layer) for layer in layers or (0,)}
        for tensor, layers in tensor_positions(model).items()
        if tensor in matrices
    }


class _Chooser:
    """Decides the format of one tensor in one layer."""

    def __init__(self, scheme: Scheme, model: Model) -> None:
        self._scheme = scheme
        self._skips = ModulePatterns(scheme.skips)
        self._targets = [(ModulePatterns((pattern,)), _for_model(n, model)) for pattern, n in scheme.targets]
        self._modules = {path: _for_model(number, model) for path, number in scheme.modules.items()}
        self._number = _for_model(scheme.number, model)
        searches = model.num_layers * (len(self._skips) + len(self._targets))
        if searches > MAX_SEARCHES:
            msg = f"{FIELD}: layers x patterns of modules must be at most {MAX_SEARCHES}; they are {searches}"
            raise InvalidInputError(msg, field=FIELD)

    def format_of(self, weight: Weight, layer: int) -> NumberFormat | None:
        paths = module_paths(weight.component, weight.name, layer)
        for path in paths:
            if path in self._modules:
                return self._modules[path]
        if self._skips.match(paths):
            return None
        for patterns, number in self._targets:
            if patterns.match(paths):
                return number
        return self._number if self._takes(weight) else None

    def _takes(self, weight: Weight) -> bool:
        components = LINEAR if self._scheme.only is None else self._scheme.only
        spared = self._scheme.listed_only or weight.name == "shared_expert_gate"
        return weight.component in components and not spared


def _for_model(number: NumberFormat, model: Model) -> NumberFormat:
    """With a scale a channel counted for every ``hidden`` numbers, the length of most rows."""
    return replace(number, group_size=model.hidden) if number.group_size == CHANNEL else number


def _recipe(
    scheme: Scheme, model: Model, formats: Mapping[Tensor, Mapping[int, NumberFormat | None]]
) -> WeightRecipe:
    sixteen = resolve_number("16-bit", model)
    default = _for_model(scheme.number, model)
    rules = []
    for (component, name), by_layer in formats.items():
        layers_of: dict[NumberFormat, set[int]] = {}
        for layer, number in by_layer.items():
            layers_of.setdefault(number or sixteen, set()).add(layer)
        for number, layers in layers_of.items():
            if number != default or len(layers_of) > 1:
                rules.append(_rule(component, name, number, layers if len(layers_of) > 1 else None))
    return WeightRecipe(name=scheme.number.name, default=default, vectors=sixteen, rules=tuple(rules))


def _rule(component: Component, name: str, number: NumberFormat, layers: set[int] | None) -> RecipeRule:
    return RecipeRule(
        format=number,
        components=frozenset((component,)),
        names=frozenset((name,)),
        layers=None if layers is None else frozenset(layers),
    )


def _kept(formats: Mapping[Tensor, Mapping[int, NumberFormat | None]]) -> str:
    """Components of which no tensor is quantized, in words."""
    quantized = {tensor[0] for tensor, by_layer in formats.items() if any(by_layer.values())}
    kept = dict.fromkeys(component for component, _ in formats if component not in quantized)
    return ", ".join(name.replace("_", " ") for name in kept) or "nothing else"
