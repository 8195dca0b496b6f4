"""A GGUF header as a configuration, and its tensors as a recipe: which of them is stored in which format."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from typing import Any

from llm_calc.adapters.catalog.files import catalog_folder, read_toml
from llm_calc.adapters.formats.catalog import format_catalog
from llm_calc.adapters.formats.precision import StoredWeights
from llm_calc.adapters.formats.properties import resolve_number, tensor_positions
from llm_calc.adapters.formats.rows import ArchitectureRow, ArchitecturesFile
from llm_calc.adapters.gguf_types import GgufHeader, GgufTensor
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.formats import NumberFormat, RecipeRule, WeightRecipe
from llm_calc.core.memory import total_parameters
from llm_calc.core.model import Model

FIELD = "model.gguf_base64"
SAME_NUMBERS = {"f32": "fp32", "f16": "fp16"}
"""Types whose numbers the catalog names otherwise."""


@cache
def architectures_file() -> ArchitecturesFile:
    """The catalog of GGUF architectures, read once."""
    return read_toml(ArchitecturesFile, catalog_folder("formats") / "gguf_architectures.toml")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GgufFile:
    """A header as ``config.json`` would say it. ``kind``: its file type, as the catalog names it, if known."""

    name: str
    config: Mapping[str, Any]
    kind: str | None
    tensors: tuple[GgufTensor, ...] | None
    assumptions: tuple[str, ...] = ()

    def disagreements(self, model: Model) -> tuple[str, ...]:
        """What the list of tensors contradicts, or leaves unsaid where the upload ends before it."""
        if self.tensors is None:
            return (
                "the upload ends before the list of tensors: biases, ties and formats are the usual ones",
            )
        buffers = architectures_file().buffers.patterns
        counted = [t for t in self.tensors if not any(fnmatchcase(t.name, pattern) for pattern in buffers)]
        stored, expected = sum(t.elements for t in counted), total_parameters(model)
        if stored == expected:
            return ()
        return (f"the file's tensors hold {stored} parameters, its keys describe {expected}",)

    def stored_weights(self, model: Model) -> StoredWeights | None:
        """The formats of its tensors; None where the list of them was not reached."""
        if self.tensors is None:
            return None
        recipe = _recipe(self.tensors, model, self.kind)
        kinds = sorted({tensor.type for tensor in self.tensors})
        return StoredWeights(
            recipe=recipe,
            name=recipe.name,
            words=f"the file's own tensors: {', '.join(kinds)}",
            storage="gguf",
            is_gguf=True,
        )


@lru_cache(maxsize=32)
def read_gguf_base64(text: str) -> GgufFile:
    """The first bytes of a GGUF file, in base64; equal bytes are read once.

    Raises:
        InvalidInputError: not base64, not GGUF, or an architecture that is not known.
    """
    from llm_calc.adapters.gguf_reader import (
        read_gguf_header,
    )  # the library takes a quarter of a second to load

    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInputError(f"{FIELD}: must be base64 ({error})", field=FIELD) from error
    return gguf_file(read_gguf_header(data, FIELD))


def gguf_file(header: GgufHeader) -> GgufFile:
    """A header's keys under the names of a configuration.

    Raises:
        InvalidInputError: an architecture that is not known, or keys that are missing.
    """
    values = header.values
    architecture = str(values.get("general.architecture", ""))
    if not architecture:
        raise InvalidInputError(
            f"{FIELD}: ends before general.architecture; more of the file is needed", field=FIELD
        )
    row = architectures_file().architectures.get(architecture)
    if row is None:
        known = ", ".join(sorted(architectures_file().architectures))
        raise InvalidInputError(f"{FIELD}: architecture {architecture!r} is not one of {known}", field=FIELD)
    config = _config(architecture, row, header)
    name = str(values.get("general.name") or architecture)[:200]
    assumptions = (
        () if header.tensors is not None else ("whether the output head is tied: as the family usually is",)
    )
    return GgufFile(
        name=name,
        config=config,
        kind=_kind(values.get("general.file_type")),
        tensors=header.tensors,
        assumptions=assumptions,
    )


def _config(architecture: str, row: ArchitectureRow, header: GgufHeader) -> dict[str, Any]:
    file, values = architectures_file(), header.values
    is_mixture = bool(values.get(f"{architecture}.expert_count"))
    names = {**file.keys, **row.keys, **({**file.experts, **row.experts} if is_mixture else {})}
    found = {key: _single(values.get(f"{architecture}.{name}"), name) for key, name in names.items()}
    config = {key: value for key, value in found.items() if value is not None or key in row.nulls}
    if "vocab_size" not in config:
        config["vocab_size"] = _vocabulary(header)
    config["model_type"] = row.mixture_model_type if is_mixture and row.mixture_model_type else row.model_type
    if header.tensors is not None:
        tensors = {tensor.name for tensor in header.tensors}
        config["tie_word_embeddings"] = "output.weight" not in tensors
        config.update({key: name in tensors for key, name in row.flags.items()})
    return _latent(config)


def _latent(config: dict[str, Any]) -> dict[str, Any]:
    """Latent attention: the file gives query width and rotary width, the configuration their difference."""
    width = config.pop("qk_head_dim", None)
    if width is not None:
        config["qk_nope_head_dim"] = width - config.get("qk_rope_head_dim", 0)
        config.pop("head_dim", None)
        config["num_key_value_heads"] = config.get("num_attention_heads")
    return config


def _single(value: object, name: str) -> object:
    """A number; a list of equal ones counts as one."""
    if not isinstance(value, list):
        return value
    if len(set(value)) == 1:
        return value[0]
    raise InvalidInputError(f"{FIELD}: {name} differs by layer, which is not supported", field=FIELD)


def _vocabulary(header: GgufHeader) -> object:
    tokens = header.values.get("tokenizer.ggml.tokens")
    if tokens is not None:
        return tokens
    table = next((t for t in header.tensors or () if t.name == "token_embd.weight"), None)
    if table is None:
        raise InvalidInputError(
            f"{FIELD}: ends before the vocabulary; more of the file is needed", field=FIELD
        )
    return table.shape[-1]


def _kind(file_type: object) -> str | None:
    from gguf import LlamaFileType

    try:
        name = LlamaFileType(file_type).name.lower().removeprefix("mostly_").removeprefix("all_")
    except ValueError:
        return None
    name = "bf16-gguf" if name == "bf16" else name
    return name if name in format_catalog().names else None


def _recipe(tensors: tuple[GgufTensor, ...], model: Model, kind: str | None) -> WeightRecipe:
    """Rules for every tensor of the model that the file has under a known name."""
    types = {tensor.name: tensor.type for tensor in tensors}
    weights: dict[str, int] = {}
    for tensor in tensors:
        weights[tensor.type] = weights.get(tensor.type, 0) + tensor.elements
    default = _number(max(weights, key=lambda each: weights[each]), model)
    rules = []
    for (component, name), layers in tensor_positions(model).items():
        stems = architectures_file().tensors.get(f"{component}.{name}", ())
        by_type: dict[str, set[int]] = {}
        for layer in layers or (0,):
            found = _type_of(types, stems, layer if layers else None)
            if found is not None:
                by_type.setdefault(found, set()).add(layer)
        for found, at in by_type.items():
            rules.append(
                RecipeRule(
                    format=_number(found, model),
                    components=frozenset((component,)),
                    names=frozenset((name,)),
                    layers=frozenset(at),
                )
            )
    return WeightRecipe(
        name=kind or "gguf", default=default, vectors=_number("f32", model), rules=tuple(rules)
    )


def _type_of(types: Mapping[str, str], stems: tuple[str, ...], layer: int | None) -> str | None:
    prefix = "" if layer is None else f"blk.{layer}."
    return next((types[key] for stem in stems if (key := f"{prefix}{stem}.weight") in types), None)


def _number(name: str, model: Model) -> NumberFormat:
    return resolve_number(SAME_NUMBERS.get(name, name), model)
