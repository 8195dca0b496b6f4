"""Rows of the catalogs on GGUF files, checked strictly; what they mean stands at the head of each file."""

from functools import cache
from typing import Annotated

from pydantic import BaseModel, Field

from llm_calc.adapters.catalog.files import STRICT, Many, catalog_folder, read_toml
from llm_calc.adapters.formats.catalog import format_catalog
from llm_calc.adapters.formats.rows import SourceRow
from llm_calc.core.checkpoints.gguf.tables import Architecture, FileTypes, TensorNames, TensorType, Window
from llm_calc.core.weights import Component


class ArchitectureRow(BaseModel):
    """One architecture of GGUF files whose keys stand for those of a configuration."""

    model_config = STRICT

    model_type: str
    mixture_model_type: str | None = None
    window_model_type: str | None = None
    needs: Many[str] = ()
    keys: dict[str, str] = {}
    experts: dict[str, str] = {}
    flags: dict[str, str] = {}
    nulls: Many[str] = ()


class WindowRow(BaseModel):
    """Which layers of an architecture have a window: all but one of ``period`` (0: all; None: as the file lists).

    ``dense_first``: the first of each period is the one without. ``tokens``: where no key says it.
    ``layers_with_keys``: later layers use keys and values of earlier ones.
    """

    model_config = STRICT

    period: Annotated[int, Field(ge=0)] | None = None
    dense_first: bool = False
    tokens: Annotated[int, Field(ge=0)] = 0
    chunked: bool = False
    layers_with_keys: Annotated[int, Field(ge=0)] = 0


class NamesRow(BaseModel):
    """Patterns of names."""

    model_config = STRICT

    names: Many[str]


class ReasonRow(NamesRow):
    """Patterns of names under one reason."""

    reason: Annotated[str, Field(min_length=1)]


class ArchitecturesFile(BaseModel):
    """``gguf_architectures.toml``."""

    model_config = STRICT

    source: SourceRow
    keys: dict[str, str]
    experts: dict[str, str]
    architectures: Annotated[dict[str, ArchitectureRow], Field(min_length=1)]
    tensors: dict[str, Many[str]]
    windows: dict[str, WindowRow]
    change_nothing: Annotated[Many[ReasonRow], Field(min_length=1)]
    beside: Annotated[Many[ReasonRow], Field(min_length=1)]
    by_tensors: NamesRow
    own_ways: dict[str, str]
    no_generators: NamesRow


class FamilyTensors(BaseModel):
    """Families whose files have other names than most."""

    model_config = STRICT

    model_types: Many[str]
    tensors: dict[str, Many[str]]


class ModelTypes(BaseModel):
    """A list of families."""

    model_config = STRICT

    model_types: Many[str]


class ComponentRow(BaseModel):
    """Tensors (patterns of names) that belong to one component."""

    model_config = STRICT

    component: Component
    names: Many[str]


class TensorsFile(BaseModel):
    """``gguf_tensors.toml``."""

    model_config = STRICT

    source: SourceRow
    tensors: dict[str, Many[str]]
    families: Many[FamilyTensors]
    kv_heads_by_layer: ModelTypes
    prediction_blocks: ModelTypes
    stacks: NamesRow
    components: Many[ComponentRow]
    vectors: NamesRow
    buffers: NamesRow


class BlockRow(BaseModel):
    """A type of tensors: its number in files, elements and bytes of a block."""

    model_config = STRICT

    id: Annotated[int, Field(ge=0)]
    elements: Annotated[int, Field(ge=1)]
    bytes: Annotated[int, Field(ge=1)]


class TypesFile(BaseModel):
    """``gguf_types.toml``."""

    model_config = STRICT

    source: SourceRow
    types: dict[str, BlockRow]
    kinds: dict[str, int]


@cache
def architectures_file() -> ArchitecturesFile:
    """The catalog of GGUF architectures, read once."""
    return read_toml(ArchitecturesFile, catalog_folder("formats") / "gguf_architectures.toml")


@cache
def architecture_of(name: str) -> Architecture | None:
    """What is known of an architecture, with the keys that all have; None where its keys are not those of a family."""
    file = architectures_file()
    row = file.architectures.get(name)
    if row is None:
        return None
    own = {"keys": {**file.keys, **row.keys}, "experts": {**file.experts, **row.experts}}
    return Architecture(**{**row.model_dump(), **own})


@cache
def window_of(name: str) -> Window | None:
    """Which layers of an architecture have a window; None where none has."""
    row = architectures_file().windows.get(name)
    return None if row is None else Window(**row.model_dump())


@cache
def tensor_names() -> TensorNames:
    """The catalog of tensor names, read once."""
    file = read_toml(TensorsFile, catalog_folder("formats") / "gguf_tensors.toml")
    return TensorNames(
        tensors=file.tensors,
        families=tuple((family.model_types, family.tensors) for family in file.families),
        weights=_weights(file.tensors),
        components=tuple((row.component, row.names) for row in file.components),
        stacks=file.stacks.names,
        vectors=file.vectors.names,
        buffers=file.buffers.names,
        kv_heads_by_layer=file.kv_heads_by_layer.model_types,
        prediction_blocks=file.prediction_blocks.model_types,
    )


def _weights(tensors: dict[str, Many[str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, stems in tensors.items():
        name = key.partition(".")[2]
        if len(stems) == 1 and name != "*":
            found.setdefault(stems[0], name)
    return found


@cache
def file_types() -> FileTypes:
    """The catalog of types, read once, with the formats of their numbers."""
    file = read_toml(TypesFile, catalog_folder("formats") / "gguf_types.toml")
    types = {
        row.id: TensorType(name=name, elements=row.elements, bytes=row.bytes)
        for name, row in file.types.items()
    }
    kinds = {number: name for name, number in file.kinds.items()}
    return FileTypes(types=types, kinds=kinds, numbers=format_catalog().numbers)
