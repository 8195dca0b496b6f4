"""The fitted catalog files."""

import datetime as dt
import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

import numpy as np

from llm_calc.adapters.alone import load_key
from llm_calc.adapters.config_file import read_config
from llm_calc.core.arrays import FloatArray
from llm_calc.core.calibration import Drift, HeldOutError
from llm_calc.core.engines.releases import version_numbers
from llm_calc.core.serving.calibrated import maker_key, measured_key
from tools.calibrate.cases import Case
from tools.calibrate.drift import pair_of
from tools.calibrate.evaluate import Fitted
from tools.calibrate.folds import HELD_OUT, group, setting_group
from tools.calibrate.hosting import SCHEDULING
from tools.calibrate.implied import LOAD, METRIC, implied_residuals, known_pairs, pairs_of
from tools.calibrate.measurements import ROOT, read_config_of
from tools.calibrate.novelty import LEAST_OF_PAIR, Blind, blind_of
from tools.calibrate.offsets import Offsets
from tools.calibrate.parameters import Unknowns
from tools.calibrate.priors import MEANINGS
from tools.calibrate.ranges import group_range

FITTED_ON = "2026-11-22"
"""Day of the measurements' collection; changes with them, not with the day of the fit."""
DIGITS = 4
LEAST_DEVIATION = 1e-3
ROUNDING = 2e-3
"""What residuals at written efficiencies may differ by from those of the fit: deviations below 1e-3 are not written."""
LEAST_SETTINGS = 8
"""Settings, from which on a pair of engine and chips has a range of its own."""


NOT_OF_A_FAMILY = ("name", "quicker", "captured")
"""Of kernels, what the file is named by and what single engines of it have."""


def write_family(fitted: Fitted) -> None:
    """``catalogs/calibration/<family>.json``."""
    content = {
        "name": fitted.family.name,
        "title": fitted.family.title,
        "fitted_on": FITTED_ON,
        "measurements": int(fitted.fitted.sum()),
        "set_aside": dict(Counter(case.row.aside for case in fitted.cases if case.row.aside)),
        "kernels": {
            key: value for key, value in asdict(fitted.family.kernels).items() if key not in NOT_OF_A_FAMILY
        },
        "scheduling": (
            {name: row.model_dump() for name, row in SCHEDULING.items()}
            if fitted.family.name == "served"
            else {}
        ),
        "efficiencies": {**_efficiencies(fitted.unknowns, fitted.x), **_host(fitted)},
        "errors": [*_implied_errors(fitted), *_errors(fitted)],
        "seen": seen_by(fitted.cases),
        "offsets": _offsets(fitted.offsets),
        "drifts": {pair: _points(drift) for pair, drift in sorted(fitted.drifts.by_pair.items())},
        "releases": releases_in(fitted.cases),
    }
    _write(fitted.family.name, content)


def _points(drift: Drift) -> dict[str, float]:
    return {dt.date.fromordinal(day).isoformat(): _short(value) for day, value in drift.points}


def releases_in(cases: Sequence[Case]) -> dict[str, list[str]]:
    """Releases that sources name, oldest first, by engine and class of chips."""
    found: dict[str, set[str]] = defaultdict(set)
    for case in cases:
        if case.row.aside is None and version_numbers(case.row.engine_version) is not None:
            found[pair_of(case)].add(case.row.engine_version.removeprefix("v"))
    return {
        pair: sorted(some, key=lambda name: (version_numbers(name) or (), name))
        for pair, some in sorted(found.items())
    }


def rewrite_seen(family: str, cases: Sequence[Case]) -> None:
    """What the fit of a family has seen, anew from the same cases; everything fitted stays as it stands."""
    content = json.loads((ROOT / f"{family}.json").read_text(encoding="utf-8"))
    _write(family, {**content, "seen": seen_by(cases), "releases": releases_in(cases)})


def rewrite_offsets(family: str, offsets: Offsets) -> None:
    """Offsets of a family, anew; everything else stays as it stands, and what moved by no more than rounding."""
    content = json.loads((ROOT / f"{family}.json").read_text(encoding="utf-8"))
    old, new = content["offsets"], _offsets(offsets)
    kept = {key: old[key] for key in old.keys() & new.keys() if abs(old[key] - new[key]) < ROUNDING}
    _write(family, {**content, "offsets": {key: kept.get(key, value) for key, value in new.items()}})


def _offsets(offsets: Offsets) -> dict[str, float]:
    return {key: _short(-value) for key, value in sorted(offsets.items())}


def _write(family: str, content: Mapping[str, object]) -> None:
    text = json.dumps(content, indent=1, ensure_ascii=False)
    (ROOT / f"{family}.json").write_text(text + "\n", encoding="utf-8")


def _host(fitted: Fitted) -> dict[str, object]:
    return _efficiencies(fitted.host, fitted.host_x) if fitted.host is not None else {}


def _efficiencies(unknowns: Unknowns, x: FloatArray) -> dict[str, object]:
    values = dict(zip(unknowns.names, (x + unknowns.centre).tolist(), strict=True))
    return {name: _efficiency(unknowns, name, values) for name in unknowns.priors}


def _efficiency(unknowns: Unknowns, name: str, values: dict[str, float]) -> dict[str, object]:
    """Base, bounds and deviations; what a base lies beyond its bounds goes to the deviations of one kind of key."""
    prior = unknowns.priors[name]
    wanted = prior.base * math.exp(values[name])
    base = min(prior.high, max(prior.low, wanted))
    beyond, kind = math.log(wanted / base), next(iter(prior.depends), "")
    deviations = {key.split("|")[1]: value for key, value in values.items() if key.startswith(f"{name}|")}
    moved = {key: value + beyond * key.startswith(f"{kind}:") for key, value in deviations.items()}
    return {
        "meaning": MEANINGS[name],
        "base": _short(base),
        "low": prior.low,
        "high": prior.high,
        "deviations": {key: _short(value) for key, value in moved.items() if abs(value) > LEAST_DEVIATION},
    }


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def seen_by(cases: Sequence[Case]) -> list[str]:
    """Keys of what a fit to these cases has seen: engines by class of chips, loads, GPUs, models together."""
    return sorted(set(_seen(cases)))


def _seen(cases: Sequence[Case]) -> Iterator[str]:
    for case in cases:
        if case.row.aside is None:
            yield f"{case.row.engine}/{case.chip}"
            yield load_key(case.row.load, case.row.engine, case.chip)
            yield f"gpu:{case.row.gpu}"
            yield maker_key(case.row.engine, case.vendor)
            model = read_config(read_config_of(case.row.model)).model
            yield measured_key(case.row.engine, case.row.gpu, model)


def _errors(fitted: Fitted) -> Iterator[dict[str, object]]:
    kinds = sorted({(case.row.load, metric_of(case.row.metric)) for case in fitted.cases})
    for kind in kinds:
        own = blind_of_metric(fitted, kind)
        if np.isfinite(own.residuals["row"]).any():
            yield from error_rows(own)


def blind_of_metric(fitted: Fitted, kind: tuple[str, str]) -> Blind:
    """What was predicted of a load and a metric of answers by fits that had not seen it."""
    cases = fitted.cases
    member = np.array([(case.row.load, metric_of(case.row.metric)) == kind for case in cases]) & fitted.fitted
    return blind_of(fitted, kind, {way: np.where(member, fitted.residuals[way], np.nan) for way in HELD_OUT})


def blind_of_implied(fitted: Fitted) -> Blind:
    """The same of the output that closed loops imply; see :mod:`tools.calibrate.implied`."""
    pairs = pairs_of(fitted.cases)
    found = {way: np.full(len(fitted.cases), np.nan) for way in HELD_OUT}
    for way, values in found.items():
        here = known_pairs(fitted, pairs, way)
        values[here.first] = implied_residuals(fitted, here, way)
    return blind_of(fitted, (LOAD, METRIC), found)


def error_rows(blind: Blind) -> Iterator[dict[str, object]]:
    """Of single rows, of each pair of engine and chips with enough of them, and of all that was newer."""
    rows = blind.rows
    stacks = [group(case, "row") for case in rows.cases]
    yield error_row(blind.load, blind.metric, "row", rows.residuals, stacks)
    members: dict[str, list[int]] = defaultdict(list)
    for at, case in enumerate(blind.rows.cases):
        members[pair_of(case)].append(at)
    for pair, some in sorted(members.items()):
        own = blind.rows.chosen(np.array(some))
        if len(some) >= LEAST_OF_PAIR and len({setting_group(case) for case in own.cases}) >= LEAST_SETTINGS:
            yield written(own.error("row", pair=pair))
    for error in blind.samples.errors():
        yield written(error)


def written(error: HeldOutError) -> dict[str, object]:
    """An error as the file has it."""
    values = {
        name: _short(value) if isinstance(value, float) else value for name, value in asdict(error).items()
    }
    return {name: value for name, value in values.items() if value != ""}


def _implied_errors(fitted: Fitted) -> Iterator[dict[str, object]]:
    if len(pairs_of(fitted.cases).first):
        yield from error_rows(blind_of_implied(fitted))


def metric_of(metric: str) -> str:
    """The metric of an answer that a measured one tells about."""
    names = {
        "decode_tokens_per_s": "tpot_s",
        "prefill_tokens_per_s": "ttft_s",
        "total_tokens_per_s": "output_tokens_per_s",
        "ttft_median_s": "ttft_s",
    }
    return names.get(metric, metric)


def error_row(
    load: str, metric: str, held_out: str, residuals: FloatArray, groups: Sequence[str]
) -> dict[str, object]:
    """Mean and median error, and the range of ln(measured / predicted) that holds 80 % of new groups' cases."""
    off = np.abs(np.expm1(residuals))
    low, high = group_range(-residuals, np.array(groups))
    return {
        "load": load,
        "metric": metric,
        "held_out": held_out,
        "measurements": len(residuals),
        "mean_fraction": _short(float(off.mean())),
        "median_fraction": _short(float(np.median(off))),
        "low_log": _short(float(low)),
        "high_log": _short(float(high)),
    }
