"""Figures of a benchmark: printed for people, or as lines of JSON for the comparison of two builds."""

import json
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass

AS_JSON = "BENCH_JSON"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured number; ``more``: whether more is better; ``wanted``: what it is held against."""

    title: str
    value: float
    unit: str
    more: bool = False
    wanted: str = ""

    @property
    def text(self) -> str:
        """The figure as a line."""
        shown = f"{self.value:,.0f}" if abs(self.value) >= 100 else f"{self.value:.3g}"
        return f"{self.title}: {shown} {self.unit}".rstrip() + (f" ({self.wanted})" if self.wanted else "")

    def gain(self, before: float) -> float:
        """How many times better it is than ``before``."""
        return self.value / before if self.more else before / self.value


def report(measure: Callable[[], Iterable[Figure]]) -> None:
    """Print the figures as they are measured."""
    for figure in measure():
        line = json.dumps(asdict(figure)) if os.environ.get(AS_JSON) else figure.text
        print(line, flush=True)
    sys.stdout.flush()
