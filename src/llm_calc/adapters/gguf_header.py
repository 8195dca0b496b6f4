"""A GGUF file by its header, or the headers of its shards: the model, and the format of every tensor.

The list of tensors gives parameters and bytes. Where an architecture stands for a family of configurations, the keys
are read as one; that is taken only if it agrees with the tensors to the parameter, the byte and the element cached.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from llm_calc.adapters.config_file import read_config
from llm_calc.adapters.formats.catalog import format_catalog
from llm_calc.adapters.formats.gguf_rows import (
    ReasonRow,
    architecture_of,
    architectures_file,
    file_types,
    tensor_names,
    window_of,
)
from llm_calc.adapters.gguf_reader import read_gguf_header
from llm_calc.core.checkpoints.gguf.as_config import config_of
from llm_calc.core.checkpoints.gguf.checks import (
    behind_the_last,
    check_kind_of_file,
    last_norm,
    not_understood,
    unknown_kind,
    vocabulary_doubts,
)
from llm_calc.core.checkpoints.gguf.header import GgufHeader
from llm_calc.core.checkpoints.gguf.keys import FIELD, Keys
from llm_calc.core.checkpoints.gguf.model import FileModel, file_model
from llm_calc.core.checkpoints.gguf.placed import Placed, placed_tensors
from llm_calc.core.checkpoints.gguf.recipe import config_recipe, file_recipe, kinds_of
from llm_calc.core.checkpoints.gguf.shapes import kind_holds
from llm_calc.core.checkpoints.gguf.shards import Joined, joined
from llm_calc.core.checkpoints.gguf.tables import Architecture
from llm_calc.core.checkpoints.recipes.precision import StoredWeights
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.formats import NumberFormat, WeightRecipe
from llm_calc.core.memory import kv_cache_bytes_per_token, total_parameters, weights_bytes
from llm_calc.core.model import Model

UNREACHED = "the upload ends before the list of tensors: biases, ties and formats are the usual ones"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GgufFile:
    """A file's model. ``kind``: its file type, as the catalog names it, if known.

    ``recipe``: None where the list of tensors was not reached. ``doubts`` take "exact" away, ``notes`` do not.
    """

    name: str
    model: Model
    kind: str | None
    recipe: WeightRecipe | None = None
    types: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def stored_weights(self) -> StoredWeights | None:
        """The formats of its tensors; None where the list of them was not reached."""
        if self.recipe is None:
            return None
        words = f"the file's own tensors: {', '.join(self.types)}"
        return StoredWeights(
            recipe=self.recipe, name=self.recipe.name, words=words, storage="gguf", is_gguf=True
        )


@lru_cache(maxsize=32)
def read_gguf_base64(*texts: str) -> GgufFile:
    """The first bytes of a GGUF file, or of each of its shards, in base64; equal bytes are read once.

    Raises:
        InvalidInputError: not base64, not GGUF, or a file that cannot be understood.
    """
    return gguf_file(*(read_gguf_header(_decoded(text), FIELD) for text in texts))


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInputError(f"{FIELD}: must be base64 ({error})", field=FIELD) from error


def gguf_file(*headers: GgufHeader) -> GgufFile:
    """The model of a header, or of the headers of all shards of one file.

    Raises:
        InvalidInputError: no architecture, one that generates no text, or keys or tensors that are missing.
    """
    whole = joined(headers)
    values = whole.header.values
    architecture = values.get("general.architecture", "")
    if not isinstance(architecture, str) or not architecture:
        msg = f"{FIELD}: ends before general.architecture; more of the file is needed"
        raise InvalidInputError(msg, field=FIELD)
    if any(fnmatchcase(architecture, each) for each in architectures_file().no_generators.names):
        msg = f"{FIELD}: a file of architecture {architecture!r} generates no text by itself"
        raise InvalidInputError(msg, field=FIELD)
    unsaid = (*check_kind_of_file(values), *_beside(values, architecture))
    name = values.get("general.name")
    name = name[:200] if isinstance(name, str) and name else architecture
    found = _judged(whole, Keys(values, architecture), name)
    return replace(found, doubts=(*found.doubts, *unsaid)) if unsaid else found


def _names(rows: Iterable[ReasonRow]) -> tuple[str, ...]:
    return tuple(name for row in rows for name in row.names)


def _beside(values: Mapping[str, Any], architecture: str) -> tuple[str, ...]:
    """A sentence on keys without the architecture before them that no table explains."""
    names = _names(architectures_file().beside)
    others = (key for key in values if not key.startswith(f"{architecture}."))
    unknown = (key for key in others if not any(fnmatchcase(key, name) for name in names))
    return tuple(not_understood("keys", tuple(unknown)))


def _judged(whole: Joined, keys: Keys, name: str) -> GgufFile:
    """By its keys as a configuration where they agree with the tensors; else by tensors and keys alone."""
    tensors, kind = whole.header.tensors, _kind(whole.header.values)
    row, names = architecture_of(keys.architecture), tensor_names()
    if tensors is None:
        return _by_keys(row, keys, whole, name, kind)
    harmless = _names(architectures_file().change_nothing)
    read = file_model(keys, tensors, window_of(keys.architecture), harmless, name, names)
    placed = placed_tensors(tensors, read.model.num_layers, names)
    kind, contradicted = _kind_of_tensors(kind, placed)
    recipe = file_recipe(placed, kind, names, file_types())
    known = _as_configuration(row, keys, whole.header, name, read, recipe)
    model, used = (read.model, recipe) if known is None else known
    doubts = (*read.doubts, *_own_ways(keys.architecture)) if known is None else ()
    return GgufFile(
        name=name,
        model=model,
        kind=kind,
        recipe=used,
        types=kinds_of(placed),
        notes=(*read.notes, *unknown_kind(whole.header.values, file_types())),
        doubts=(
            *whole.notes,
            *contradicted,
            *behind_the_last(tensors, keys.layers()),
            *vocabulary_doubts(whole.header.values, keys, read.model.vocab),
            *last_norm(keys, placed),
            *read.key_doubts,
            *doubts,
        ),
    )


def _kind_of_tensors(kind: str | None, placed: tuple[Placed, ...]) -> tuple[str | None, tuple[str, ...]]:
    """The kind that a file says, unless none of its tensors has the type of it; what is to be said then."""
    types = kinds_of(placed)
    if kind is None or kind_holds(_main(kind), types):
        return kind, ()
    return None, (f"general.file_type says {kind}; the tensors are {', '.join(types)}, which were counted",)


def _main(kind: str) -> NumberFormat | None:
    catalog = format_catalog()
    return catalog.numbers.get(catalog.names[kind].row.default)


def _own_ways(architecture: str) -> tuple[str, ...]:
    """What a file of this architecture does that its keys and tensors do not tell."""
    file = architectures_file()
    if architecture in file.own_ways:
        return (f"{architecture}: {file.own_ways[architecture]}",)
    known = architecture in file.architectures or architecture in file.by_tensors.names
    return (
        ()
        if known
        else (f"architecture {architecture!r} is not known: read as if it were an ordinary decoder",)
    )


def _as_configuration(
    row: Architecture | None,
    keys: Keys,
    header: GgufHeader,
    name: str,
    read: FileModel,
    recipe: WeightRecipe,
) -> tuple[Model, WeightRecipe] | None:
    """The family's model, where it has the tensors' parameters and bytes and the keys' cache."""
    if row is None:
        return None
    try:
        model = read_config(config_of(row, keys, header), name=name).model
        stems = architectures_file().tensors
        own = config_recipe(header.tensors or (), model, recipe, stems, file_types())
    except InvalidInputError:
        return None
    return (model, own) if _figures(model, own) == _figures(read.model, recipe) else None


def _figures(model: Model, recipe: WeightRecipe) -> tuple[float, ...]:
    return (
        total_parameters(model),
        weights_bytes(model, recipe),
        kv_cache_bytes_per_token(model),
        kv_cache_bytes_per_token(model, beyond_windows=True),
        model.num_layers,
    )


def _by_keys(row: Architecture | None, keys: Keys, whole: Joined, name: str, kind: str | None) -> GgufFile:
    """Without the list of tensors: a family's configuration, as its files usually are.

    Raises:
        InvalidInputError: an architecture that only its tensors tell.
    """
    if row is None or not all(keys.has(each) for each in row.needs):
        wanted = "all shards are needed" if whole.shards else "more of the file is needed"
        known = ", ".join(sorted(architectures_file().architectures))
        msg = (
            f"{FIELD}: ends before the list of tensors; {wanted}: of architecture {keys.architecture!r} they say the "
            f"sizes. By their keys alone are read: {known}"
        )
        raise InvalidInputError(msg, field=FIELD)
    try:
        reading = read_config(config_of(row, keys, whole.header), name=name)
    except InvalidInputError as refused:
        if refused.message.startswith(FIELD):
            raise
        raise InvalidInputError(
            f"{FIELD}: its keys cannot be right: {refused.message}", field=FIELD
        ) from refused
    notes = () if whole.shards else (UNREACHED,)
    tied = "whether the output head is tied: as the family usually is"
    return GgufFile(
        name=name,
        model=reading.model,
        kind=kind,
        doubts=(*reading.assumptions, tied, *whole.notes, *notes, *_unsaid_kind(whole.header.values)),
        warnings=reading.warnings,
    )


def _unsaid_kind(values: Mapping[str, Any]) -> tuple[str, ...]:
    """A sentence on formats where neither the tensors nor the kind of the file tell them."""
    if "general.file_type" not in values:
        return ("general.file_type is missing: weights were taken in 16 bits",)
    return unknown_kind(values, file_types())


def _kind(values: Mapping[str, Any]) -> str | None:
    name = file_types().kind(values.get("general.file_type"))
    if name is None or name not in format_catalog().names:
        return None
    entry = format_catalog().names[name]
    return entry.name if entry.is_gguf else None
