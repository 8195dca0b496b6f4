"""What a draft costs: layers that predict further tokens, beside the layers of the model."""

from dataclasses import replace
from functools import lru_cache

from llm_calc.core.memory import active_parameters
from llm_calc.core.model import LayerGroup, Model


@lru_cache(maxsize=256)
def with_layers(model: Model, layers: int) -> Model:
    """The model with so many more layers like its last one, with their weights and caches."""
    if layers <= 0:
        return model
    last, extra = model.num_layers - 1, tuple(range(model.num_layers, model.num_layers + layers))
    return replace(
        model,
        num_layers=model.num_layers + layers,
        groups=tuple(_longer(group, extra) if last in group.indices else group for group in model.groups),
    )


def _longer(group: LayerGroup, extra: tuple[int, ...]) -> LayerGroup:
    return replace(group, indices=(*group.indices, *extra))


def layer_cost_fraction(model: Model) -> float:
    """Time of one token of a draft that is one layer like the last and the head, over a step of the model [1].

    ``(active parameters of the layer + parameters of the head) / active parameters of the model``.
    Choice: few tokens at once take the time in which their weights are read.
    Leaves out: launches of the draft's own, and kernels that a few rows fill badly.
    """
    layer = active_parameters(with_layers(model, 1)) - active_parameters(model)
    return float((layer + model.head.params) / active_parameters(model))
