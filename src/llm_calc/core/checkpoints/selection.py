"""What a pattern of module names selects: tensors with the layers in which they are named."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from llm_calc.core.checkpoints.tensors import Tensor


@dataclass(slots=True)
class Selection:
    """Tensors with the layers in which they are named.

    ``beside``: it names what has no format to choose, a norm or a layer for speculation. ``experts``: the experts that
    are named one by one, of a tensor in a layer. ``foreign``: in names of another family or an engine.
    """

    layers: dict[Tensor, set[int]] = field(default_factory=dict)
    beside: bool = False
    foreign: bool = False
    experts: dict[tuple[Tensor, int], set[int]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether it names anything that the model has."""
        return bool(self.layers) or self.beside

    def add(self, tensors: Iterable[Tensor], layers: Iterable[int], expert: int | None = None) -> None:
        """Names tensors in layers, whole or one expert of them."""
        for tensor in tensors:
            self.layers.setdefault(tensor, set()).update(layers)
            if expert is not None:
                for layer in layers:
                    self.experts.setdefault((tensor, layer), set()).add(expert)
