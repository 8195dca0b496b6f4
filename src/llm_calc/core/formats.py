"""Number formats: how many bits an element takes, from its parts; and which tensor is stored in which.

A format stores what the file format stores (element bits, how many elements share a scale, the bits of
scale and zero point) and derives the quotient: MXFP4 is ``4 + 8/32 = 4.25`` bits an element, GPTQ and AWQ
int4 with groups of 128 are ``4 + (16 + 4)/128 = 4.156``.

A *recipe* says which tensors of one model are stored in which format: an AWQ checkpoint leaves embeddings,
head, router and norms in 16 bits; a GGUF ``q4_k_m`` file mixes q4_k and q6_k by tensor and layer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import ceil

from llm_calc.core.weights import Component, Weight


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberFormat:
    """How numbers are stored.

    ``element_bits`` per number, plus ``scale_bits + zero_bits`` for every ``group_size`` numbers of a row (0: none), or
    for every ``block`` of outputs x inputs. ``row_bits``: for every output (a scale a channel). ``column_bits``: for
    every input (an order of columns, a smoothing factor). ``tensor_bits``: for a tensor as a whole. ``compute`` is the
    GPU number type that multiplies it natively (a key of ``Gpu.peaks``), or None where an engine always dequantizes to
    16 bits. ``fallback``: what a tensor is stored in whose rows are not whole groups (GGUF, MLX); None: a group that
    is begun counts whole. ``whole``: the format that this one was counted from, for the shape of one tensor.
    """

    name: str
    element_bits: float
    group_size: int = 0
    scale_bits: float = 0.0
    zero_bits: float = 0.0
    compute: str | None = None
    fallback: "NumberFormat | None" = None
    block: tuple[int, int] | None = None
    row_bits: float = 0.0
    column_bits: float = 0.0
    tensor_bits: float = 0.0
    whole: "NumberFormat | None" = None

    @property
    def bits_per_element(self) -> float:
        """Stored bits an element, scales included [bits].

        ``element_bits + (scale_bits + zero_bits) / n``, n being the elements of a group or block; ``element_bits``
        alone where there is neither.
        Definition: the layout of each format, whose source its entry in ``catalogs/formats/numbers.toml`` and
        ``gguf.toml`` names.
        Leaves out: what depends on a tensor's shape (:meth:`fitted` counts it): scales of channels and tensors, groups
        that are begun and not filled.
        """
        elements = self.block[0] * self.block[1] if self.block else self.group_size
        if not elements:
            return self.element_bits
        return self.element_bits + (self.scale_bits + self.zero_bits) / elements

    @property
    def bytes_per_element(self) -> float:
        """Stored bytes an element, scales included [bytes].

        ``bits_per_element / 8``.
        Definition: a byte is 8 bits; elements of less than a byte are packed without gaps.
        """
        return self.bits_per_element / 8

    def for_rows(self, elements: int) -> "NumberFormat":
        """The format of a tensor with so many contiguous elements a row: itself, or its fallback [bits].

        ``elements mod group_size = 0`` keeps the format; else its ``fallback`` is asked the same.
        Source: llama.cpp v0.5.0 ``src/llama-quant.cpp``, ``tensor_type_fallback``: a tensor whose rows are not whole
        blocks takes a fallback type; checked: 2026-11-30, read. Exact.
        """
        if self.fallback is None or elements % self.group_size == 0:
            return self
        return self.fallback.for_rows(elements)

    def fitted(self, inputs: int, outputs: int) -> "NumberFormat":
        """The format with everything that is stored beside a matrix of this shape counted an element [bits].

        ``(scale_bits + zero_bits) x groups + row_bits x outputs + column_bits x inputs + tensor_bits`` for all
        ``inputs x outputs`` elements; ``groups = ceil(inputs / group_size) x outputs``, or
        ``ceil(outputs / block_0) x ceil(inputs / block_1)``.
        Definition: the tensors of a checkpoint, element by element. Exact.
        """
        beside = self.block or self.row_bits or self.column_bits or self.tensor_bits
        if not beside and (not self.group_size or inputs % self.group_size == 0):
            return self
        return _fitted(self, inputs, outputs)


@lru_cache(maxsize=8192)
def _fitted(number: NumberFormat, inputs: int, outputs: int) -> NumberFormat:
    groups = 0
    if number.block:
        groups = ceil(outputs / number.block[0]) * ceil(inputs / number.block[1])
    elif number.group_size:
        groups = ceil(inputs / number.group_size) * outputs
    beside = (number.scale_bits + number.zero_bits) * groups + number.tensor_bits
    return replace(
        number,
        group_size=inputs * outputs,
        scale_bits=beside + number.row_bits * outputs + number.column_bits * inputs,
        zero_bits=0.0,
        block=None,
        row_bits=0.0,
        column_bits=0.0,
        tensor_bits=0.0,
        whole=number,
    )


ABSENT = NumberFormat(name="absent", element_bits=0)
"""The format of what a checkpoint does not hold: the towers of a multimodal model beside a GGUF file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeRule:
    """Tensors of these components (all, if empty) with these names (all, if empty) in these layers (all, if None).

    ``vectors``: the rule also governs one-dimensional tensors, which others leave alone.
    """

    format: NumberFormat
    components: frozenset[Component] = frozenset()
    names: frozenset[str] = frozenset()
    layers: frozenset[int] | None = None
    vectors: bool = False

    def applies(self, weight: Weight, layer: int) -> bool:
        """Whether this rule governs a weight of layer ``layer`` (0-based)."""
        return (
            (not self.components or weight.component in self.components)
            and (not self.names or weight.name in self.names)
            and (self.layers is None or layer in self.layers)
            and (self.vectors or weight.kind != "vector")
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightRecipe:
    """Which format each tensor of one model is stored in: the first rule that applies, else ``default``.

    ``default`` is what the recipe is named for: the format of most matrices. ``vectors`` is the format of
    norms, biases and other one-dimensional tensors, which no recipe quantizes.
    """

    name: str
    default: NumberFormat
    vectors: NumberFormat
    rules: tuple[RecipeRule, ...] = ()
    _hash: int = field(init=False, repr=False, compare=False, default=0)

    def __post_init__(self) -> None:
        """Hashes once: a recipe is a key of many caches."""
        object.__setattr__(self, "_hash", hash((self.name, self.default, self.vectors, self.rules)))

    def __hash__(self) -> int:
        return self._hash

    def format_of(self, weight: Weight, layer: int = 0) -> NumberFormat:
        """The format [bits] that a weight of layer ``layer`` (0-based; 0 for what stands in none) is stored in.

        Definition: the first rule that applies, else ``vectors`` for one-dimensional tensors and ``default`` for all
        others; of a format with blocks, what fits the tensor's rows; with what its shape adds.
        """
        chosen = self.chosen(weight, layer)
        if weight.kind == "vector":
            return chosen.for_rows(weight.rows)
        inputs, outputs = (
            (weight.rows, weight.cols) if weight.kind == "matrix" else (weight.cols, weight.rows)
        )
        return chosen.for_rows(inputs).fitted(inputs, outputs)

    def formats_over(self, weight: Weight, layers: Sequence[int]) -> dict[NumberFormat, int]:
        """In how many of these layers a weight has each of its formats [layers].

        Definition: :meth:`format_of` in each; once where no rule tells layers apart.
        """
        if not any(rule.layers is not None for rule in self.rules):
            return {self.format_of(weight, layers[0]): len(layers)}
        found: dict[NumberFormat, int] = {}
        for layer in layers:
            own = self.format_of(weight, layer)
            found[own] = found.get(own, 0) + 1
        return found

    def chosen(self, weight: Weight, layer: int = 0) -> NumberFormat:
        """The format that the rules choose, before the tensor's shape is looked at [bits].

        Definition: as :meth:`format_of`.
        """
        for rule in self.rules:
            if rule.applies(weight, layer):
                return rule.format
        return self.vectors if weight.kind == "vector" else self.default
