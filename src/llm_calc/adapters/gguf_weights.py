"""The tensors of a GGUF file as weights of a model: every one counts with its own shape, whatever the architecture."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, lru_cache

from llm_calc.adapters.formats.gguf_files import tensors_file
from llm_calc.adapters.gguf_keys import FIELD
from llm_calc.adapters.gguf_types import GgufTensor
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.weights import Component, Weight

BLOCK = re.compile(r"blk\.(0|[1-9]\d{0,5})\.(.+)")
RECURRENT = ("ssm_", "shortconv.", "time_mix_")
TOP = -1
"""The layer of what stands in none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A tensor of the file: its layer (``TOP``: none), its name without block and ending, and its ending."""

    tensor: GgufTensor
    layer: int
    stem: str
    ending: str

    @property
    def name(self) -> str:
        """The weight's: biases and tensors without ending are told apart from the matrix of the same name."""
        if self.ending == "weight":
            return weight_names().get(self.stem, (None, self.stem))[1]
        return f"{self.stem}.{self.ending}" if self.ending else self.stem


@dataclass(frozen=True, slots=True, kw_only=True)
class Widths:
    """What the list of tensors does not say: heads, KV heads, experts that a token is sent to."""

    heads: int
    kv_heads: int
    experts_used: int


MAX_NAMES = 512
"""Files of all architectures have some hundred names of tensors at most."""


def placed_tensors(tensors: Iterable[GgufTensor], layers: int) -> tuple[Placed, ...]:
    """Every tensor with its place; buffers and blocks behind the last layer are left out.

    Raises:
        InvalidInputError: more names of tensors than any architecture has.
    """
    buffers = tensors_file().buffers.names
    found = (_placed(tensor) for tensor in tensors if not _fits(tensor.name, buffers))
    kept = tuple(each for each in found if each.layer < layers)
    if len({each.stem for each in kept}) > MAX_NAMES:
        raise InvalidInputError(
            f"{FIELD}: lists more than {MAX_NAMES} different names of tensors", field=FIELD
        )
    return kept


def _placed(tensor: GgufTensor) -> Placed:
    block = BLOCK.fullmatch(tensor.name)
    layer, rest = (int(block[1]), block[2]) if block else (TOP, tensor.name)
    stem, dot, ending = rest.rpartition(".")
    named = dot and ending in ("weight", "bias")
    return Placed(tensor=tensor, layer=layer, stem=stem if named else rest, ending=ending if named else "")


def recurrent_layers(placed: Iterable[Placed]) -> frozenset[int]:
    """Layers that keep a state."""
    return frozenset(each.layer for each in placed if each.stem.startswith(RECURRENT))


@cache
def weight_names() -> Mapping[str, tuple[Component | None, str]]:
    """Component and name of a model's weight, by the name of the one tensor that it becomes."""
    found: dict[str, tuple[Component | None, str]] = {}
    for key, stems in tensors_file().tensors.items():
        component, _, name = key.partition(".")
        if len(stems) == 1 and name != "*":
            found.setdefault(stems[0], (component, name))  # type: ignore[arg-type]
    return found


@lru_cache(maxsize=4096)
def component_of(stem: str, *, recurrent: bool) -> Component:
    """What a tensor belongs to; in a recurrent layer the fused projection and its gate are the mixer's."""
    if recurrent and stem in ("attn_qkv", "attn_gate"):
        return "ssm"
    return next((row.component for row in tensors_file().components if _fits(stem, row.names)), "other")


@lru_cache(maxsize=4096)
def is_known(stem: str) -> bool:
    """Whether the catalog says what a tensor belongs to; ``attn_q.weight.lora_a`` is part of no model."""
    return ".weight." not in stem and any(_fits(stem, row.names) for row in tensors_file().components)


def weight_of(placed: Placed, widths: Widths, *, recurrent: bool) -> Weight:
    """One tensor as a weight: rows of the file are the inputs, the third dimension counts copies."""
    shape, component = placed.tensor.shape, component_of(placed.stem, recurrent=recurrent)
    if len(shape) == 1 or placed.ending != "weight" or _is_vector(placed.stem):
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
def _is_vector(stem: str) -> bool:
    return _fits(stem, tensors_file().vectors.names)


def _units(stem: str, component: Component, rows: int, cols: int, widths: Widths) -> int:
    """Into how many pieces tensor parallelism may cut it."""
    if component == "attention":
        return max(1, widths.kv_heads if stem in ("attn_k", "attn_v") else widths.heads)
    if component in ("mlp", "experts", "shared_experts"):
        return rows if stem.startswith("ffn_down") else cols
    return cols if component == "lm_head" else 1


def _fits(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
