"""What the first bytes of a GGUF file hold: keys and the list of tensors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple


class GgufTensor(NamedTuple):
    """One tensor of the list: its type in lower case (``q4_k``), elements and bytes, and its shape, rows last."""

    name: str
    type: str
    shape: tuple[int, ...]
    elements: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GgufHeader:
    """Keys with their values, lists of texts and long ones of numbers as their length, and the tensors.

    ``tensors`` is None where the bytes end before the list of them does.
    """

    values: Mapping[str, Any]
    tensors: tuple[GgufTensor, ...] | None
