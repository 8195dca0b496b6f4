"""When releases of engines came out (``catalogs/calibration/releases.csv``), and what their times a token were then."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path

from pydantic import BaseModel

from llm_calc.adapters.calibration import load_calibration
from llm_calc.adapters.catalog.files import TEXT, catalog_folder, read_csv
from llm_calc.adapters.wire.engines import EnginePart
from llm_calc.core.calibration import chip_class
from llm_calc.core.engines.releases import version_numbers
from llm_calc.core.hardware import Gpu
from llm_calc.core.serving.estimate import Deployment


class ReleaseRow(BaseModel):
    """A line of ``releases.csv``: the day on which a release came out."""

    model_config = TEXT

    engine: str
    version: str
    date: dt.date
    source: str


@cache
def load_release_days(path: Path | None = None) -> Mapping[str, Sequence[ReleaseRow]]:
    """Releases of each engine, by day.

    Raises:
        CatalogError: a line is wrong; names it.
    """
    found: dict[str, list[ReleaseRow]] = {}
    rows = read_csv(ReleaseRow, catalog_folder("calibration", path) / "releases.csv")
    for row in sorted(rows, key=lambda row: row.date):
        found.setdefault(row.engine, []).append(row)
    return found


@lru_cache(maxsize=256)
def release_day(engine: str, version: str) -> dt.date | None:
    """The day of a release: of this very one, else of the last that begins so, else of the last before it.

    Before the first that is listed: the day of that. None of an engine without a list, or of what is no version.
    """
    rows, written = load_release_days().get(engine, ()), version.strip().removeprefix("v")
    numbers = version_numbers(written)
    if numbers is None or not rows:
        return None
    same = [row.date for row in rows if row.version == written]
    alike = [row.date for row in rows if (version_numbers(row.version) or ())[: len(numbers)] == numbers]
    before = [row.date for row in rows if (version_numbers(row.version) or ()) <= numbers]
    return (same or alike or before or [rows[0].date])[-1]


def release_factor(engine: EnginePart, gpu: Gpu) -> float | None:
    """Time a token of a stated release over that of the middle of the measured runs; None where nothing tells it."""
    drift = load_calibration("served").drift_of(f"{engine.name}/{chip_class(gpu)}")
    day = None if engine.version is None else release_day(engine.name, engine.version)
    return None if drift is None or day is None else drift.factor(day.toordinal())


def unstated_note(engine: EnginePart, gpu: Gpu) -> str | None:
    """What the newest release would change of times, where none is stated; None where nothing tells it."""
    rows = load_release_days().get(engine.name, ())
    drift = load_calibration("served").drift_of(f"{engine.name}/{chip_class(gpu)}")
    if drift is None or not rows:
        return None
    newest = rows[-1]
    return (
        "engine.version: not stated; times a token of a server are those of the middle of the measured runs, and "
        f"would be {drift.factor(newest.date.toordinal()):.2f} times those as {newest.version}"
    )


def at_release(deployment: Deployment, family: str, factor: float) -> Deployment:
    """The deployment as a server of that release; what was measured without a client stays."""
    offsets = replace(deployment.offsets, tpot=deployment.offsets.tpot * factor)
    if family == "served":
        return replace(deployment, offsets=offsets)
    if deployment.server is None:
        return deployment
    return replace(deployment, server=at_release(deployment.server, "served", factor))


def release_note(factor: float | None) -> str:
    """What a stated release changes of times."""
    own = "engine.version: rules, defaults and memory are of this release; efficiencies of all measured ones"
    if factor is None:
        return own
    return (
        f"{own}, times a token of a server {factor:.2f} times those of the middle of measured runs, as "
        "runs of one setting on several days moved"
    )
