"""The runs of 2025-10 to 2026-06 in the tables of docs/accuracy.md: how far off fits were that had not seen them."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from llm_calc.core.arrays import FloatArray
from tools.calibrate.cases import Case
from tools.calibrate.evaluate import Fitted

FIRST, LAST = 65, 73
"""Sources of ``sources.csv``."""
WAYS = ("row", "model", "gpu", "generation", "vendor")
LEAST = 8
VIEWS: tuple[tuple[str, Callable[[Case], str]], ...] = (
    ("vendor", lambda case: case.vendor),
    ("generation", lambda case: f"{case.row.engine} on {case.chip}"),
    ("GPU", lambda case: f"{case.row.engine} on {case.row.gpu}"),
    ("release", lambda case: f"{case.row.engine} {case.row.engine_version or 'not named'}"),
)


def is_recent(case: Case) -> bool:
    """Whether a case is one of these runs, and no rule sets it aside."""
    return case.row.aside is None and is_of_recent_sources(case)


def is_of_recent_sources(case: Case) -> bool:
    """Whether a case is of these sources, set aside or not."""
    return FIRST <= int(case.row.source[1:]) <= LAST


def recent_tables(everything: Sequence[Fitted]) -> Iterator[str]:
    """A section: every metric by vendor, generation, GPU and release, for each way to hold out."""
    yield "## The runs of 2025-10 to 2026-06, held out"
    yield ""
    yield (
        "Mean / median error of the fits of this page on them, each without what the column says. Where a source names "
        "the release, the prediction was told it. What a fit that knew none of them said stands further down."
    )
    yield ""
    yield "| load, metric | of | n | " + " | ".join(WAYS) + " |"
    yield "|---|---|---:|" + "---:|" * len(WAYS)
    for fitted in everything:
        kinds: dict[tuple[str, str], list[int]] = defaultdict(list)
        for at, case in enumerate(fitted.cases):
            if is_recent(case):
                kinds[case.row.load, case.row.metric].append(at)
        for (load, metric), rows in sorted(kinds.items()):
            yield from _lines(fitted, f"{load}, {metric}", rows)
    yield ""


def _lines(fitted: Fitted, kind: str, rows: Sequence[int]) -> Iterator[str]:
    if len(rows) < LEAST:
        return
    yield _line(fitted, kind, "all", rows)
    for name, key in VIEWS:
        members: dict[str, list[int]] = defaultdict(list)
        for row in rows:
            members[key(fitted.cases[row])].append(row)
        for label, some in sorted(members.items()) if len(members) > 1 else ():
            if len(some) >= LEAST:
                yield _line(fitted, kind, f"{name}: {label}", some)


def _line(fitted: Fitted, kind: str, label: str, rows: Sequence[int]) -> str:
    cells = [_errors(fitted.residuals[way][list(rows)]) for way in WAYS]
    return f"| {kind} | {label} | {len(rows)} | {' | '.join(cells)} |"


def _errors(residuals: FloatArray) -> str:
    off = np.abs(np.expm1(residuals[np.isfinite(residuals)]))
    return f"{off.mean():.1%} / {np.median(off):.1%}" if len(off) else "-"
