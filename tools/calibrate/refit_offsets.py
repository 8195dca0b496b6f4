"""Offsets anew from the efficiencies that are written: after their keys changed, nothing else has to be fitted."""

import json
from collections.abc import Mapping, Sequence
from math import log

import numpy as np
import numpy.typing as npt

from llm_calc.core.arrays import FloatArray
from tools.calibrate.cases import Case, keys_of
from tools.calibrate.drift import learned as drifts_of
from tools.calibrate.evaluate import Server, is_simulated
from tools.calibrate.families import Family
from tools.calibrate.measurements import ROOT
from tools.calibrate.offsets import Offsets, learned
from tools.calibrate.parameters import Unknowns
from tools.calibrate.predict import residuals_of, stack
from tools.calibrate.solver import Problem


def offsets_anew(family: Family, cases: Sequence[Case]) -> Offsets:
    """Offsets of a family by the efficiencies of its file."""
    written = json.loads((ROOT / f"{family.name}.json").read_text(encoding="utf-8"))["efficiencies"]
    usable = np.array([case.row.aside is None for case in cases])
    return learned(cases, _residuals(family, cases, written, usable), usable)


def _residuals(
    family: Family,
    cases: Sequence[Case],
    written: Mapping[str, Mapping[str, object]],
    usable: "npt.NDArray[np.bool_]",
) -> FloatArray:
    stacked, found = stack(cases), np.zeros(len(cases))
    simulated = np.array([is_simulated(case) for case in cases])
    unknowns = Unknowns(family.priors, keys_of(cases))
    x = point_of(unknowns, written)
    moved = drifts_of(cases, usable).own(cases)
    every, rows = np.flatnonzero(~simulated), np.flatnonzero(simulated)
    residuals = residuals_of(cases, every, stacked, family.kernels)
    found[every] = Problem(unknowns, every, lambda point: residuals(point) + moved[every]).at(x)
    if len(rows):
        server = Server(family, cases, stacked, unknowns, rows)
        server.runs = server.simulate(x, rows)
        found[rows] = server.known(point_of(server.unknowns, written))
    return found


def point_of(unknowns: Unknowns, written: Mapping[str, Mapping[str, object]]) -> FloatArray:
    """The unknowns at written efficiencies; a deviation too small to be written is none."""
    found = np.array([_value(unknowns, name, written) for name in unknowns.names])
    return found - unknowns.centre


def _value(unknowns: Unknowns, unknown: str, written: Mapping[str, Mapping[str, object]]) -> float:
    name, _, key = unknown.partition("|")
    row = written[name]
    if not key:
        return log(float(str(row["base"])) / unknowns.priors[name].base)
    return float(dict(row["deviations"]).get(key, 0.0))  # type: ignore[call-overload]
