"""Which model a documented request means."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from llm_calc.adapters.catalog import CatalogModel, Catalogs
from llm_calc.adapters.config_file import read_config
from llm_calc.adapters.wire.documented_requests import CalculateRequest, FurtherDimensions
from llm_calc.core.architectures.dimensions import Dimensions, custom_model
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.model import Model

CUSTOM = "custom"
IGNORED = "{0}: ignored, since {1} describes the model; it serves custom models"
FORMATS_IGNORED = "quantization_config is not read here: figures are those of {0}; /api/memory_plan reads it"
DIMENSIONS = ("hidden_dim", "ff_dim", "num_layers", "vocab_size")
ALL_DIMENSIONS = (*DIMENSIONS, *FurtherDimensions.model_fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A model with what is said about it."""

    model: Model
    name: str
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    confidence: str = "exact"
    entry: CatalogModel | None = None


@lru_cache(maxsize=512)
def feed_forward_width(model: Model) -> int:
    """Width of the dense feed-forward layer, else of one expert, else 0."""
    widths = {
        p.weight.component: p.weight.rows for p in reversed(model.placed) if p.weight.name == "down_proj"
    }
    return widths.get("mlp") or widths.get("experts") or 0


def dimensions_of(model: Model) -> dict[str, int]:
    """The four documented dimensions."""
    return {
        "hidden_dim": model.hidden,
        "ff_dim": feed_forward_width(model),
        "num_layers": model.num_layers,
        "vocab_size": model.vocab,
    }


def catalog_subject(catalogs: Catalogs, name: str) -> Subject:
    """A predefined model.

    Raises:
        UnknownNameError: no catalog model of this name; offers the nearest.
    """
    return read_entry(catalogs, catalogs.model(name).name)


@lru_cache(maxsize=1024)
def read_entry(catalogs: Catalogs, name: str) -> Subject:
    """A catalog entry with its architecture, read once; not exact where something of it was not read."""
    entry = catalogs.model(name)
    reading = read_config(entry.config, name=entry.name)
    assumed = () if entry.assumed is None else (entry.assumed,)
    return Subject(
        model=reading.model,
        name=entry.name,
        assumptions=(*reading.assumptions, *assumed),
        warnings=reading.warnings,
        confidence="approximate" if assumed else reading.confidence,
        entry=entry,
    )


def requested_subject(request: CalculateRequest, catalogs: Catalogs) -> Subject:
    """The model of a calculation: predefined, a whole config.json, or dimensions.

    Raises:
        InvalidInputError: dimensions are missing, or differ from those of the named model.
    """
    if request.hf_config is not None:
        return _with_given(
            _config_subject(request, request.hf_config), "hf_config", request.hf_config, request
        )
    if request.model_name.lower() != CUSTOM:
        subject = catalog_subject(catalogs, request.model_name)
        config = {} if subject.entry is None else subject.entry.config
        return _with_given(subject, request.model_name, config, request)
    given = {name: getattr(request, name) for name in DIMENSIONS}
    missing = [name for name, value in given.items() if value is None]
    if missing:
        msg = f"{missing[0]}: required for a custom model (missing: {', '.join(missing)}); or give model_name"
        raise InvalidInputError(msg, field=missing[0], missing=missing)
    return custom_subject(request, given)


def _config_subject(request: CalculateRequest, config: Mapping[str, object]) -> Subject:
    if request.model_name.lower() != CUSTOM:
        msg = 'hf_config: give either model_name or hf_config (with model_name "custom" or absent), not both'
        raise InvalidInputError(msg, field="hf_config")
    reading = read_config(config, name=CUSTOM)
    return Subject(
        model=reading.model,
        name=CUSTOM,
        assumptions=reading.assumptions,
        warnings=(
            *reading.warnings,
            *([FORMATS_IGNORED.format(request.precision)] if reading.quantization else []),
        ),
        confidence=reading.confidence,
    )


def _with_given(
    subject: Subject, source: str, config: Mapping[str, object], request: CalculateRequest
) -> Subject:
    """The subject, held against dimensions given beside it; those that its configuration lacks are ignored aloud.

    Raises:
        InvalidInputError: a dimension differs from the model's own.
    """
    if request.model_fields_set.isdisjoint(ALL_DIMENSIONS):
        return subject
    text = config.get("text_config")
    stated = {**config, **(text if isinstance(text, Mapping) else {})}
    own = {name: value for name, value in stated.items() if value is not None} | dimensions_of(subject.model)
    given = {name: getattr(request, name) for name in ALL_DIMENSIONS if name in request.model_fields_set}
    _must_agree(source, own, {name: value for name, value in given.items() if name in own})
    ignored = [name for name, value in given.items() if name not in own and value is not None]
    if not ignored:
        return subject
    return replace(subject, warnings=(*subject.warnings, *(IGNORED.format(name, source) for name in ignored)))


def _must_agree(name: str, own: Mapping[str, object], given: Mapping[str, object]) -> None:
    differing = [key for key, value in given.items() if value is not None and value != own[key]]
    if differing:
        each = "; ".join(f"{key} is {own[key]}, not {given[key]}" for key in differing)
        msg = f'{differing[0]}: differs from {name}: {each}. Use model_name "custom" for other dimensions'
        raise InvalidInputError(msg, field=differing[0], differing=differing)


def custom_subject(request: FurtherDimensions, four: Mapping[str, int | None]) -> Subject:
    """A model from dimensions; what had to be assumed is said."""
    further = {name: getattr(request, name) for name in FurtherDimensions.model_fields}
    dims = Dimensions(**{**{key: int(value or 0) for key, value in four.items()}, **further})
    model, assumptions = _built(dims)
    return Subject(model=model, name=CUSTOM, assumptions=assumptions)


@lru_cache(maxsize=512)
def _built(dims: Dimensions) -> tuple[Model, tuple[str, ...]]:
    return custom_model(dims)
