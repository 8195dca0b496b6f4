"""The unknowns of a fit: for every efficiency a base and deviations by key, all as natural logarithms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from llm_calc.core.arrays import FloatArray
from llm_calc.core.operators.work import GROUPS
from tools.calibrate.priors import FIXED, Prior

Rows = npt.NDArray[np.intp]
"""Indices of cases, or of unknowns."""
Term = tuple[str, int | None]
"""An efficiency, and the group of matrices whose format it depends on."""


OF_FORMATS = ("format", "chip_format")
"""Kinds of keys that name a format: kernels of one on all chips, and those on one class of chips."""


@dataclass(frozen=True)
class Keys:
    """For each case its key of every kind; ``format`` and ``chip_format`` have one a group of matrices."""

    plain: Mapping[str, Sequence[str]]
    formats: Sequence[Sequence[str]]

    def of(self, kind: str, group: int | None) -> Sequence[str]:
        """Keys of one kind, without the kind."""
        if kind not in OF_FORMATS:
            return self.plain[kind]
        formats = self.formats[group or 0]
        if kind == "format":
            return formats
        return [
            f"{chip}/{each}" if each else ""
            for chip, each in zip(self.plain["generation"], formats, strict=True)
        ]


@dataclass
class Unknowns:
    """Names, prior widths, and which of them make up each efficiency of each case.

    A column for every base and every deviation; ``terms`` lists the (efficiency, group) pairs that predictions
    ask for; ``columns[term]`` holds the indices that add up to its logarithm.
    """

    priors: Mapping[str, Prior]
    keys: Keys
    names: list[str] = field(default_factory=list)
    sd: FloatArray = field(default_factory=lambda: np.zeros(0))
    centre: FloatArray = field(default_factory=lambda: np.zeros(0))
    columns: dict[Term, list[Rows]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        index: dict[str, int] = {}
        sds: list[float] = []
        for name, each in self.priors.items():
            self._add(index, sds, name, each.sd)
            for kind, sd in each.depends.items():
                for key in self._labels(kind, each):
                    self._add(index, sds, f"{name}|{kind}:{key}", sd)
        self.sd = np.array(sds)
        self.centre = np.array([self._centre(name) for name in self.names])
        for term in self.terms():
            self.columns[term] = self._columns(index, term)

    def _add(self, index: dict[str, int], sds: list[float], name: str, sd: float) -> None:
        index[name] = len(self.names)
        self.names.append(name)
        sds.append(sd)

    def _labels(self, kind: str, each: Prior) -> list[str]:
        groups = range(len(GROUPS)) if kind in OF_FORMATS else (None,)
        known = {key.removeprefix(f"{kind}:") for key in each.centres if key.startswith(f"{kind}:")}
        return sorted(known | {label for group in groups for label in self.keys.of(kind, group) if label})

    def _centre(self, unknown: str) -> float:
        """Where the prior of a deviation stands; of a base at zero."""
        name, _, key = unknown.partition("|")
        return self.priors[name].centres.get(key, 0.0)

    def terms(self) -> list[Term]:
        """Every efficiency, once a group of matrices where it depends on the format."""
        found: list[Term] = []
        for name, each in self.priors.items():
            groups: Sequence[int | None] = range(len(GROUPS)) if "format" in each.depends else (None,)
            found.extend((name, group) for group in groups)
        return found

    def matters(self, term: Term) -> bool:
        """Whether anything depends on a term: experts have efficiencies of their own, and some are not fitted."""
        name, group = term
        of_experts = name.startswith("expert_")
        shared = name.startswith("vector_")
        wrong_group = group is not None and not shared and of_experts != (GROUPS[group] == "experts")
        return not (wrong_group or (self.priors[name].sd <= FIXED and not self.priors[name].depends))

    def _columns(self, index: dict[str, int], term: Term) -> list[Rows]:
        name, group = term
        count = len(self.keys.formats[0])
        columns = [np.full(count, index[name])]
        for kind in self.priors[name].depends:
            labels = self.keys.of(kind, group)
            columns.append(np.array([index.get(f"{name}|{kind}:{label}", -1) for label in labels]))
        return columns


SOFTNESS = 0.04
"""Width of the bends at the bounds [ln], so that a fit feels a bound before it stands on it."""
_FAR = 5 * SOFTNESS


def bounded(values: FloatArray, prior: Prior) -> FloatArray:
    """Values within the bounds of a prior, with smooth bends: nearly as the product's hard ones."""
    low, high = np.log(max(prior.low, 1e-30)), np.log(prior.high)
    logs = np.log(values)
    if prior.sd <= FIXED or (logs.max() < high - _FAR and logs.min() > low + _FAR):
        return np.asarray(np.clip(values, prior.low, prior.high))
    logs = high - SOFTNESS * np.logaddexp(0.0, (high - logs) / SOFTNESS)
    return np.asarray(np.exp(low + SOFTNESS * np.logaddexp(0.0, (logs - low) / SOFTNESS)))


@dataclass(frozen=True)
class Point:
    """Values of all efficiencies for the cases ``rows`` at one point of the fit; one term may be moved a little."""

    unknowns: Unknowns
    x: FloatArray
    rows: Rows
    moved: Term | None = None
    by: float = 0.0

    def value(self, name: str, group: int | None) -> FloatArray:
        """``clip(base x exp(sum of deviations), low, high)`` for every case."""
        term = (name, group if "format" in self.unknowns.priors[name].depends else None)
        prior = self.unknowns.priors[name]
        padded = np.append(self.x + self.unknowns.centre, 0.0)
        exponent = np.zeros(len(self.rows))
        for column in self.unknowns.columns[term]:
            exponent += padded[column[self.rows]]
        if term == self.moved:
            exponent += self.by
        return bounded(prior.base * np.exp(exponent), prior)

    def only(self, rows: Rows) -> "Point":
        """The same point for some of the cases."""
        return replace(self, rows=rows)
