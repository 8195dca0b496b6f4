"""``Parts``: the one thing that formulas know of a block; and the two simplest blocks."""

from dataclasses import dataclass
from typing import Protocol

from llm_calc.core.weights import Cache, Component, Scores, Weight, vector


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Tensors, context products, cached elements and recurrence of one block of one layer."""

    weights: tuple[Weight, ...] = ()
    scores: tuple[Scores, ...] = ()
    caches: tuple[Cache, ...] = ()
    scan_flops_per_token: float = 0

    def __add__(self, other: "Parts") -> "Parts":
        """Both together."""
        return Parts(
            weights=self.weights + other.weights,
            scores=self.scores + other.scores,
            caches=self.caches + other.caches,
            scan_flops_per_token=self.scan_flops_per_token + other.scan_flops_per_token,
        )


class Block(Protocol):
    """Anything that a layer can hold: a frozen, hashable value that knows its parts."""

    def parts(self) -> Parts:
        """What formulas sum over [parameters, elements, FLOP].

        Definition: weights, products with the context, caches and scan of one layer's block.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Norm:
    """``count`` normalisations over ``width`` channels; LayerNorm with a bias holds twice as many parameters."""

    width: int
    count: int = 1
    bias: bool = False
    component: Component = "norms"
    name: str = "norm"

    def parts(self) -> Parts:
        """One vector of all their parameters [parameters].

        ``width x count``, twice as many with biases.
        Source: ``torch.nn.LayerNorm`` as RWKV has it, ``LlamaRMSNorm``, which has no bias, of transformers 5.24.0;
        checked: 2026-11-30, read.
        Leaves out: its FLOPs, which are no matrix product.
        """
        elements = self.width * self.count * (2 if self.bias else 1)
        return Parts(weights=(vector(self.name, self.component, elements),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Custom:
    """Parts given outright, for what only one family has."""

    name: str
    content: Parts

    def parts(self) -> Parts:
        """As given [parameters, elements, FLOP].

        Definition: the family that gives the parts answers for them.
        """
        return self.content
