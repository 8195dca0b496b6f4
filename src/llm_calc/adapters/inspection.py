"""``/api/inspect_model``: the core's figures of one model in the shape of the answer."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from llm_calc.adapters.asked_caches import as_taken
from llm_calc.adapters.cache_types import with_one_type
from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.formats import Precision
from llm_calc.adapters.images import seen_images, uncounted_words, with_images
from llm_calc.adapters.mean_lengths import cut_words
from llm_calc.adapters.model_source import CUSTOM, SourcedModel, source_model
from llm_calc.adapters.wire.engines import EnginePart
from llm_calc.adapters.wire.inspect import (
    CacheOfKind,
    FlopsByComponent,
    FlopsOfPhases,
    FormatShare,
    InspectedModel,
    InspectRequest,
    InspectResponse,
    Parameters,
    SequenceCache,
    UsedPrecision,
)
from llm_calc.adapters.wire.parts import PrecisionPart, WorkloadPart
from llm_calc.core import flops, memory
from llm_calc.core.architectures.words import architecture_in_words
from llm_calc.core.arrays import Quantity
from llm_calc.core.formats import NumberFormat, WeightRecipe
from llm_calc.core.memory import CacheFormat
from llm_calc.core.model import Model, Placed
from llm_calc.core.weights import Cache

USUAL_CONTEXTS = (8192, 32768, 131072)
PREFIX_IGNORED = (
    "workload.prefix_cache_hit_fraction: FLOPs are counted for whole prompts, as if nothing were cached"
)
CACHE_OPTIONS = ("cache_type_k", "cache_type_v")
MEANS_COUNTED = "workload: FLOPs are counted for the mean lengths"
TURNS_IGNORED = "workload.sessions: FLOPs are counted for the first turn, computed whole"


def inspect_model(request: InspectRequest, catalogs: Catalogs) -> InspectResponse:
    """Everything that follows from the model alone.

    Raises:
        InvalidInputError: a model or format that cannot be read; names the field.
        UnsupportedError: images for a model that sees none.
    """
    seen = seen_images(request.workload, request.model, catalogs)
    request = with_images(request, seen)
    source = source_model(request.model, catalogs)
    engine = request.engine
    asked = with_one_type(request.precision, engine)
    precision, cached = as_taken(source, asked, *((engine.name, engine.version) if engine else (None, None)))
    found = inspection(source, precision, request.workload, request.context_tokens)
    words = [*found.assumptions, *cached, *uncounted_words(seen), *_idle_engine(engine, asked)]
    return found.model_copy(update={"assumptions": words})


def _idle_engine(engine: EnginePart | None, asked: PrecisionPart) -> list[str]:
    """What is said of an engine and bears on nothing that follows from the model alone."""
    used = {"name", "further", "further_values", *(CACHE_OPTIONS if asked.kv_cache != "auto" else ())}
    said = (
        sorted(name for name in engine.model_fields_set - used if getattr(engine, name) is not None)
        if engine
        else []
    )
    return [
        f"engine.{name}: bears on memory and times (/api/memory_plan), on nothing that is counted here"
        for name in (*said, *((engine.further if engine else None) or ()))
    ]


def inspection(
    source: SourcedModel, precision: Precision, workload: WorkloadPart, contexts: list[int] | None = None
) -> InspectResponse:
    """The answer for a model in given formats."""
    model, recipe = source.model, precision.numbers.recipe
    total = memory.total_parameters(model)
    size = memory.weights_bytes(model, recipe)
    return InspectResponse(
        confidence="approximate" if _is_guessed(source, precision) else source.confidence,
        assumptions=[*source.assumptions, *precision.weights.assumptions],
        warnings=[*source.warnings, *_ignored(workload)],
        model=_inspected(model, source.name),
        architecture=architecture_in_words(model),
        quantization=precision.weights.words,
        precision=_used(precision.weights.name, precision.kv_cache, precision.activations),
        parameters=_parameters(model),
        weights_bytes=round(size),
        bits_per_weight=round(8 * size / total, 4),
        weights_by_format=list(format_shares(model, recipe)),
        kv_cache=kv_cache(model, cache_format(precision), contexts or default_contexts(model, workload)),
        flops=reference_flops(model, workload),
        flops_executed=executed_flops(model, workload),
    )


def _is_guessed(source: SourcedModel, precision: Precision) -> bool:
    """Whether sizes rest on what no file says, or leave out what the caller's own configuration says of formats."""
    weights = precision.weights
    return weights.guessed or (weights.unread and source.name == CUSTOM)


def cache_format(precision: Precision) -> CacheFormat:
    """Bytes an element of the cache; recurrent state without a prescribed type is kept as activations are."""
    numbers = precision.numbers
    state = max(2.0, numbers.activations.bytes_per_element)
    return CacheFormat(bytes_per_element=numbers.cache.bytes_per_element, state_bytes_per_element=state)


def _ignored(workload: WorkloadPart) -> list[str]:
    """What of a workload FLOPs are not counted for."""
    prefix = [PREFIX_IGNORED] if workload.prefix_cache_hit_fraction else []
    return [
        *prefix,
        *([TURNS_IGNORED] if workload.grows else []),
        *([MEANS_COUNTED] if workload.varies else []),
        *cut_words(workload),
        *(
            f"workload.{name}: sizes and FLOPs are those of one request, whatever the load"
            for name in _loads(workload)
        ),
    ]


def _loads(workload: WorkloadPart) -> list[str]:
    """How much comes, where it is said; a batch is counted as a whole."""
    several = workload.concurrency is not None and workload.concurrency > 1
    said = {
        "concurrency": several,
        "request_rate": workload.request_rate,
        "offline": workload.offline,
        "targets": workload.targets is not None,
    }
    return [name for name, is_said in said.items() if is_said]


def default_contexts(model: Model, workload: WorkloadPart) -> list[int]:
    """The workload's lengths, usual ones, and the model's own limit, none of them beyond that limit."""
    limit = model.context_length_tokens
    longest = workload.longest_tokens
    usual = [tokens for tokens in USUAL_CONTEXTS if limit is None or tokens < limit]
    return sorted({workload.mean_input_tokens, longest, *usual, *([limit] if limit else [])})


@lru_cache(maxsize=512)
def _inspected(model: Model, name: str) -> InspectedModel:
    return InspectedModel(
        name=name,
        model_type=model.model_type,
        hidden_size=model.hidden,
        num_layers=model.num_layers,
        vocab_size=model.vocab,
        context_length_tokens=model.context_length_tokens,
    )


@lru_cache(maxsize=512)
def _used(weights: str, kv_cache: str, activations: str) -> UsedPrecision:
    return UsedPrecision(weights=weights, kv_cache=kv_cache, activations=activations)


@lru_cache(maxsize=512)
def _parameters(model: Model) -> Parameters:
    return Parameters(
        total=memory.total_parameters(model),
        active=memory.active_parameters(model),
        by_component={str(name): count for name, count in memory.parameters_by_component(model).items()},
    )


@lru_cache(maxsize=512)
def format_shares(model: Model, recipe: WeightRecipe) -> tuple[FormatShare, ...]:
    """The weights by number format, the largest share of bytes first."""
    sums: dict[NumberFormat, tuple[float, float]] = {}
    for placed in model.placed:
        for number, count in _stored_elements(placed, recipe):
            elements, size = sums.get(number.whole or number, (0.0, 0.0))
            sums[number.whole or number] = (elements + count, size + count * number.bytes_per_element)
    shares = [
        FormatShare(
            format=number.name,
            bits_per_element=round(8 * size / elements, 4),
            parameters=round(elements),
            bytes=round(size),
        )
        for number, (elements, size) in sums.items()
        if elements
    ]
    return tuple(sorted(shares, key=lambda share: -share.bytes))


def _stored_elements(placed: Placed, recipe: WeightRecipe) -> Iterable[tuple[NumberFormat, float]]:
    """Elements of one weight by format; biases are stored as vectors are."""
    weight, layers = placed.weight, placed.indices[: placed.stored] or (0,)
    for number, count in recipe.formats_over(weight, layers).items():
        each = placed.stored * count / len(layers)
        yield number, each * weight.matrix_params
        yield recipe.vectors if number.element_bits else number, each * (weight.params - weight.matrix_params)


def kv_cache(model: Model, formats: CacheFormat, contexts: Iterable[int]) -> SequenceCache:
    """Growth, kinds and sizes of one sequence's cache."""
    sizes = {str(tokens): plain(memory.kv_cache_bytes(model, tokens, 1, formats)) for tokens in contexts}
    return SequenceCache(**_cache_figures(model, formats), bytes_at=sizes)


@lru_cache(maxsize=512)
def _cache_figures(model: Model, formats: CacheFormat) -> dict[str, Any]:
    """What does not depend on the context."""
    return {
        "bytes_per_token": plain(memory.kv_cache_bytes_per_token(model, formats)),
        "bytes_per_token_beyond_windows": plain(
            memory.kv_cache_bytes_per_token(model, formats, beyond_windows=True)
        ),
        "by_layer_kind": _by_kind(model, formats),
        "state_bytes_per_sequence": plain(memory.state_bytes_per_sequence(model, formats)),
    }


def _by_kind(model: Model, formats: CacheFormat) -> dict[str, CacheOfKind]:
    kinds: dict[str, list[tuple[Cache, int]]] = {}
    for cache, layers in memory.layer_caches(model):
        kinds.setdefault(cache.kind, []).append((cache, layers))
    return {
        kind: CacheOfKind(
            layers=sum(layers for _, layers in caches),
            elements_per_token=plain(sum(n * cache.elements_per_token for cache, n in caches)),
            bytes_per_token=plain(
                sum(n * cache.elements_per_token * formats.bytes_per_element for cache, n in caches)
            ),
            window_tokens=sorted({cache.window for cache, _ in caches if cache.window is not None}),
            state_bytes_per_sequence=plain(
                sum(n * memory.cache_bytes(cache, 0, formats) for cache, n in caches)
            ),
        )
        for kind, caches in kinds.items()
    }


def reference_flops(model: Model, workload: WorkloadPart) -> FlopsOfPhases:
    """As the reference classes compute them, for a request or a static batch."""
    batch = workload.batch or 1
    prefill = flops.reference_prefill_flops(model, batch, workload.mean_input_tokens)
    return _phases(prefill, flops.reference_decode_flops(model, workload.mean_input_tokens), batch)


def executed_flops(model: Model, workload: WorkloadPart) -> FlopsOfPhases:
    """As engines execute them, for a request or a static batch."""
    batch = workload.batch or 1
    prefill = flops.executed_prefill_flops(model, batch, workload.mean_input_tokens)
    return _phases(prefill, flops.executed_decode_flops(model, workload.mean_input_tokens), batch)


def _phases(prefill: flops.Flops, decode: flops.Flops, batch: int) -> FlopsOfPhases:
    return FlopsOfPhases(prefill=_by_component(prefill, 1), decode=_by_component(decode, batch))


def _by_component(counted: flops.Flops, sequences: int) -> FlopsByComponent:
    values = {key: sequences * _whole(value) for key, value in counted.by_component.items()}
    return FlopsByComponent(**values, total=sum(values.values()), scan=sequences * _whole(counted.scan))


def _whole(value: Quantity) -> int:
    """Whole FLOPs; integers of any size stay exact."""
    return value if isinstance(value, int) else round(float(value))


def plain(value: Quantity) -> int | float:
    """A whole number as an integer, any other rounded to millionths."""
    number = float(value)
    return int(number) if number.is_integer() else round(number, 6)
