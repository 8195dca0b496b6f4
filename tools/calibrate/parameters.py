"""The unknowns of a fit: for every efficiency a base and deviations by key, all as natural logarithms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from priors import Prior

from llm_calc.core.arrays import FloatArray
from llm_calc.core.operators.work import GROUPS

Term = tuple[str, int | None]
"""An efficiency, and the group of matrices whose format it depends on."""


@dataclass(frozen=True)
class Keys:
    """For each case its key of every kind; ``format`` has one a group of matrices."""

    plain: Mapping[str, Sequence[str]]
    formats: Sequence[Sequence[str]]

    def of(self, kind: str, group: int | None) -> Sequence[str]:
        """Keys of one kind, without the kind."""
        return self.formats[group or 0] if kind == "format" else self.plain[kind]


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
    columns: dict[Term, list[FloatArray]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        index: dict[str, int] = {}
        sds: list[float] = []
        for name, each in self.priors.items():
            self._add(index, sds, name, each.sd)
            for kind, sd in each.depends.items():
                for key in self._labels(kind):
                    self._add(index, sds, f"{name}|{kind}:{key}", sd)
        self.sd = np.array(sds)
        for term in self.terms():
            self.columns[term] = self._columns(index, term)

    def _add(self, index: dict[str, int], sds: list[float], name: str, sd: float) -> None:
        index[name] = len(self.names)
        self.names.append(name)
        sds.append(sd)

    def _labels(self, kind: str) -> list[str]:
        groups = range(len(GROUPS)) if kind == "format" else (None,)
        return sorted({label for group in groups for label in self.keys.of(kind, group) if label})

    def terms(self) -> list[Term]:
        """Every efficiency, once a group of matrices where it depends on the format."""
        found: list[Term] = []
        for name, each in self.priors.items():
            groups: Sequence[int | None] = range(len(GROUPS)) if "format" in each.depends else (None,)
            found.extend((name, group) for group in groups)
        return found

    def _columns(self, index: dict[str, int], term: Term) -> list[FloatArray]:
        name, group = term
        count = len(self.keys.formats[0])
        columns = [np.full(count, index[name])]
        for kind in self.priors[name].depends:
            labels = self.keys.of(kind, group)
            columns.append(np.array([index.get(f"{name}|{kind}:{label}", -1) for label in labels]))
        return columns


class Point:
    """Values of all efficiencies for the cases ``rows`` at one point of the fit; one term may be moved a little."""

    def __init__(self, unknowns: Unknowns, x: FloatArray, rows: FloatArray, moved: Term | None = None, by: float = 0.0):
        self._unknowns, self._x = unknowns, np.append(x, 0.0)
        self._rows, self._moved, self._by = rows, moved, by

    def value(self, name: str, group: int | None) -> FloatArray:
        """``clip(base x exp(sum of deviations), low, high)`` for every case."""
        term = (name, group if "format" in self._unknowns.priors[name].depends else None)
        prior = self._unknowns.priors[name]
        exponent = sum(self._x[column[self._rows]] for column in self._unknowns.columns[term])
        if term == self._moved:
            exponent = exponent + self._by
        return np.clip(prior.base * np.exp(exponent), prior.low, prior.high)

    def only(self, rows: FloatArray) -> "Point":
        """The same point for some of the cases."""
        point = Point.__new__(Point)
        point._unknowns, point._x, point._moved, point._by = self._unknowns, self._x, self._moved, self._by
        point._rows = rows
        return point
