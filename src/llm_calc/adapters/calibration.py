"""The calibration catalog: fitted efficiencies of each family of kernels, and which family a request takes."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from llm_calc.adapters.catalog.files import STRICT, Many, catalog_folder, read_json
from llm_calc.adapters.polls import with_polls
from llm_calc.adapters.wire.calibration_part import CalibrationPart
from llm_calc.core.architectures.shape import shape_of
from llm_calc.core.arrays import Quantity
from llm_calc.core.calibration import (
    OWN_MACHINES,
    Calibration,
    Drift,
    Efficiency,
    HeldOutError,
    chip_class,
    format_class,
)
from llm_calc.core.hardware import Gpu
from llm_calc.core.model import Model
from llm_calc.core.operators.work import GROUPS, StepWork
from llm_calc.core.serving.host import HostTimes
from llm_calc.core.serving.rates import Kernels, Machine, Rates, reached_rates
from llm_calc.core.serving.traffic import Policy

Family = Literal["served", "batch", "llama.cpp"]
SERVERS = ("vllm", "sglang", "trtllm")
"""Engines that were measured as servers."""
GENERIC = "generic"
FIRST_VENDOR = "nvidia"
"""Engines were written for its GPUs."""
HOST_TIMES = ("request_s", "prompt_token_s", "arrival_s", "stream_tokens")


class EfficiencyRow(BaseModel):
    """One efficiency: base, bounds, deviations (natural logarithms) by key."""

    model_config = STRICT

    meaning: str
    base: float
    low: float
    high: float
    deviations: dict[str, float] = {}


class SchedulingRow(BaseModel):
    """How an engine schedules, and which part of its planned cache measured deployments fill."""

    model_config = STRICT

    policy: Policy
    reserved_fraction: float
    capacity_fraction: float = 1.0


class KernelsRow(BaseModel):
    """How the family's kernels work; see ``core.serving.rates.Kernels``."""

    model_config = STRICT

    vector_tokens: int = 0
    tile_tokens: int = 1
    overlap_exponent: float = 3.0
    prompt_tokens: int = 8192
    stages_overlap: bool = False


class ErrorRow(BaseModel):
    """Held-out errors of one metric under one load; bounds of the middle 80 % of ln(measured / predicted)."""

    model_config = STRICT

    load: str
    metric: str
    held_out: str
    measurements: int
    mean_fraction: float
    median_fraction: float
    low_log: float
    high_log: float
    pair: str = ""
    maker: str = ""


class CalibrationFile(BaseModel):
    """One file of ``catalogs/calibration``, written by the calibrate command."""

    model_config = STRICT

    name: Family
    title: str
    fitted_on: str
    measurements: int
    set_aside: dict[str, int]
    kernels: KernelsRow
    scheduling: dict[str, SchedulingRow] = {}
    efficiencies: dict[str, EfficiencyRow]
    errors: Many[ErrorRow]
    seen: Many[str]
    offsets: dict[str, float] = {}
    drifts: dict[str, dict[str, float]] = {}
    releases: dict[str, list[str]] = {}


@cache
def load_calibration_file(family: Family, path: Path | None = None) -> CalibrationFile:
    """A file of the calibration catalog, read once.

    Raises:
        CatalogError: the file is wrong; names the key.
    """
    return read_json(CalibrationFile, catalog_folder("calibration", path) / f"{family}.json")


@cache
def load_calibration(family: Family) -> Calibration:
    """A fitted set of efficiencies."""
    row = load_calibration_file(family)
    return Calibration(
        name=row.name,
        fitted_on=row.fitted_on,
        measurements=row.measurements,
        efficiencies=tuple(_efficiency(name, each) for name, each in row.efficiencies.items()),
        errors=tuple(HeldOutError(**each.model_dump()) for each in row.errors),
        seen=frozenset(row.seen),
        offsets=tuple(row.offsets.items()),
        releases=tuple((pair, tuple(names)) for pair, names in row.releases.items()),
        drifts=tuple(_drift(pair, points) for pair, points in row.drifts.items()),
    )


def _drift(pair: str, points: Mapping[str, float]) -> Drift:
    days = ((dt.date.fromisoformat(day).toordinal(), value) for day, value in sorted(points.items()))
    return Drift(pair=pair, points=tuple(days))


def scaled_calibration(calibration: Calibration, part: CalibrationPart | None) -> Calibration:
    """The calibration with efficiencies scaled as the caller's own measurements ask for."""
    if part is None:
        return calibration
    return replace(
        calibration,
        efficiencies=tuple(each.scaled(part.scales.get(each.name, 1.0)) for each in calibration.efficiencies),
    )


def _efficiency(name: str, row: EfficiencyRow) -> Efficiency:
    return Efficiency(
        name=name, base=row.base, low=row.low, high=row.high, deviations=tuple(row.deviations.items())
    )


def family_of(engine: str, load: str) -> Family:
    """Which measurements an answer rests on.

    Engines for one's own machine have kernels of their own. Of servers, loads of clients were measured apart.
    """
    if engine in OWN_MACHINES:
        return "llama.cpp"
    return "served" if engine in SERVERS and load in ("request_rate", "concurrency") else "batch"


def keys_of(engine: str, gpu: Gpu) -> tuple[str, ...]:
    """What efficiencies may depend on, but for number formats."""
    return _keys(engine, chip_class(gpu), gpu.vendor.lower())


@lru_cache(maxsize=1024)
def _keys(engine: str, chip: str, vendor: str) -> tuple[str, ...]:
    kinds = {
        "engine": engine,
        "generation": chip,
        "vendor": vendor,
        "maker": maker_of(vendor),
        "pair": f"{engine}/{chip}",
    }
    return tuple(f"{kind}:{label}" for kind, label in kinds.items())


def maker_of(vendor: str) -> str:
    """Vendors that engines were ported to share what is known of them all: one was never measured starts from that."""
    return vendor if vendor == FIRST_VENDOR else "other"


def maker_key(engine: str, vendor: str) -> str:
    """What a fit has seen together: an engine and a vendor; those of the others count as one."""
    return f"maker:{engine}/{maker_of(vendor)}"


def kernel_key(engine: str, experts: str, chip: str) -> str:
    """What grouped expert kernels depend on: engine, class of the experts' format and of the chip."""
    return f"{engine}/{format_class(experts)}/{chip}"


def rates_of(
    calibration: Calibration,
    machine: Machine,
    work: StepWork,
    engine: str,
    gpu: Gpu,
    *,
    many: bool = False,
) -> Rates:
    """The rates that this engine reaches on this GPU with these formats.

    ``many``: several requests in flight. What engines of one user take for a prompt says nothing of that.
    """
    keys, with_formats = _rate_keys(
        engine, chip_class(gpu), gpu.vendor.lower(), tuple(each.format for each in work.linear)
    )

    def value(name: str, group: int | None) -> float:
        if many and engine == GENERIC and name == "prefill_layer_s":
            return calibration.value(name, keys[1:])
        return calibration.value(name, keys if group is None else with_formats[group])

    return reached_rates(machine, value, kernels_of(calibration.name))


@lru_cache(maxsize=1024)
def _rate_keys(
    engine: str, chip: str, vendor: str, formats: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """What rates depend on, and for each group of matrices the same with its format."""
    experts = formats[GROUPS.index("experts")]
    keys = (*_keys(engine, chip, vendor), f"kernel:{kernel_key(engine, experts, chip)}")
    named = [format_class(each) for each in formats]
    return keys, tuple((*keys, f"format:{each}", f"chip_format:{chip}/{each}") for each in named)


@cache
def kernels_of(family: Family) -> Kernels:
    """How the family's kernels work."""
    return Kernels(name=family, **load_calibration_file(family).kernels.model_dump())


def host_of(
    calibration: Calibration, engine: str, gpu: Gpu, work: StepWork, shape: str, polls: int | None = None
) -> HostTimes:
    """What the server adds to a first token of a model of this shape; nothing where no server was measured.

    ``polls``: steps between looks for new requests that a request states.
    """
    if "request_s" not in calibration.by_name:
        return HostTimes()
    keys = keys_of(engine, gpu)
    found = host_times(lambda name: calibration.value(name, keys), is_dealt(work))
    return with_polls(found, engine, chip_class(gpu), shape, work, polls)


def host_times(value: Callable[[str], Quantity], dealt: Quantity) -> HostTimes:
    """Host times by name; where attention is dealt over replicas, with the steps that balancing them takes."""
    own = {name: value(name) for name in HOST_TIMES}
    waited = own.pop("stream_tokens") + dealt * value("replica_steps")
    return HostTimes(**own, stream_tokens=waited)


def is_dealt(work: StepWork) -> float:
    """1 where replicas of attention have sequences of their own, else 0."""
    return float(work.sequence_share < 1)


def measured_key(engine: str, gpu: str, model: Model) -> str:
    """What a fit has seen together: an engine, a GPU (its id) and a model, told by its shape."""
    return f"run:{engine}/{gpu}/{shape_of(model)}"


def unseen(calibration: Calibration, engine: str, gpu: Gpu, model: Model) -> str:
    """The most important thing that the fit had no measurements of.

    ``vendor``: the engine on any chip of this vendor; ``generation``: the engine on this class of chips; ``gpu``:
    this GPU, under any engine; ``model``: this model on this GPU under this engine, whether it was never measured or
    only elsewhere; ``row``: nothing, but these very formats, layout, lengths and load.
    """
    if maker_key(engine, gpu.vendor.lower()) not in calibration.seen:
        return "vendor"
    if f"{engine}/{chip_class(gpu)}" not in calibration.seen:
        return "generation"
    if f"gpu:{gpu.id}" not in calibration.seen:
        return "gpu"
    return "row" if measured_key(engine, gpu.id, model) in calibration.seen else "model"
