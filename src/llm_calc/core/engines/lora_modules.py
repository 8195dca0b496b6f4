"""A model's matrices as adapters see them: modules of the reference class, and experts that are stacked."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from llm_calc.core.engines.lora_names import Names, names_of
from llm_calc.core.model import Model
from llm_calc.core.parallelism import ROUTED
from llm_calc.core.weights import Weight

TIME_STEP = "dt_proj"
GATE = "shared_expert_gate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """A matrix that an adapter may change, with the tensors of the model that it holds.

    ``layer``: None for table and head. ``stacked``: the experts of a layer in one parameter, no module of its own.
    ``linear``: one that ``all-linear`` takes. ``weight``: of its shape.
    """

    name: str
    weight: Weight
    held: tuple[str, ...]
    layer: int | None = None
    stacked: bool = False
    linear: bool = True


def modules_of(model: Model) -> Iterator[Module]:
    """Every matrix of the decoder under the name that its class gives it [1].

    Definition: :mod:`.lora_names`; matrices of one name are one, as wide as all of them.
    """
    names = names_of(model.model_type)
    stack = names.stack
    if stack == "model.layers" and any(weight.component == "vision" for weight in model.outside):
        stack = "model.language_model.layers"
    for group in model.groups:
        found = list(_of_layer(group.parts.weights, names))
        for index in group.indices:
            yield from (
                replace(module, name=f"{stack}.{index}.{module.name}", layer=index) for module in found
            )
    for weight in model.embedding[:1]:
        yield Module(name=names.table, weight=weight, held=(weight.name,), linear=False)
    yield Module(name=names.head, weight=model.head, held=(model.head.name,), linear=False)


def _of_layer(weights: tuple[Weight, ...], names: Names) -> Iterator[Module]:
    found: dict[str, list[Weight]] = {}
    height = next((weight.rows for weight in weights if weight.name == "out_proj"), 0)
    for weight in weights:
        if weight.component not in names.places or not _multiplied(weight):
            continue
        for name, piece in _pieces(weight, names, height):
            found.setdefault(name, []).append(piece)
    for name, pieces in found.items():
        first = pieces[0]
        yield Module(
            name=name,
            weight=replace(first, cols=sum(piece.cols for piece in pieces)),
            held=tuple(piece.name for piece in pieces),
            stacked=first.component == ROUTED,
            linear=first.component != ROUTED and (first.component != "router" or names.linear_router),
        )


def _multiplied(weight: Weight) -> bool:
    return (weight.kind == "matrix" and weight.name != "conv1d") or weight.name == TIME_STEP


def _pieces(weight: Weight, names: Names, height: int) -> Iterator[tuple[str, Weight]]:
    """Names below a layer with what lies under each; of stacked experts gate and up are one."""
    place = names.places[weight.component]
    if weight.name in names.split:
        first, second = names.split[weight.name]
        width = height if weight.name == "in_proj_qkvz" else weight.cols // 2
        yield f"{place}.{first}", replace(weight, cols=weight.cols - width)
        yield f"{place}.{second}", replace(weight, cols=width)
        return
    if weight.component == "router":
        yield place, weight
    elif weight.component == ROUTED:
        yield f"{place}.{'down_proj' if weight.name == 'down_proj' else 'gate_up_proj'}", weight
    elif weight.name == GATE:
        yield f"mlp.{GATE}", weight
    else:
        own = names.matrices.get(f"{weight.component}.{weight.name}")
        own = own or names.matrices.get(weight.name, weight.name)
        yield f"{place}.{own}".removeprefix("."), weight
