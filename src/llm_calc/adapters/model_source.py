"""The model part of a request as a core model, whatever it was described by."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.config_file import read_config
from llm_calc.adapters.formats import FormatWishes, Precision, format_tables, resolve_precision
from llm_calc.adapters.gguf_header import GgufFile, read_gguf_base64
from llm_calc.adapters.prediction_layers import prediction_layers
from llm_calc.adapters.variants import Variant, Wanted, published
from llm_calc.adapters.wire.parts import CustomDimensions, ModelPart, PrecisionPart
from llm_calc.core.architectures.dimensions import Dimensions, custom_model
from llm_calc.core.checkpoints.files import FIELD as FILES_FIELD
from llm_calc.core.checkpoints.files import with_files
from llm_calc.core.checkpoints.safetensors_index import index_notes
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.model import Model, without_speech

CUSTOM = "custom"
PUBLISHED = "config.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcedModel:
    """A model with what its description left open.

    ``confidence``: ``exact`` where the architecture is known and every key was understood. ``quantization``:
    the description's own ``quantization_config``. ``gguf``: the file that it was read from, if it was one.
    ``prediction_layers``: those for speculation that its checkpoint has; None where nothing tells. ``config``: what it
    was read from, if that was a configuration. ``variant``: the format that its name says, if that says one.
    ``wanted``: the format to state, where its name stands for files of several; ``offered``: those files, where a
    request compares formats itself.
    """

    model: Model
    name: str
    confidence: Literal["exact", "approximate"] = "exact"
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    quantization: Mapping[str, object] | None = field(default=None, hash=False)
    gguf: GgufFile | None = field(default=None, hash=False)
    prediction_layers: int | None = None
    config: Mapping[str, object] | None = field(default=None, hash=False, compare=False, repr=False)
    variant: Variant | None = None
    wanted: Wanted | None = None
    offered: Wanted | None = None

    def states(self, weights: str | None) -> bool:
        """Whether a format of the weights is stated: by the request, or by the model's name."""
        return weights is not None or self.variant is not None


def source_model(part: ModelPart, catalogs: Catalogs) -> SourcedModel:
    """The model of a request.

    Raises:
        UnknownNameError: no catalog model of this name; offers the nearest.
        InvalidInputError: a configuration, dimensions or a file that cannot be read; names the field.
    """
    source = _with_files(_described(part, catalogs), part.quantization_files)
    if part.safetensors_index is None:
        return source
    return _with_index(source, part.safetensors_index)


def served_model(part: ModelPart, catalogs: Catalogs) -> SourcedModel:
    """The model of a request as engines load it: without what turns its answers into speech.

    Source: vLLM ``model_executor/models/qwen2_5_omni_thinker.py`` and ``qwen3_omni_moe_thinker.py``, ``load_weights``,
    which skips ``talker.``, ``token2wav.`` and ``code2wav.``; checked: 2026-11-30, read.

    Raises:
        UnknownNameError: no catalog model of this name; offers the nearest.
        InvalidInputError: a configuration, dimensions or a file that cannot be read; names the field.
    """
    source = source_model(part, catalogs)
    model = without_speech(source.model)
    return source if model is source.model else replace(source, model=model)


def served_in_any_format(part: ModelPart, catalogs: Catalogs) -> SourcedModel:
    """The model of a request that compares formats itself.

    Raises:
        UnknownNameError: no catalog model of this name; offers the nearest.
        InvalidInputError: a configuration, dimensions or a file that cannot be read; names the field.
    """
    source = served_model(part, catalogs)
    return replace(source, wanted=None, offered=source.wanted)


def model_precision(source: SourcedModel, precision: PrecisionPart, engine: str | None = None) -> Precision:
    """Formats for a model; absent weights are what its own description says.

    Raises:
        UnknownNameError: a format that the catalog does not hold.
        InvalidInputError: a ``quantization_config`` that cannot be read, where it is needed; a format other than the
            one that the model's name says; none where its name stands for several.
    """
    weights, stored = precision.weights, None
    if source.wanted is not None:
        source.wanted.check(weights)
    if source.variant is not None:
        weights = source.variant.agreed(weights)
    if weights is None and source.gguf is not None:
        weights, stored = source.gguf.kind, source.gguf.stored_weights()
    wishes = FormatWishes(
        weights=weights, kv_cache=precision.kv_cache, activations=precision.activations, engine=engine
    )
    return resolve_precision(source.model, wishes, source.quantization, stored)


def own_precision(source: SourcedModel, engine: str | None = None) -> Precision:
    """Formats that a model's own description says; of a name that stands for files of several, the model's."""
    return model_precision(replace(source, wanted=None), PrecisionPart(), engine)


def _described(part: ModelPart, catalogs: Catalogs) -> SourcedModel:
    if part.name is not None:
        return _named(part.name, catalogs)
    if part.hf_config is not None:
        return _from_config(part.hf_config, CUSTOM)
    if part.custom is not None:
        return _from_dimensions(part.custom)
    texts = part.gguf_base64 or ""
    return _from_gguf(read_gguf_base64(*((texts,) if isinstance(texts, str) else texts)))


@lru_cache(maxsize=256)
def _named(name: str, catalogs: Catalogs) -> SourcedModel:
    """The entry's model; not exact where something of it, or of the variant that was named, was not read."""
    found = published(catalogs, name)
    entry, variant = found.entry, found.variant
    source = _from_config(entry.config, entry.name, whole=entry.source.kind == PUBLISHED)
    whole = entry.assumed is None and found.wanted is None and (variant is None or variant.is_whole)
    words = (found.taken, entry.assumed, None if variant is None else variant.words)
    return replace(
        source,
        confidence=source.confidence if whole else "approximate",
        assumptions=(*source.assumptions, *(each for each in words if each is not None)),
        variant=variant,
        wanted=found.wanted,
    )


def _from_config(config: Mapping[str, object], name: str, *, whole: bool = True) -> SourcedModel:
    reading = read_config(config, name=name)
    return SourcedModel(
        model=reading.model,
        name=name,
        confidence=reading.confidence,
        assumptions=reading.assumptions,
        warnings=reading.warnings,
        quantization=reading.quantization,
        prediction_layers=prediction_layers(config, whole=whole),
        config=config,
    )


@lru_cache(maxsize=256)
def _from_dimensions(dims: CustomDimensions) -> SourcedModel:
    values = {name: getattr(dims, name) for name in type(dims).model_fields}
    model, assumptions = custom_model(Dimensions(**values))
    return SourcedModel(model=model, name=CUSTOM, assumptions=assumptions)


def _from_gguf(file: GgufFile) -> SourcedModel:
    """The model that the header describes; not exact where something in it is not understood or not reached."""
    return SourcedModel(
        model=file.model,
        name=file.name,
        confidence="approximate" if file.doubts else "exact",
        assumptions=(*file.doubts, *file.notes),
        warnings=file.warnings,
        gguf=file,
    )


def _with_files(source: SourcedModel, files: Mapping[str, Mapping[str, object]] | None) -> SourcedModel:
    """The same model, with what the files beside its configuration say of number formats."""
    if not files:
        return source
    if source.gguf is not None:
        raise InvalidInputError(f"{FILES_FIELD}: a GGUF file tells its formats itself", field=FILES_FIELD)
    return replace(source, quantization=with_files(source.quantization, files, format_tables()))


def _with_index(source: SourcedModel, index: Mapping[str, object]) -> SourcedModel:
    """The same model, with what the index of its files contradicts."""
    precision = own_precision(source)
    notes = index_notes(index, source.model, precision.weights.recipe)
    return replace(
        source,
        confidence="approximate" if notes else source.confidence,
        assumptions=(*source.assumptions, *notes),
    )
