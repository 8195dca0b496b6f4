"""A model as a GGUF file holds it: which tensors of the file its weights become, in the quantizer's order."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from llm_calc.core.checkpoints.gguf.tables import Stems, TensorNames
from llm_calc.core.model import Model, Placed
from llm_calc.core.weights import Component, Weight


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTensor:
    """One matrix of a GGUF file: part (``fraction``) of a model's weight, or all of it.

    ``name``: without block and ``.weight``; ``row``: its contiguous elements; ``is_stack``: three dimensions.
    """

    component: Component
    weight: str
    layer: int | None
    name: str
    row: int
    fraction: float
    is_stack: bool

    @property
    def order(self) -> tuple[int, str]:
        """The quantizer's: by layer, then by name."""
        return (-1 if self.layer is None else self.layer, f"{self.name}.weight")


@lru_cache(maxsize=1024)
def family_stems(model_type: str, names: TensorNames) -> Stems:
    """Names in the file for one family."""
    own = (stems for model_types, stems in names.families if model_type in model_types)
    return {name: stems for table in (names.tensors, *own) for name, stems in table.items()}


@lru_cache(maxsize=32)
def file_tensors(model: Model, names: TensorNames) -> tuple[FileTensor, ...]:
    """Every matrix of the model's file in the order that the quantizer takes them; towers have a file of their own."""
    found = {
        (each.component, each.weight, each.layer, each.name): each
        for placed in model.placed
        if placed.stored and is_matrix(placed.weight)
        for each in _cut(placed, model, names)
    }
    return tuple(sorted(found.values(), key=lambda each: each.order))


def is_matrix(weight: Weight) -> bool:
    """Whether a file stores it with two dimensions or more: rows of one element make none."""
    return weight.component != "vision" and weight.rows > 1 and weight.cols > 1


def _cut(placed: Placed, model: Model, names: TensorNames) -> Iterator[FileTensor]:
    weight = placed.weight
    known, key = family_stems(model.model_type, names), f"{weight.component}.{weight.name}"
    stems = known.get(key) or known.get(f"{weight.component}.*", (key,))
    row = weight.cols if weight.kind == "table" else weight.rows
    for layer in placed.indices or (None,):
        cuts = _halves(weight, layer, model, row) if len(stems) > 1 else ((1.0, row),)
        for name, (share, length) in zip(stems, cuts, strict=True):
            stack = weight.copies > 1 or name in names.stacks
            yield FileTensor(
                component=weight.component,
                weight=weight.name,
                layer=layer,
                name=name,
                row=length,
                fraction=share,
                is_stack=stack,
            )


def _halves(weight: Weight, layer: int | None, model: Model, row: int) -> tuple[tuple[float, int], ...]:
    """Share and row of both tensors that one weight is cut into.

    The decompression of latent attention: keys with rows of their own width, then values. The input of a linear
    layer: query, key and value, then the gate, which is as wide as what its output projection takes.
    """
    parts = next(
        group.parts
        for group in model.groups
        if layer in group.indices and _holds(group.parts.weights, weight)
    )
    latent = next((score for score in parts.scores if score.absorbed_v_dim is not None), None)
    if latent is not None:
        rotary = (latent.absorbed_qk_dim or 0) - (latent.absorbed_v_dim or 0)
        keys = latent.qk_dim - rotary
        share = keys / (keys + latent.v_dim)
        return (share, keys), (1 - share, row)
    gate = next((each.rows for each in parts.weights if each.name == "out_proj"), 0)
    share = 1 - gate / weight.cols
    return (share, row), (1 - share, row)


def _holds(weights: tuple[Weight, ...], weight: Weight) -> bool:
    return any(each is weight or each == weight for each in weights)
