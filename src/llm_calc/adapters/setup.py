"""The parts of a request that say what runs where, as the core's ``Setup``: model, formats, layout, GPU."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from llm_calc.adapters.asked_caches import as_taken
from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.engines import can_be_compared
from llm_calc.adapters.formats import Precision
from llm_calc.adapters.hosts import requested_host
from llm_calc.adapters.largest_items import largest_item, unused_limits
from llm_calc.adapters.model_source import SourcedModel, served_model
from llm_calc.adapters.runs_on import UNKNOWN, Load, check_runs
from llm_calc.adapters.runs_on_caches import default_cache
from llm_calc.adapters.unlike import (
    check_one_host,
    machine_notes,
    requested_gpu,
    unlike_gpus,
)
from llm_calc.adapters.wire.engines import EngineName, EnginePart
from llm_calc.adapters.wire.machines import UnlikeHardware
from llm_calc.adapters.wire.parts import HardwarePart, ModelPart, ParallelismPart, PrecisionPart
from llm_calc.core.checkpoints.recipes.precision import AUTO
from llm_calc.core.engines import Setup, engines_that, traits_of
from llm_calc.core.errors import InvalidInputError, UnsupportedError
from llm_calc.core.hardware import Gpu
from llm_calc.core.model import Model
from llm_calc.core.parallelism import Layout

UNEVEN = (
    "parallelism.stage_layers: stages of unlike length were never measured; all go at the pace of the longest, and a "
    "static batch passes them in turn"
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subject:
    """What runs where, with what was assumed and what the caller should know; each is equal to itself alone.

    ``prediction_layers``: those for speculation that the checkpoint has; None where nothing tells.
    """

    setup: Setup
    precision: Precision
    name: str
    confidence: str
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    prediction_layers: int | None = None

    @property
    def by_other_means(self) -> bool:
        """Whether the engine names no such models among its own, and is not known to run them."""
        return any(UNKNOWN in each for each in self.warnings)


def resolve_setup(
    catalogs: Catalogs,
    *,
    model: ModelPart,
    precision: PrecisionPart,
    hardware: HardwarePart,
    parallelism: ParallelismPart | None,
    engine: EngineName,
    version: str | None = None,
    processor: Mapping[str, object] | None = None,
) -> Subject:
    """A deployment as the core takes it; ``version``: the engine's release, the newest if None.

    ``processor``: limits of the model's processor beside those of its family.

    Raises:
        UnknownNameError: a model, GPU or format that the catalogs do not hold.
        InvalidInputError: the layout does not fill the GPUs, or a part cannot be read.
        UnsupportedError: a chip, a format or a kind of model that the engine does not run.
    """
    parts = model, precision, hardware, parallelism, engine, version
    said = frozenset(hardware.model_fields_set)
    if processor or isinstance(hardware, UnlikeHardware) or not can_be_compared(parts):
        return _resolve(catalogs, *parts, said, processor)
    return _kept_subject(catalogs, *parts, said)


def _resolve(
    catalogs: Catalogs,
    model: ModelPart,
    precision: PrecisionPart,
    hardware: HardwarePart,
    parallelism: ParallelismPart | None,
    engine: EngineName,
    version: str | None,
    _said: frozenset[str],
    processor: Mapping[str, object] | None = None,
) -> Subject:
    """``_said``: what of the hardware is stated, which changes words where values are equal."""
    return resolved(
        catalogs,
        served_model(model, catalogs),
        precision=precision,
        hardware=hardware,
        parallelism=parallelism,
        engine=engine,
        version=version,
        processor=processor,
    )


_kept_subject = lru_cache(64)(_resolve)
"""Of the last deployments: questions often differ in their load alone."""


def resolved(
    catalogs: Catalogs,
    source: SourcedModel,
    *,
    precision: PrecisionPart,
    hardware: HardwarePart,
    parallelism: ParallelismPart | None,
    engine: EngineName,
    version: str | None = None,
    processor: Mapping[str, object] | None = None,
) -> Subject:
    """The same of a model that was read already; raises as :func:`resolve_setup`."""
    check_one_host(hardware, engine)
    unlike = unlike_gpus(hardware, catalogs, engine)
    gpu = unlike[0] if unlike else requested_gpu(hardware, catalogs)
    stated = _with_card_cache(precision, source.model, engine, version, gpu)
    formats, cached = as_taken(source, stated, engine, version)
    layout, assumed = requested_layout(hardware, parallelism, engine)
    if parallelism is None:
        _refuse_uneven(source.model, layout.tensor)
    assumed = (*assumed, *cached, *unused_limits(source.config, source.model, processor))
    machines = machine_notes(hardware, unlike or (gpu,), catalogs, engine)
    seen = source.config if traits_of(engine).largest_items else None
    notes = _runs_notes(engine, version, (gpu, *unlike), _named_load(source, formats, precision, engine))
    return Subject(
        setup=Setup(
            model=source.model,
            numbers=formats.numbers,
            layout=layout,
            gpu=gpu,
            unlike=unlike,
            host=requested_host(hardware.host, gpu),
            largest_item=largest_item(seen, source.model, processor),
        ),
        precision=formats,
        name=source.name,
        confidence=source.confidence,
        prediction_layers=source.prediction_layers,
        assumptions=(*source.assumptions, *formats.weights.assumptions, *assumed, *machines),
        warnings=(*source.warnings, *notes, *_format_warnings(formats, engine, gpu)),
    )


def as_named(subject: Subject, engine: EnginePart, model: ModelPart, catalogs: Catalogs) -> Subject:
    """The subject, where no option of its engine names another model; see :func:`.named_model.with_named_model`."""
    if not engine.further_values:
        return subject
    from llm_calc.adapters.named_model import with_named_model

    return with_named_model(subject, engine, model, catalogs)


def _named_load(
    source: SourcedModel, formats: Precision, precision: PrecisionPart, engine: EngineName
) -> Load:
    """What is to be run; where the engine runs GGUF files alone, a format that nothing states is converted."""
    named = source.states(precision.weights) or not traits_of(engine).formats.gguf_alone
    return load_of(source, formats, named=named)


def _runs_notes(
    engine: EngineName, version: str | None, gpus: tuple[Gpu, ...], load: Load
) -> tuple[str, ...]:
    """What the engine runs by other means than its own, on any of the GPUs; raises where it does not run at all."""
    notes = (note for gpu in dict.fromkeys(gpus) for note in check_runs(engine, version, gpu, load))
    return tuple(dict.fromkeys(notes))


def _with_card_cache(
    precision: PrecisionPart, model: Model, engine: EngineName, version: str | None, gpu: Gpu
) -> PrecisionPart:
    """The cache format that an engine takes for this kind of model on this card, where none is named."""
    if precision.kv_cache != AUTO:
        return precision
    own = default_cache(engine, version, gpu, model.model_type) or traits_of(engine).formats.cache_on(
        model, gpu
    )
    return precision if own is None else precision.model_copy(update={"kv_cache": own})


def _refuse_uneven(model: Model, gpus: int) -> None:
    """Where no layout was given and heads do not go over all GPUs evenly, names one that does.

    Powers of two, as rows of a vocabulary are padded to them.
    """
    uneven = [heads for heads in model.attention_units if heads % gpus]
    if not uneven:
        return
    tensor = math.gcd(gpus, *model.attention_units, 64)
    experts = f", expert {gpus}" if model.num_experts else ""
    msg = (
        f"parallelism: none was given, and {uneven[0]} heads do not go over {gpus} GPUs evenly; give one, such as "
        f"tensor {tensor}, data {gpus // tensor}{experts}"
    )
    raise UnsupportedError(msg, field="parallelism")


def requested_layout(
    hardware: HardwarePart, parallelism: ParallelismPart | None, engine: EngineName
) -> tuple[Layout, tuple[str, ...]]:
    """The layout over all GPUs; absent: tensor parallelism, or stages where the engine deals layers.

    Raises:
        InvalidInputError: tensor x pipeline x data is not the number of GPUs.
    """
    if parallelism is None:
        if hardware.count == 1:
            return Layout(), ()
        field = "pipeline" if traits_of(engine).deals_layers else "tensor"
        assumed = (f"parallelism: {field} {hardware.count}, since no layout was given",)
        return (
            Layout(pipeline=hardware.count) if field == "pipeline" else Layout(tensor=hardware.count)
        ), assumed
    if parallelism.gpus != hardware.count:
        product = f"{parallelism.tensor} x {parallelism.pipeline} x {parallelism.data} = {parallelism.gpus}"
        given = {"tensor", "pipeline", "data"} & parallelism.model_fields_set
        alone = "" if given else "; each is 1 beside parallelism.expert, give parallelism.tensor as well"
        msg = f"hardware.count: must be tensor x pipeline x data = {product}; it is {hardware.count}{alone}"
        raise InvalidInputError(msg, field="hardware.count", expected=parallelism.gpus)
    if isinstance(hardware, UnlikeHardware) and parallelism.pipeline != hardware.count:
        msg = f"parallelism.pipeline: must be {hardware.count}, a stage for each of the unlike GPUs"
        raise UnsupportedError(msg, field="parallelism.pipeline", accepted=[hardware.count])
    _check_stage_layers(parallelism, engine)
    sizes = parallelism.model_dump(exclude={"stage_layers"})
    stated = parallelism.stage_layers or ()
    return Layout(**sizes, stage_layers=stated), (UNEVEN,) if len(set(stated)) > 1 else ()


def _check_stage_layers(parallelism: ParallelismPart, engine: EngineName) -> None:
    """Refuses layers by stage where an engine deals them by itself, or by an option of its own.

    Raises:
        UnsupportedError: names the engines that take them.
    """
    traits = traits_of(engine)
    if parallelism.stage_layers is None or traits.stage_layers:
        return
    own = "; its option is engine.tensor_split" if traits.deals_layers else ""
    taken = engines_that(lambda each: each.stage_layers)
    names = ", ".join(taken)
    msg = f"parallelism.stage_layers: {engine} deals layers itself{own}; taken under {names}"
    raise UnsupportedError(msg, field="parallelism.stage_layers", accepted=[*taken])


def load_of(source: SourcedModel, formats: Precision, *, named: bool = True) -> Load:
    """What an engine is to run. A format that is not ``named`` counts as converted to what the engine reads."""
    weights = formats.weights
    converted = weights.is_gguf or not named
    return Load(
        model_type=source.model.model_type,
        weights=weights.name,
        storage=weights.storage,
        is_gguf=converted,
        method=None if converted else weights.method,
        compute=formats.numbers.recipe.default.compute,
    )


def _format_warnings(formats: Precision, engine: EngineName, gpu: Gpu) -> tuple[str, ...]:
    arithmetic = () if formats.weights.is_gguf else arithmetic_warnings(formats, gpu)
    return *_file_warnings(formats, engine), *arithmetic


def _file_warnings(formats: Precision, engine: EngineName) -> tuple[str, ...]:
    """Where the engine runs only files of a kind that the format has no counterpart in."""
    if not traits_of(engine).formats.gguf_alone or formats.weights.is_gguf:
        return ()
    name = formats.weights.name
    return (
        f"precision.weights: {engine} runs GGUF files, of which no kind is {name}; sizes are the checkpoint's",
    )


def arithmetic_warnings(formats: Precision, gpu: Gpu) -> tuple[str, ...]:
    """Where the GPU cannot multiply the weights' own numbers, the engine turns them into a 16-bit type first."""
    stored = formats.numbers.recipe.default
    if stored.compute is None or stored.compute in gpu.supported_precisions:
        return ()
    wide = next((name for name in ("bf16", "fp16") if name in gpu.supported_precisions), "fp32")
    verb = "dequantizes" if stored.bits_per_element < 16 else "converts"
    return (f"precision.weights: {gpu.id} has no {stored.compute} arithmetic; the engine {verb} to {wide}",)
