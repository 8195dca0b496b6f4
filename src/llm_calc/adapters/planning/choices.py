"""What a plan can be made of: GPUs, engines with number formats, layouts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from llm_calc.adapters.asked_caches import as_taken
from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.custom_gpu import CUSTOM_GPU
from llm_calc.adapters.formats import Precision, find_recipe
from llm_calc.adapters.formats.recipes import format_names
from llm_calc.adapters.gpu_counts import read_counted
from llm_calc.adapters.model_source import SourcedModel, model_precision, own_precision
from llm_calc.adapters.planning.launch_catalog import launch_rules, load_launch_rules
from llm_calc.adapters.planning.ways import PLAIN, Way
from llm_calc.adapters.runs_on import Load, refusal
from llm_calc.adapters.said_as import said_as
from llm_calc.adapters.setup import load_of
from llm_calc.adapters.variants import Wanted
from llm_calc.adapters.wire.parts import PrecisionPart
from llm_calc.adapters.wire.plans import DeploymentPlansRequest
from llm_calc.core.checkpoints.recipes.precision import sixteen_bit
from llm_calc.core.checkpoints.recipes.quantizer import KEPT
from llm_calc.core.engines import traits_of
from llm_calc.core.errors import InvalidInputError, UnsupportedError
from llm_calc.core.hardware import Gpu
from llm_calc.core.launching.rules import LaunchRules
from llm_calc.core.model import Model
from llm_calc.core.parallelism import Layout
from llm_calc.core.planning.space import layouts

AUTO = "auto"
MOST_GPUS = 64
"""GPUs of all replicas, where the request sets no limit."""
WIDEST_REPLICA = 32
MOST_KNOWN = 512
"""Kinds of GPUs whose refusals by an engine are kept; more than the catalog has."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Choice:
    """An engine with number formats for weights and cache.

    ``part`` names them for a request; ``own_weights``: those of the checkpoint; ``own_cache``: what the engine does
    with them by default; ``way``: what it has beside.
    """

    rules: LaunchRules
    load: Load
    precision: Precision
    part: PrecisionPart
    own_weights: bool
    own_cache: bool
    way: Way = PLAIN

    @property
    def engine(self) -> str:
        """Name of the engine."""
        return self.rules.name

    @property
    def searched_as(self) -> tuple[str | None, str]:
        """The format of the weights, and the engine in its way: what is searched by itself."""
        return self.part.weights, f"{self.engine}{self.way.label}"

    def refusal(self, gpu: Gpu) -> str | None:
        """Why the engine does not run this model with these weights on a GPU; None where it does."""
        return _refusals(self.engine, self.load).of(gpu)


class _Refusals:
    """Why an engine does not run a load, by GPU, as far as it was asked for."""

    def __init__(self, engine: str, load: Load) -> None:
        self.engine, self.load = engine, load
        self.known: dict[Gpu, str | None] = {}

    def of(self, gpu: Gpu) -> str | None:
        """Why not on this one."""
        if gpu not in self.known:
            if len(self.known) >= MOST_KNOWN:
                self.known.clear()
            self.known[gpu] = refusal(self.engine, gpu, self.load)
        return self.known[gpu]


_refusals = lru_cache(maxsize=64)(_Refusals)


def named_gpus(names: Sequence[str] | None, catalogs: Catalogs) -> Sequence[Gpu]:
    """The GPUs of these names; without any all of the catalog.

    Raises:
        UnknownNameError: no such GPU; offers the nearest.
        UnsupportedError: a custom GPU, whose rent and links nothing says.
    """
    if names is None:
        return catalogs.gpus
    if CUSTOM_GPU in names:
        msg = (
            "gpus: plans and recommendations compare GPUs of the catalog; one of your own is hardware.gpu custom of a "
            "memory plan, an estimate or a fit"
        )
        raise UnsupportedError(msg, field="gpus")
    return [_kind(name, catalogs) for name in names]


def _kind(name: str, catalogs: Catalogs) -> Gpu:
    read = read_counted(name)
    if read.count is not None and name not in catalogs.gpu_names and read.gpu in catalogs.gpu_names:
        msg = f"gpus: {name[:60]!r} is a number of GPUs; name the kind, {read.gpu}, and the most in max_gpus"
        raise InvalidInputError(msg, field="gpus", accepted=[read.gpu])
    return catalogs.gpu(name, "gpus")


def chosen_gpus(request: DeploymentPlansRequest, catalogs: Catalogs) -> tuple[Gpu, ...]:
    """The GPUs that a request allows, each once.

    Raises:
        UnknownNameError: no such GPU; offers the nearest.
        InvalidInputError: no GPU of the catalog is of the vendors that the limits name.
    """
    named = named_gpus(request.gpus, catalogs)
    vendors = request.limits.vendors
    if vendors is None:
        return tuple(dict.fromkeys(named))
    known = {gpu.vendor for gpu in catalogs.gpus}
    wanted = {vendor.casefold() for vendor in vendors}
    if not wanted <= {vendor.casefold() for vendor in known}:
        msg = f"limits.vendors: must be among {', '.join(sorted(known))}"
        raise InvalidInputError(msg, field="limits.vendors", accepted=sorted(known))
    return tuple(dict.fromkeys(gpu for gpu in named if gpu.vendor.casefold() in wanted))


FIELDS = {"precision.weights": "formats", "precision.kv_cache": "kv_cache_formats"}
"""Fields of a deployment, and those of a plan that say the same of several."""


def choices(request: DeploymentPlansRequest, source: SourcedModel) -> tuple[Choice, ...]:
    """Every engine with every format of weights and cache that the request allows.

    Raises:
        UnknownNameError: a format that the catalog does not hold.
        InvalidInputError: none of the formats is one that any of the engines runs.
    """
    with said_as(FIELDS):
        found = [
            choice
            for engine in _engines(request)
            for weights in _weights(request, source, engine)
            for choice in _with_caches(source, engine, weights, request.kv_cache_formats)
        ]
    if not found and source.variant is not None:
        named = source.variant
        msg = f"model.name: none of the engines asked for runs {named.weights}, which {named.name!r} says"
        raise InvalidInputError(msg, field="model.name", accepted=[named.model])
    if not found and source.offered is not None:
        files = source.offered
        msg = f"model.name: none of the engines asked for loads files of the kind that {files.name!r} stands for"
        raise InvalidInputError(msg, field="model.name", accepted=[files.model])
    if not found and request.formats is None:
        caches = ", ".join(request.kv_cache_formats)
        msg = f"kv_cache_formats: none of {caches} is one that the engines asked for keep a cache in"
        raise InvalidInputError(msg, field="kv_cache_formats")
    if not found:
        msg = f"formats: none of {', '.join(request.formats or ())} is one that the engines asked for run"
        raise InvalidInputError(msg, field="formats")
    return tuple({_signature(choice): choice for choice in reversed(found)}.values())[::-1]


def _engines(request: DeploymentPlansRequest) -> tuple[str, ...]:
    """The engines asked for, or all that plans start; with sessions those whose caches of prompts are modelled.

    Raises:
        InvalidInputError: none of those asked for is one.
    """
    named = tuple(request.engines or load_launch_rules())
    kept = tuple(name for name in named if traits_of(name).load.sessions or not request.workload.reuses)
    if not kept:
        msg = f"engines: prompt caches of {', '.join(named)} are not modelled, which workload.sessions needs"
        raise InvalidInputError(msg, field="engines")
    return kept


def _signature(choice: Choice) -> tuple[object, ...]:
    return choice.engine, id(choice.precision.numbers.recipe), choice.precision.kv_cache


def _weights(request: DeploymentPlansRequest, source: SourcedModel, engine: str) -> list[str | None]:
    """Names of weight formats; None: the checkpoint's own."""
    gguf = traits_of(engine).formats.gguf_alone
    if source.offered is not None:
        return _offered(request, source, source.offered, engine)
    if request.formats is None and source.variant is not None:
        return [None] if find_recipe(source.variant.weights, engine).is_gguf == gguf else []
    if request.formats is None:
        return _usual_files(source, engine) if gguf else [None, *_smaller(source, engine)]
    entries = [(name, find_recipe(name, engine)) for name in request.formats]
    return [name for name, entry in entries if entry.is_gguf == gguf]


def _offered(
    request: DeploymentPlansRequest, source: SourcedModel, files: Wanted, engine: str
) -> list[str | None]:
    """Formats that files of a name may have: those asked for, else usual ones; none for engines of other files."""
    for name in request.formats or ():
        files.check(name)
    gguf = traits_of(engine).formats.gguf_alone
    if gguf != files.is_gguf:
        return []
    if request.formats is None and files.same == "files":
        return _usual_files(source, engine)
    return list(request.formats or files.plans)


def _usual_files(source: SourcedModel, engine: str) -> list[str | None]:
    """The checkpoint's own kind of file, where a file keeps its numbers; else the usual ones."""
    own = own_precision(source, engine).weights
    if own.storage in KEPT or source.gguf is not None or source.variant is not None:
        return [None]
    return list(launch_rules(engine).usual_formats)


def _smaller(source: SourcedModel, engine: str) -> list[str | None]:
    """The usual formats, where the checkpoint's own takes more bits."""
    rules = launch_rules(engine)
    own = own_precision(source, engine).numbers.recipe.default
    return list(rules.usual_formats) if own.bits_per_element > rules.usual_above_bits else []


def _with_caches(
    source: SourcedModel, engine: str, weights: str | None, caches: list[str]
) -> Iterator[Choice]:
    rules = launch_rules(engine)
    default, _ = as_taken(source, PrecisionPart(weights=weights), engine, None)
    for cache in caches:
        precision, _ = as_taken(source, PrecisionPart(weights=weights, kv_cache=cache), engine, None)
        if precision.kv_cache == default.kv_cache or precision.kv_cache in rules.kv_cache_formats:
            yield _choice(source, rules, weights, precision, default)


def choice_of(source: SourcedModel, engine: str, part: PrecisionPart) -> Choice | None:
    """The choice that a precision names; None where the engine's command has no word for its cache.

    Raises:
        UnknownNameError: an engine that has no launch rules.
    """
    return next(_with_caches(source, engine, part.weights, [part.kv_cache]), None)


def _choice(
    source: SourcedModel, rules: LaunchRules, weights: str | None, precision: Precision, default: Precision
) -> Choice:
    """The choice with its formats named, so that no other answer decides an ``auto`` differently."""
    own = own_precision(source, rules.name)
    name = weights or _name_of(source, own, rules.name)
    return Choice(
        rules=rules,
        load=load_of(source, precision),
        precision=precision,
        part=PrecisionPart(weights=name, kv_cache=precision.kv_cache, activations=precision.activations),
        own_weights=_is_published(
            source, own=weights is None or precision.weights.recipe is own.weights.recipe
        ),
        own_cache=precision.kv_cache == default.kv_cache,
    )


def _is_published(source: SourcedModel, *, own: bool) -> bool:
    """Whether the weights lie in a repository that the command can name; ``own``: they are those of the model."""
    files = source.offered or source.wanted
    if files is not None:
        return files.repository is not None
    return own and (source.variant is None or source.variant.repository is not None)


def _name_of(source: SourcedModel, own: Precision, engine: str) -> str | None:
    """A catalog name that stands for the checkpoint's own weights; None where none does."""
    stored = own.weights
    if source.variant is not None:
        return source.variant.weights
    for name in (stored.storage, stored.name, sixteen_bit(source.model)):
        if name not in format_names():
            continue
        if model_precision(source, PrecisionPart(weights=name), engine).weights.recipe is stored.recipe:
            return name
    return None


def layouts_on(
    gpu: Gpu, model: Model, rules: LaunchRules, most_gpus: int, gpus_per_node: int
) -> tuple[Layout, ...]:
    """Layouts of one replica."""
    most = min(most_gpus, gpus_per_node if rules.one_host else WIDEST_REPLICA)
    return layouts(model, rules.layout_rules, 1 if comes_alone(gpu) else most)


def comes_alone(gpu: Gpu) -> bool:
    """Whether a host has one of them and no fast network: memory shared with the processor, nothing to join it to."""
    return gpu.unified_memory and gpu.gpus_per_fast_domain == 1
