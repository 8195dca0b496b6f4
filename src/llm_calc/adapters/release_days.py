"""When releases of engines came out (``catalogs/calibration/releases.csv``), and how old prices and rules are.

What is older than ``MOST_DAYS`` is said in the answer that rests on it. Ages count to today; ``SOURCE_DATE_EPOCH``
(seconds since 1970, the convention of reproducible builds) names another day. Sentences say the day and the bound,
never the age itself, so that an answer stays the same from day to day.
"""

import datetime as dt
import os
import re
from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
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


MOST_DAYS = 90
EPOCH = "SOURCE_DATE_EPOCH"
_LAST_DAY = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?$")


def today() -> dt.date:
    """The day that ages count to."""
    stated = os.environ.get(EPOCH, "").strip()
    return (
        dt.datetime.fromtimestamp(int(stated), dt.UTC).date()
        if stated.isdigit()
        else dt.datetime.now(dt.UTC).date()
    )


def is_old(day: dt.date) -> bool:
    """Whether a day lies further back than the bound."""
    return (today() - day).days > MOST_DAYS


def last_day(text: str) -> dt.date | None:
    """The last day that a text such as ``2026-08-21`` or ``2025-12/2026-08`` may speak of; None without a date."""
    found = _LAST_DAY.search(text)
    if found is None:
        return None
    year, month = int(found[1]), int(found[2] or 12)
    return dt.date(year, month, int(found[3] or monthrange(year, month)[1]))


def price_age(as_of: str) -> str:
    """What to say of a price's age; nothing of a recent one, or of the caller's own, which has no day."""
    day = last_day(as_of)
    if day is None:
        return "of no stated day" if as_of else ""
    return f"of {as_of}, more than {MOST_DAYS} days ago" if is_old(day) else ""


def old_prices(days: Iterable[tuple[str, str]]) -> list[str]:
    """One sentence for GPUs, each with the day of its price, whose prices are old."""
    old = [f"{gpu} {age}" for gpu, as_of in sorted(set(days)) if (age := price_age(as_of))]
    return [f"prices: rents change by the week; {', '.join(old)}: give your own in prices"] if old else []


def old_rules(title: str, version: str, read_on: str) -> list[str]:
    """One sentence where an engine's rules were read long ago."""
    day = last_day(read_on)
    if day is None or not is_old(day):
        return []
    age = f"were read on {read_on}, more than {MOST_DAYS} days ago; releases since then may differ"
    return [f"engine: the rules of {title} {version} {age}"]
