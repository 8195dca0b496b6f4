"""What the first bytes of a GGUF file hold: keys and the list of tensors."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from llm_calc.adapters.catalog.files import catalog_folder, read_toml
from llm_calc.adapters.formats.gguf_rows import BlockRow, TypesFile


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


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorType:
    """A type of tensors: so many elements in so many bytes."""

    name: str
    elements: int
    bytes: int


@cache
def types_file() -> TypesFile:
    """The catalog of types, read once."""
    return read_toml(TypesFile, catalog_folder("formats") / "gguf_types.toml")


@cache
def tensor_types() -> Mapping[int, TensorType]:
    """Types by their number in files."""
    return {row.id: _type(name, row) for name, row in types_file().types.items()}


def _type(name: str, row: BlockRow) -> TensorType:
    return TensorType(name=name, elements=row.elements, bytes=row.bytes)


def file_kind(number: object) -> str | None:
    """The kind of file that ``general.file_type`` says; None where it says none that is known."""
    kinds = {value: name for name, value in types_file().kinds.items()}
    return kinds.get(number) if isinstance(number, int) else None
