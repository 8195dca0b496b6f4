"""Which tensors llama.cpp puts on which device.

The input embedding always stays with the host. The last ``n_gpu_layers`` of the layers and the output behind
them (counted as one more layer) are offloaded, in equal runs to the devices; the rest stays with the host.
Vision and audio towers come in a file of their own and are not counted.

Source: llama.cpp ``src/llama-model.cpp``, ``load_tensors`` (``i_gpu_start``, ``act_gpu_layers``).
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from llm_calc.core.formats import WeightRecipe
from llm_calc.core.memory import weight_bytes
from llm_calc.core.model import Model, Placed
from llm_calc.core.weights import COMPONENTS, Component


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerBytes:
    """Weight bytes of the input, of each layer, and of the output (head and what stands behind the stack).

    ``tied_bytes``: how much of the output is the embedding's tensor over again.
    """

    embedding_bytes: float
    layers_bytes: tuple[float, ...]
    output_bytes: float
    tied_bytes: float

    @property
    def file_bytes(self) -> float:
        """All tensors once, as the file holds them; a tied head is the embedding's tensor [bytes].

        ``embedding + layers + output - tied``.
        Definition: the size of the file but for its header and alignment.
        """
        return self.embedding_bytes + sum(self.layers_bytes) + self.output_bytes - self.tied_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Layers of one device; ``output``: it also holds the head."""

    layers: range
    output: bool


@lru_cache(maxsize=512)
def layer_bytes(model: Model, recipe: WeightRecipe) -> LayerBytes:
    """Bytes by place in the stack; weights that several layers share count with the first of them [bytes].

    ``sum over a layer's tensors of elements x bytes of the format``.
    Source: llama.cpp ``src/llama-model.cpp``, ``load_tensors``; sizes agree with its logs (``docs/memory.md``).
    Leaves out: towers, which come in a file of their own.
    """
    layers = [0.0] * model.num_layers
    for placed in model.placed:
        for index in placed.indices[: placed.stored] if placed.stored < placed.calls else placed.indices:
            layers[index] += _bytes(recipe, placed, index)
    embedding = _ends_bytes(model, recipe, frozenset({"embedding"}))
    head = embedding if model.head_tied else _ends_bytes(model, recipe, frozenset({"lm_head"}))
    behind = _ends_bytes(model, recipe, frozenset(COMPONENTS) - {"embedding", "lm_head", "vision"})
    return LayerBytes(
        embedding_bytes=embedding,
        layers_bytes=tuple(layers),
        output_bytes=head + behind,
        tied_bytes=embedding if model.head_tied else 0.0,
    )


def _ends_bytes(model: Model, recipe: WeightRecipe, components: frozenset[Component]) -> float:
    """Bytes of what stands in no layer and belongs to these components."""
    ends = (placed for placed in model.placed if not placed.indices and placed.weight.component in components)
    return sum(_bytes(recipe, placed, 0) for placed in ends)


def _bytes(recipe: WeightRecipe, placed: Placed, layer: int) -> float:
    weight = placed.weight
    if not weight.params:
        return 0.0
    number_format = recipe.format_of(weight, layer)
    return weight_bytes(weight, weight.params, number_format, recipe.vectors)


def devices(num_layers: int, n_gpu_layers: int, count: int) -> tuple[Device, ...]:
    """Layers of each of ``count`` devices; ``num_layers + 1`` of them are all."""
    offloaded = min(n_gpu_layers, num_layers + 1)
    first = num_layers + 1 - offloaded
    cuts = [first + -(-offloaded * device // count) for device in range(count + 1)]
    return tuple(
        Device(layers=range(min(low, num_layers), min(high, num_layers)), output=low <= num_layers < high)
        for low, high in pairwise(cuts)
    )
