"""The fitted catalog files."""

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

import numpy as np

from llm_calc.adapters.architectures import read_config
from llm_calc.adapters.calibration import maker_key, measured_key
from llm_calc.core.arrays import FloatArray
from tools.calibrate.cases import Case
from tools.calibrate.evaluate import Fitted
from tools.calibrate.folds import HELD_OUT, group
from tools.calibrate.hosting import SCHEDULING
from tools.calibrate.implied import LOAD, METRIC, implied_residuals, known_pairs, pairs_of
from tools.calibrate.measurements import ROOT, read_config_of
from tools.calibrate.parameters import Unknowns
from tools.calibrate.priors import MEANINGS
from tools.calibrate.ranges import group_range

FITTED_ON = "2026-11-22"
"""Day of the measurements' collection; changes with them, not with the day of the fit."""
DIGITS = 4
LEAST_DEVIATION = 1e-3
THROUGHPUT = ("output_tokens_per_s", "total_tokens_per_s")


def write_family(fitted: Fitted) -> None:
    """``catalogs/calibration/<family>.json``."""
    content = {
        "name": fitted.family.name,
        "title": fitted.family.title,
        "fitted_on": FITTED_ON,
        "measurements": int(fitted.fitted.sum()),
        "set_aside": dict(Counter(case.row.aside for case in fitted.cases if case.row.aside)),
        "kernels": {key: value for key, value in asdict(fitted.family.kernels).items() if key != "name"},
        "scheduling": (
            {name: row.model_dump() for name, row in SCHEDULING.items()}
            if fitted.family.name == "served"
            else {}
        ),
        "efficiencies": {**_efficiencies(fitted.unknowns, fitted.x), **_host(fitted)},
        "errors": [*_implied_errors(fitted), *_errors(fitted)],
        "seen": seen_by(fitted.cases),
        "offsets": {key: _short(-value) for key, value in sorted(fitted.offsets.items())},
    }
    _write(fitted.family.name, content)


def rewrite_seen(family: str, cases: Sequence[Case]) -> None:
    """What the fit of a family has seen, anew from the same cases; everything fitted stays as it stands."""
    content = json.loads((ROOT / f"{family}.json").read_text(encoding="utf-8"))
    _write(family, {**content, "seen": seen_by(cases)})


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
    """Keys of what a fit to these cases has seen: engines by class of chips, GPUs, and models on them together."""
    return sorted(set(_seen(cases)))


def _seen(cases: Sequence[Case]) -> Iterator[str]:
    for case in cases:
        if case.row.aside is None:
            yield f"{case.row.engine}/{case.chip}"
            yield f"gpu:{case.row.gpu}"
            yield maker_key(case.row.engine, case.vendor)
            model = read_config(read_config_of(case.row.model)).model
            yield measured_key(case.row.engine, case.row.gpu, model)


def _errors(fitted: Fitted) -> Iterator[dict[str, object]]:
    kinds = sorted({(case.row.load, metric_of(case.row.metric)) for case in fitted.cases})
    for load, metric in kinds:
        member = np.array(
            [(case.row.load, metric_of(case.row.metric)) == (load, metric) for case in fitted.cases]
        )
        if not (member & fitted.fitted).any():
            continue
        for held_out in HELD_OUT:
            chosen = member & fitted.fitted & np.isfinite(fitted.residuals[held_out])
            groups = [
                group(case, held_out) for case, is_in in zip(fitted.cases, chosen, strict=True) if is_in
            ]
            yield error_row(load, metric, held_out, fitted.residuals[held_out][chosen], groups)


def _implied_errors(fitted: Fitted) -> Iterator[dict[str, object]]:
    """Of the output that closed loops imply; see :mod:`tools.calibrate.implied`."""
    pairs = pairs_of(fitted.cases)
    for held_out in HELD_OUT if len(pairs.first) else ():
        here = known_pairs(fitted, pairs, held_out)
        groups = [group(fitted.cases[at], held_out) for at in here.first]
        yield error_row(LOAD, METRIC, held_out, implied_residuals(fitted, here, held_out), groups)


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
