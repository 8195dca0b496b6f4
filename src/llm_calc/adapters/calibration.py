"""The calibration catalog: fitted efficiencies of each family of kernels, and which family a request takes."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from llm_calc.adapters.catalog.files import STRICT, Many, catalog_folder, read_json
from llm_calc.adapters.polls import polls
from llm_calc.adapters.wire.calibration_part import CalibrationPart
from llm_calc.core.calibration import (
    Calibration,
    Drift,
    Efficiency,
    HeldOutError,
)
from llm_calc.core.engines import traits_of
from llm_calc.core.serving.rates import Kernels
from llm_calc.core.serving.traffic import Policy

Family = Literal["served", "batch", "llama.cpp"]
OWN_FAMILY: Family = "llama.cpp"


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
    stage_batches: bool = False


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
        kernels=Kernels(name=family, **row.kernels.model_dump()),
        polls=polls(),
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
    known = traits_of(engine).load
    if known.own_machine:
        return OWN_FAMILY
    return "served" if known.server and load in ("request_rate", "concurrency") else "batch"
