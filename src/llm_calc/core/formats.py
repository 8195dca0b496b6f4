"""Number formats: how many bits an element takes, from its parts.

A format stores what the file format stores (element bits, how many elements share a scale, the bits of
scale and zero point) and derives the quotient: MXFP4 is ``4 + 8/32 = 4.25`` bits an element, GPTQ and AWQ
int4 with groups of 128 are ``4 + (16 + 4)/128 = 4.156``.

A *recipe* says which tensors of a model are stored in which format: an AWQ checkpoint leaves embeddings,
head, router and norms in 16 bits; a GGUF ``q4_k_m`` file mixes q4_k and q6_k by tensor and layer.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from llm_calc.core.weights import Component, Weight

LayerRule = Literal["all", "more_bits"]
"""``more_bits``: the first and last eighth of the layers and every third between (llama.cpp's k-quant mixtures)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberFormat:
    """How numbers are stored.

    ``element_bits`` per number, plus ``scale_bits + zero_bits`` for every ``group_size`` numbers (0: one
    scale for so many numbers that it does not count). ``compute`` is the GPU number type that multiplies
    it natively (a key of ``Gpu.peaks``), or None where an engine always dequantizes to 16 bits.
    """

    name: str
    element_bits: float
    group_size: int = 0
    scale_bits: float = 0.0
    zero_bits: float = 0.0
    compute: str | None = None

    @property
    def bits_per_element(self) -> float:
        """Stored bits an element, scales included."""
        if not self.group_size:
            return self.element_bits
        return self.element_bits + (self.scale_bits + self.zero_bits) / self.group_size

    @property
    def bytes_per_element(self) -> float:
        """Stored bytes an element, scales included."""
        return self.bits_per_element / 8


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeRule:
    """Tensors of these components (all, if empty) whose name matches a pattern (all, if empty) in these layers."""

    format: NumberFormat
    components: frozenset[Component] = frozenset()
    names: tuple[str, ...] = ()
    layers: LayerRule = "all"

    def applies(self, weight: Weight, layer: int, layers: int) -> bool:
        """Whether this rule governs a weight of layer ``layer`` (0-based) of ``layers``."""
        if self.components and weight.component not in self.components:
            return False
        if self.names and not any(fnmatchcase(weight.name, pattern) for pattern in self.names):
            return False
        return self.layers == "all" or _gets_more_bits(layer, layers)


def _gets_more_bits(layer: int, layers: int) -> bool:
    eighth = layers // 8
    return layer < eighth or layer >= 7 * layers // 8 or (layer - eighth) % 3 == 2


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightRecipe:
    """Which format each tensor is stored in: the first rule that applies, else ``default``.

    ``vectors`` is the format of norms, biases and other one-dimensional tensors, which no recipe quantizes.
    """

    name: str
    default: NumberFormat
    vectors: NumberFormat
    rules: tuple[RecipeRule, ...] = ()

    def format_of(self, weight: Weight, layer: int = 0, layers: int = 1) -> NumberFormat:
        """The format that a weight of layer ``layer`` of ``layers`` is stored in."""
        if weight.kind == "vector":
            return self.vectors
        for rule in self.rules:
            if rule.applies(weight, layer, layers):
                return rule.format
        return self.default
