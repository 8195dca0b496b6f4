"""A checkpoint's own ``quantization_config`` as a recipe of the core: which tensor is stored in which format."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from llm_calc.core.architectures.beside import EXPERT_DTYPE, ROUTER_DTYPE, TEXT_ONLY
from llm_calc.core.blocks import LatentAttention
from llm_calc.core.checkpoints.files import SAID_IN
from llm_calc.core.checkpoints.ledger import Notes, Said
from llm_calc.core.checkpoints.linear_modules import (
    NARROW_TABLES,
    NGRAMS,
    UNKNOWN,
    is_module,
    is_parameter,
    passed_by,
)
from llm_calc.core.checkpoints.modules import MARKS, ModuleTable
from llm_calc.core.checkpoints.scheme import FIELD, TOWERS, Choice, Scheme
from llm_calc.core.checkpoints.schemes import read_scheme
from llm_calc.core.checkpoints.selection import Selection
from llm_calc.core.checkpoints.sixteen import own_number
from llm_calc.core.checkpoints.tables import FormatTables
from llm_calc.core.checkpoints.tensors import Tensor
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.formats import NumberFormat, RecipeRule, WeightRecipe
from llm_calc.core.model import Model
from llm_calc.core.weights import Component

OWN_ROUTERS = (
    *("deepseek", "exaone_moe", "glm4_moe", "glm_moe_dsa", "laguna", "mimo_v2_flash"),
    *("muse_spark", "nemotron_h", "step3p5"),
)
"""Beginnings of types whose router is a class of its own in mlx-lm 0.32.2, which does not quantize it."""
SPLIT_LATENT = (
    *("deepseek_v3", "deepseek_v32", "glm4_moe_lite", "glm_moe_dsa", "kimi", "longcat_flash", "mistral4"),
    "bailing",
)
"""Beginnings of types whose ``kv_b_proj`` mlx-lm 0.32.2 cuts in two: keys with rows of a head, and values."""
MOST_CHOICES = 200_000
SAME_AS_ALL = "fp8"
"""What transformers writes of experts into every fp8 file, that of a dense model too."""
OTHERWISE = (
    "names other modules in transformers 5 than in transformers 4, and the file does not say which wrote it "
    "(transformers_version); it was taken as transformers 4 does"
)
MODULES_UNKNOWN = "which matrices of this type transformers quantizes is not known in full: a part may differ"
ByLayer = dict[int, NumberFormat | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointFormat:
    """The recipe with what is worth saying about it.

    ``storage``: the kind of numbers, as recipes of the catalog name it. ``kv_cache``, ``activations``: number
    formats that the checkpoint asks for (None: the model's 16 bits). ``guesses``: what could not be known.
    ``method``: the tool that wrote it.
    """

    recipe: WeightRecipe
    storage: str
    words: str
    kv_cache: str | None = None
    activations: str | None = None
    guesses: tuple[str, ...] = ()
    method: str | None = None


def checkpoint_format(config: Mapping[str, object], model: Model, tables: FormatTables) -> CheckpointFormat:
    """The recipe that a checkpoint's ``quantization_config`` describes, tensor by tensor.

    Raises:
        InvalidInputError: an unknown method or impossible numbers, or no tensor that it names; names the key.
    """
    own, path = own_number(model, tables), str(config.get(SAID_IN) or FIELD)
    scheme, said = read_scheme(config, own, tables, path)
    if said.values.get(EXPERT_DTYPE) not in (None, SAME_AS_ALL) and not model.num_experts:
        said.assume(f"{EXPERT_DTYPE} speaks of experts, and this model has none")
    if len(scheme.choices) > MOST_CHOICES:
        raise InvalidInputError(f"{path}: at most {MOST_CHOICES} names of modules", field=path)
    formats = _Chooser(
        scheme, model, said.notes, path, text_only=said.values.get(TEXT_ONLY) is True
    ).formats()
    if not scheme.dense and not any(any(by_layer.values()) for by_layer in formats.values()):
        named = ", ".join(_written(choice) for choice in scheme.choices if choice.number)[:200]
        msg = f"{path}: quantizes no tensor of this model; what it names is {named or 'left out'}"
        raise InvalidInputError(f"{msg}; or give precision.weights", field=path)
    if scheme.own_modules and model.model_type in UNKNOWN:
        said.assume(MODULES_UNKNOWN)
    recipe = _recipe(scheme, own, formats, _router(said), _head_rows(scheme, model))
    return CheckpointFormat(
        recipe=recipe,
        storage=scheme.storage,
        words=f"{scheme.words}; {_kept(formats)} in {own.element_bits:g} bits",
        kv_cache=scheme.kv_cache,
        activations=scheme.activations,
        guesses=tuple(said.notes.sentences),
        method=said.notes.tool,
    )


class _Chooser:
    """Decides the format of every matrix in each of its layers; None: not quantized."""

    def __init__(self, scheme: Scheme, model: Model, notes: Notes, path: str, *, text_only: bool) -> None:
        self._scheme, self._notes, self._path = scheme, notes, path
        self._table = ModuleTable(model, path, engine_names=scheme.engine_names)
        self._model = model
        self._by_name = dict(scheme.by_name)
        self._covers = scheme.covers - TOWERS if text_only else scheme.covers

    def formats(self) -> dict[Tensor, ByLayer]:
        """By tensor and layer; what is named last decides."""
        found = {tensor: self._usual(tensor) for tensor in self._table.weights}
        for role in ("target", "left out", "listed"):
            chosen = [choice for choice in self._scheme.choices if choice.role == role]
            for choice, selection in self._selected(chosen):
                self._apply(found, choice, selection)
        return found

    def _usual(self, tensor: Tensor) -> ByLayer:
        number = self._named(tensor, self._scheme.number) if self._takes(tensor) else None
        return dict.fromkeys(self._table.layers[tensor], number)

    def _takes(self, tensor: Tensor) -> bool:
        component, name = tensor
        kind, scheme = self._model.model_type, self._scheme
        if name in NGRAMS:
            return name in self._by_name
        if scheme.gates and not scheme.skipped_rows and is_module(tensor, kind):
            return component != "vision" or component in self._covers
        if component not in self._covers or is_parameter(tensor, kind):
            return False
        if (scheme.own_modules or kind in NARROW_TABLES) and passed_by(tensor, kind):
            return False
        if (
            component == "router"
            and self._scheme.skipped_rows
            and self._model.model_type.startswith(OWN_ROUTERS)
        ):
            return False
        if self._table.weights[tensor].kind == "table" and component == "vision":
            return False
        return name != "shared_expert_gate" or self._scheme.gates

    def _named(self, tensor: Tensor, number: NumberFormat) -> NumberFormat:
        return self._by_name.get(tensor[0]) or self._by_name.get(tensor[1]) or number

    def _selected(self, choices: Iterable[Choice]) -> list[tuple[Choice, Selection]]:
        """What each choice names, the first last, so that it decides; names those that name nothing."""
        lost, foreign, selected = [], [], []
        for choice in choices:
            selection = self._table.select(choice.pattern)
            written = _written(choice)
            self._check_shape(choice, selection)
            shown = f"{choice.said} {written}" if choice.said else written
            if choice.otherwise and self._table.select(choice.otherwise).layers != selection.layers:
                self._notes.add(f"quantization_config: {shown} {OTHERWISE}")
            if not selection:
                lost.append(shown)
            elif selection.foreign:
                foreign.append(shown)
            selected.append((choice, selection))
        self._notes.add_all(lost, "quantization_config: {} names no tensor of this model; it was ignored")
        self._notes.add_all(
            foreign, "quantization_config: {} names modules as other families or engines do; it was taken so"
        )
        return self._experts_whole(selected)[::-1]

    def _check_shape(self, choice: Choice, selection: Selection) -> None:
        """Refuses what is said of a module and cannot be of the model's matrix."""
        for tensor in selection.layers:
            weight = self._table.weights[tensor]
            if choice.holds is not None and not choice.holds(weight.rows, weight.cols):
                where = f"{self._path}.{choice.said}"
                raise InvalidInputError(
                    f"{where}: {_written(choice)} is not of a matrix of {weight.rows} inputs and {weight.cols} "
                    "outputs, which this model has there; or give precision.weights",
                    field=where,
                )

    def _experts_whole(self, selected: list[tuple[Choice, Selection]]) -> list[tuple[Choice, Selection]]:
        """Experts that are named one by one stand for all where all are named; else the answer says so."""
        named: dict[tuple[Tensor, int], set[int]] = {}
        formats: dict[tuple[Tensor, int], set[NumberFormat | None]] = {}
        for choice, selection in selected:
            for place, experts in selection.experts.items():
                named.setdefault(place, set()).update(experts)
                formats.setdefault(place, set()).add(choice.number)
        parts = [
            f"{tensor[1]} of layer {layer}"
            for (tensor, layer), experts in named.items()
            if len(experts) < self._table.weights[tensor].copies or len(formats[tensor, layer]) > 1
        ]
        self._notes.add_all(
            parts, "quantization_config speaks of some experts only ({}); all were taken alike"
        )
        return selected

    def _apply(self, found: dict[Tensor, ByLayer], choice: Choice, selection: Selection) -> None:
        for tensor, layers in selection.layers.items():
            number = choice.number
            if number is not None and (choice.role == "target" or number == self._scheme.number):
                number = self._named(tensor, number)
            quantizable = number is None or not is_parameter(tensor, self._model.model_type)
            if quantizable and not (choice.role == "target" and tensor[0] == "router"):
                found[tensor].update(dict.fromkeys(layers, number))


def _written(choice: Choice) -> str:
    """A pattern as the file has it, without the marks by which readers tell its kind."""
    mark, _, name = choice.pattern.partition(":")
    return repr(choice.written or (name if f"{mark}:" in MARKS else choice.pattern))


def _router(said: Said) -> NumberFormat | None:
    """The type of a router that is not quantized, where it has its own."""
    word = said.values.get(ROUTER_DTYPE)
    return said.notes.tables.numbers["fp32"] if word == "float32" else None


def _head_rows(scheme: Scheme, model: Model) -> LatentAttention | None:
    """The latent attention whose expanding matrix MLX holds as two, one of them with rows as wide as a head."""
    if not scheme.skipped_rows or not model.model_type.startswith(SPLIT_LATENT):
        return None
    blocks = (block for group in model.groups for block in group.blocks)
    return next((block for block in blocks if isinstance(block, LatentAttention)), None)


def _recipe(
    scheme: Scheme,
    own: NumberFormat,
    formats: Mapping[Tensor, ByLayer],
    router: NumberFormat | None,
    latent: LatentAttention | None,
) -> WeightRecipe:
    fitting = _with_fallback if scheme.skipped_rows else lambda number, _: number
    rules = []
    for (component, name), by_layer in formats.items():
        layers_of: dict[NumberFormat, set[int]] = {}
        for layer, number in by_layer.items():
            rest = router if router and component == "router" else own
            fitted = fitting(number, own) if number else rest
            if latent is not None and name == "kv_b_proj" and number:
                fitted = _split(fitted, own, latent)
            layers_of.setdefault(fitted, set()).add(layer)
        for number, layers in layers_of.items():
            if number != scheme.number or len(layers_of) > 1:
                rules.append(_rule(component, name, number, layers if len(layers_of) > 1 else None))
    return WeightRecipe(name=scheme.number.name, default=scheme.number, vectors=own, rules=tuple(rules))


def _with_fallback(number: NumberFormat, own: NumberFormat) -> NumberFormat:
    """With what a tensor is stored in whose rows are not whole groups."""
    return replace(number, fallback=own)


def _split(number: NumberFormat, own: NumberFormat, latent: LatentAttention) -> NumberFormat:
    """The mean format of both halves, where rows of a head are not whole groups and stay as they are."""
    if number.group_size < 1 or latent.nope_dim % number.group_size == 0:
        return number
    share = latent.nope_dim / (latent.nope_dim + latent.v_dim)
    values = number.for_rows(latent.kv_rank)
    bits = share * own.element_bits + (1 - share) * values.bits_per_element
    return NumberFormat(name=f"{number.name}+{own.name}", element_bits=bits)


def _rule(component: Component, name: str, number: NumberFormat, layers: set[int] | None) -> RecipeRule:
    return RecipeRule(
        format=number,
        components=frozenset((component,)),
        names=frozenset((name,)),
        layers=None if layers is None else frozenset(layers),
    )


def _kept(formats: Mapping[Tensor, ByLayer]) -> str:
    """Components of which no tensor is quantized, in words."""
    quantized = {tensor[0] for tensor, by_layer in formats.items() if any(by_layer.values())}
    kept = dict.fromkeys(component for component, _ in formats if component not in quantized)
    return ", ".join(name.replace("_", " ") for name in kept) or "nothing else"
