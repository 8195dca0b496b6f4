"""Low-rank adapters (LoRA): what one has, and what engines reserve for those that may run at once."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from llm_calc.core.blocks import Custom, Parts
from llm_calc.core.checkpoints.expression_syntax import parse_expression
from llm_calc.core.checkpoints.expressions import Expression
from llm_calc.core.engines.lora_modules import Module, modules_of
from llm_calc.core.model import LayerGroup, Model
from llm_calc.core.parallelism import ROUTED, Layout, largest_piece
from llm_calc.core.weights import Weight, vector

BUFFERS = "lora_buffers"
"""Name of what is reserved, among the tensors of a model."""
PRODUCTS = "lora_products"
"""Name of an adapter's own matrices, in the work of a step."""
ROWS = frozenset({"o_proj", "down_proj", "out_proj"})
"""Matrices that tensor parallelism cuts by their inputs."""
PARTS = ("attention", "mlp", "shared_experts", ROUTED, "router", "ssm")
"""Parts of a layer whose matrices have adapters."""
HEAD, TABLE = "lm_head", "embed_tokens"
ALL = "all-linear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """An adapter: matrices of ``targets`` (``all-linear``: every one of the layers) get two of ``rank``.

    ``targets``: ends of names, or a pattern for whole names; ``excluded`` likewise. ``ranks``: patterns of names with
    another rank. ``saved``: modules that it holds whole. ``layers``: those that it changes; None: all. ``stacks``:
    patterns of what stands before a layer's number; empty: whatever does. ``parameters``: ends of names of tensors that
    are changed as well, stacked experts among them. ``magnitudes``: a vector beside each.
    """

    rank: int
    targets: tuple[str, ...] | str
    ranks: tuple[tuple[str, int], ...] = ()
    saved: tuple[str, ...] = ()
    layers: tuple[int, ...] | None = None
    stacks: tuple[str, ...] = ()
    excluded: tuple[str, ...] | str = ()
    parameters: tuple[str, ...] = ()
    magnitudes: bool = False

    def takes(self, module: Module) -> bool:
        """Whether a module is changed: by its name, or by that of its tensor."""
        tensor = module.name if module.stacked else f"{module.name}.weight"
        if _named(tensor, self.parameters):
            return True
        return not module.stacked and self.names(module.name, module.layer, linear=module.linear)

    def names(self, name: str, layer: int | None = None, *, linear: bool = True) -> bool:
        """Whether a module of this name is changed, as a module."""
        if _named(name, self.excluded) or self.saves(name):
            return False
        if self.targets == ALL:
            return layer is not None and linear
        if isinstance(self.targets, str) or name in self.targets:
            return _named(name, self.targets)
        return _named(name, self.targets) and self._in_layers(name, layer)

    def _in_layers(self, name: str, layer: int | None) -> bool:
        if self.layers is None:
            return True
        if layer not in self.layers:
            return False
        patterns = (rf"(.*\.)?({stack})\.{layer}\..*" for stack in self.stacks)
        return not self.stacks or any(expression(pattern).matches(name) for pattern in patterns)

    def saves(self, name: str) -> bool:
        """Whether a module of this name, or one that it is part of, is held whole."""
        return any(f".{name}.".find(f".{saved}.") >= 0 for saved in self.saved)

    def rank_of(self, name: str) -> int:
        """The rank at a module [elements].

        Definition: that of the first pattern that its name matches, else the adapter's own.
        """
        for pattern, rank in self.ranks:
            if expression(rf"(.*\.)?({pattern})").matches(name):
                return rank
        return self.rank


@lru_cache(maxsize=256)
def expression(pattern: str) -> Expression:
    """A pattern of whole names; one that cannot be read, or takes too much work, is a ``SyntaxRefusedError``."""
    return Expression(parse_expression(pattern), anchored_end=True)


def _named(name: str, names: tuple[str, ...] | str) -> bool:
    """Whether a pattern is the whole of a name, or one of several names is its end."""
    if isinstance(names, str):
        return expression(names).matches(name)
    return any(name == end or name.endswith(f".{end}") for end in names)


def adapter_elements(model: Model, adapter: Adapter) -> int:
    """Numbers that one adapter has [elements].

    ``sum over its modules of copies x rank x (inputs + outputs)``, ``outputs`` more with magnitudes, and saved modules
    whole. Of stacked experts each has its rank.
    Source: peft 0.21.2 ``tuners/lora/layer.py`` and ``utils/other.py``; checked: 2026-11-30, its counts for adapters of
    69 types of models reproduced.
    Leaves out: biases that are trained besides.
    """
    total = 0
    for module in modules_of(model):
        weight = module.weight
        if adapter.saves(module.name):
            total += weight.matrix_params
        elif adapter.takes(module):
            each = adapter.rank_of(module.name) * (weight.rows + weight.cols)
            total += weight.copies * (each + (weight.cols if adapter.magnitudes else 0))
    return total


def adapter_flops_per_token(model: Model, adapter: Adapter) -> float:
    """Work of one adapter for one token [FLOP].

    ``sum over its modules of 2 x used x rank x (inputs + outputs)``, table left out.
    Definition: a product with each of its two matrices.
    """
    total = 0.0
    for module in modules_of(model):
        weight = module.weight
        if adapter.takes(module) and weight.kind != "table":
            total += 2.0 * weight.used * adapter.rank_of(module.name) * (weight.rows + weight.cols)
    return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserve:
    """What an engine reserves: ``slots`` adapters of ``rank``, for the matrices named or all, and for ``ends``."""

    slots: int
    rank: int
    names: frozenset[str] | None = None
    ends: tuple[str, ...] = ()


@lru_cache(maxsize=256)
def with_buffers(model: Model, layout: Layout, reserve: Reserve) -> Model:
    """The model with what is reserved on one GPU in each of its layers, as numbers of 16 bits [elements].

    Definition: :func:`buffer_elements`, and ``2 x slots x rank x (hidden + vocabulary)`` for table and head; nothing
    for the layers of a draft.
    Source: vLLM ``v1/worker/gpu_model_runner.py``, ``load_model``, which wraps the model before it loads a draft beside
    it; checked: 2026-11-30, read in copies of 2025 and 2026.
    """
    groups = []
    for group in model.groups:
        each = sum(buffer_elements(weight, layout, reserve) for weight in group.parts.weights)
        own = tuple(index for index in group.indices if index < model.num_layers - model.draft_layers)
        if each and own:
            content = Parts(weights=(vector(BUFFERS, "other", round(each)),))
            groups.append(LayerGroup(indices=own, blocks=(Custom(name=BUFFERS, content=content),)))
    ends = len(reserve.ends) * reserve.slots * reserve.rank * (model.hidden + model.vocab)
    outside = (*model.outside, vector(BUFFERS, "other", ends)) if ends else model.outside
    return replace(model, groups=(*model.groups, *groups), outside=outside)


def buffer_elements(weight: Weight, layout: Layout, reserve: Reserve) -> float:
    """Numbers that are reserved on one GPU for the adapters of one matrix [elements].

    ``slots x rank x (inputs + outputs / tensor)``; of matrices that are cut by inputs ``slots x rank x (inputs / tensor
    + outputs)``; of experts for each that the GPU holds, cut as they are.
    Source: vLLM 0.33.0 ``lora/layers/base_linear.py``, ``column_parallel_linear.py`` and ``fused_moe.py``,
    ``create_lora_weights``; SGLang 0.5.23 ``srt/lora/mem_pool.py``, ``get_lora_A_shape`` and ``get_lora_B_shape``;
    checked: 2026-11-30, read.
    Leaves out: fully sharded adapters, experts that share a matrix.
    """
    named = reserve.names is None or weight.name in reserve.names
    if weight.kind != "matrix" or weight.component not in PARTS or not named:
        return 0.0
    copies, ways = 1.0, layout.tensor
    if weight.component == ROUTED:
        copies, ways = float(largest_piece(weight.copies, layout.expert)), layout.expert_cut
    piece = float(largest_piece(weight.units, ways)) / weight.units
    cut, whole = (weight.rows, weight.cols) if weight.name in ROWS else (weight.cols, weight.rows)
    return reserve.slots * reserve.rank * copies * (cut * piece + whole)


@lru_cache(maxsize=64)
def with_products(model: Model, adapter: Adapter) -> Model:
    """The model with the two matrices of one adapter beside each that it changes, for the work of a step [FLOP, bytes].

    ``inputs x rank`` and ``rank x outputs``; tensor parallelism cuts the one on the side on which the matrix is cut.
    Definition: every token passes through both.
    Leaves out: launches of their kernels; further adapters of the same step, which are read besides.
    """
    layers: dict[int, list[Weight]] = {}
    for module in modules_of(model):
        if module.layer is not None and adapter.takes(module):
            layers.setdefault(module.layer, []).extend(_products(module, adapter))
    found: dict[tuple[Weight, ...], list[int]] = {}
    for layer, pairs in layers.items():
        found.setdefault(tuple(pairs), []).append(layer)
    groups = tuple(
        LayerGroup(indices=tuple(sorted(at)), blocks=(Custom(name=PRODUCTS, content=Parts(weights=pairs)),))
        for pairs, at in found.items()
    )
    return replace(model, groups=(*model.groups, *groups))


def _products(module: Module, adapter: Adapter) -> Iterator[Weight]:
    weight, rank = module.weight, adapter.rank_of(module.name)
    first, second = (weight.units, 1) if weight.name in ROWS else (1, weight.units)
    plain = replace(weight, bias=0, over_context=False, context_window=None, kind="matrix", name=PRODUCTS)
    yield replace(plain, cols=rank, units=first)
    yield replace(plain, rows=rank, units=second)
