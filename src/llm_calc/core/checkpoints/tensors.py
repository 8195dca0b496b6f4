"""Kinds of tensors of a model and where they stand."""

from llm_calc.core.model import Model
from llm_calc.core.weights import Component

Tensor = tuple[Component, str]
"""A weight's component and name."""


def tensor_positions(model: Model) -> dict[Tensor, tuple[int, ...]]:
    """Every kind of tensor with the layers that it stands in (none for what stands in no layer)."""
    found: dict[Tensor, set[int]] = {}
    for placed in model.placed:
        found.setdefault((placed.weight.component, placed.weight.name), set()).update(placed.indices)
    return {tensor: tuple(sorted(layers)) for tensor, layers in found.items()}
