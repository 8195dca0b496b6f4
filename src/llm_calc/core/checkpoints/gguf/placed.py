"""The tensors of a GGUF file as weights of a model: every one counts with its own shape, whatever the architecture."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

from llm_calc.core.checkpoints.gguf.header import GgufTensor
from llm_calc.core.checkpoints.gguf.keys import FIELD
from llm_calc.core.checkpoints.gguf.tables import TensorNames
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.weights import Component, Weight

BLOCK = re.compile(r"blk\.(0|[1-9]\d{0,5})\.(.+)")
RECURRENT = ("ssm_", "shortconv.", "time_mix_")
TOP = -1
"""The layer of what stands in none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A tensor of the file: its layer (``TOP``: none), its name without block and ending, and its ending.

    ``name``: the weight's; biases and tensors without ending are told apart from the matrix of the same name.
    """

    tensor: GgufTensor
    layer: int
    stem: str
    ending: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Widths:
    """What the list of tensors does not say: heads, KV heads, experts that a token is sent to."""

    heads: int
    kv_heads: int
    experts_used: int


MAX_NAMES = 512
"""Files of all architectures have some hundred names of tensors at most."""


def placed_tensors(tensors: Iterable[GgufTensor], layers: int, names: TensorNames) -> tuple[Placed, ...]:
    """Every tensor with its place; buffers and blocks behind the last layer are left out.

    Raises:
        InvalidInputError: more names of tensors than any architecture has.
    """
    found = (_placed(tensor, names) for tensor in tensors if not _fits(tensor.name, names.buffers))
    kept = tuple(each for each in found if each.layer < layers)
    if len({each.stem for each in kept}) > MAX_NAMES:
        raise InvalidInputError(
            f"{FIELD}: lists more than {MAX_NAMES} different names of tensors", field=FIELD
        )
    return kept


def _placed(tensor: GgufTensor, names: TensorNames) -> Placed:
    block = BLOCK.fullmatch(tensor.name)
    layer, rest = (int(block[1]), block[2]) if block else (TOP, tensor.name)
    stem, dot, ending = rest.rpartition(".")
    stem, ending = (stem, ending) if dot and ending in ("weight", "bias") else (rest, "")
    name = f"{stem}.{ending}" if ending else stem
    name = names.weights.get(stem, stem) if ending == "weight" else name
    return Placed(tensor=tensor, layer=layer, stem=stem, ending=ending, name=name)


def recurrent_layers(placed: Iterable[Placed]) -> frozenset[int]:
    """Layers that keep a state."""
    return frozenset(each.layer for each in placed if each.stem.startswith(RECURRENT))


@lru_cache(maxsize=4096)
def component_of(stem: str, names: TensorNames, *, recurrent: bool) -> Component:
    """What a tensor belongs to; in a recurrent layer the fused projection and its gate are the mixer's."""
    if recurrent and stem in ("attn_qkv", "attn_gate"):
        return "ssm"
    return next((component for component, own in names.components if _fits(stem, own)), "other")


@lru_cache(maxsize=4096)
def is_known(stem: str, names: TensorNames) -> bool:
    """Whether the catalog says what a tensor belongs to; ``attn_q.weight.lora_a`` is part of no model."""
    return ".weight." not in stem and any(_fits(stem, own) for _, own in names.components)


def weight_of(placed: Placed, widths: Widths, names: TensorNames, *, recurrent: bool) -> Weight:
    """One tensor as a weight: rows of the file are the inputs, the third dimension counts copies."""
    shape, component = placed.tensor.shape, component_of(placed.stem, names, recurrent=recurrent)
    if len(shape) == 1 or placed.ending != "weight" or _is_vector(placed.stem, names):
        return Weight(name=placed.name, component=component, cols=placed.tensor.elements, kind="vector")
    rows, cols = shape[0], shape[1]
    copies = placed.tensor.elements // (rows * cols)
    if component == "embedding":
        return Weight(name=placed.name, component=component, rows=cols, cols=rows, kind="table", units=cols)
    return Weight(
        name=placed.name,
        component=component,
        rows=rows,
        cols=cols,
        copies=copies,
        used=min(widths.experts_used, copies) if component == "experts" else copies,
        units=_units(placed.stem, component, rows, cols, widths),
    )


@lru_cache(maxsize=4096)
def _is_vector(stem: str, names: TensorNames) -> bool:
    return _fits(stem, names.vectors)


def _units(stem: str, component: Component, rows: int, cols: int, widths: Widths) -> int:
    """Into how many pieces tensor parallelism may cut it."""
    if component == "attention":
        return max(1, widths.kv_heads if stem in ("attn_k", "attn_v") else widths.heads)
    if component in ("mlp", "experts", "shared_experts"):
        return rows if stem.startswith("ffn_down") else cols
    return cols if component == "lm_head" else 1


def _fits(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
