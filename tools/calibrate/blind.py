"""The held-out errors of docs/accuracy.md by collection: rows of known GPUs, whole models, whole GPUs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from llm_calc.core.arrays import FloatArray
from tools.calibrate.evaluate import Fitted
from tools.calibrate.folds import group
from tools.calibrate.implied import implied_residuals, known_pairs, pairs_of
from tools.calibrate.parameters import Rows
from tools.calibrate.ranges import group_range
from tools.calibrate.recent import is_of_recent_sources

WAYS: Mapping[str, str] = {"row": "rows of known GPUs", "model": "unseen models", "gpu": "unseen GPUs"}
KINDS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "time a token, closed loop": (("closed_loop", "tpot_s"),),
    "first token, closed loop, mean": (("closed_loop", "ttft_s"),),
    "first token, closed loop, median": (("closed_loop", "ttft_median_s"),),
    "decode, single stream": (("single_stream", "tpot_s"), ("single_stream", "decode_tokens_per_s")),
    "prefill, single stream": (("single_stream", "ttft_s"), ("single_stream", "prefill_tokens_per_s")),
    "output, offline": (("offline", "output_tokens_per_s"),),
}
IMPLIED = "output, closed loop (implied)"
COLLECTIONS = ("older", "2025-10 to 2026-06")
MOST_PARTS = 12


@dataclass(frozen=True)
class Told:
    """ln(predicted / measured) of measurements that one fit had not seen, what they are of, and what they say."""

    residuals: FloatArray
    groups: Sequence[str]
    recent: "np.typing.NDArray[np.bool_]"
    aside: "np.typing.NDArray[np.bool_]"


def blind_section(everything: Sequence[Fitted]) -> Iterator[str]:
    """A section: mean and median error, and what the 80 % ranges hold."""
    yield "## By collection, held out"
    yield ""
    yield (
        "Mean / median error and, in brackets, the share within the 80 % range that the other groups give: each "
        "measurement predicted by a fit without its row, its model or its GPU. Rows that rules set aside are left out "
        "but for the last column, that of known GPUs with them. The older collection has no day of most of its runs, "
        "the later one is that of the sources `s065` to `s073`."
    )
    yield ""
    yield f"| what | collection | n | {' | '.join(WAYS.values())} | rows with those set aside |"
    yield "|---|---|---:|---:|---:|---:|---:|"
    for kind in (*KINDS, IMPLIED):
        told = {way: _told(everything, kind, way) for way in WAYS}
        for recent, name in enumerate(COLLECTIONS):
            count = int(((told["row"].recent == recent) & ~told["row"].aside).sum())
            if count:
                cells = [_cell(told[way], recent) for way in WAYS]
                whole = _errors(told["row"].residuals[told["row"].recent == recent])
                yield f"| {kind} | {name} | {count} | {' | '.join(cells)} | {whole} |"
    yield ""


def _told(everything: Sequence[Fitted], kind: str, way: str) -> Told:
    """Of all families at once."""
    found: list[tuple[float, str, bool, bool]] = []
    for fitted in everything:
        rows, residuals = _implied(fitted, way) if kind == IMPLIED else _own(fitted, kind, way)
        for row, residual in zip(rows.tolist(), residuals.tolist(), strict=True):
            case = fitted.cases[row]
            recent = is_of_recent_sources(case)
            found.append((residual, group(case, way), recent, case.row.aside is not None))
    residuals_, groups, recents, asides = zip(*found, strict=True) if found else ((), (), (), ())
    return Told(
        np.array(residuals_, dtype=np.float64), groups, np.array(recents, bool), np.array(asides, bool)
    )


def _own(fitted: Fitted, kind: str, way: str) -> tuple[Rows, FloatArray]:
    member = [(case.row.load, case.row.metric) in KINDS[kind] for case in fitted.cases]
    rows = np.flatnonzero(np.array(member) & np.isfinite(fitted.residuals[way]))
    return rows, fitted.residuals[way][rows]


def _implied(fitted: Fitted, way: str) -> tuple[Rows, FloatArray]:
    pairs = known_pairs(fitted, pairs_of(fitted.cases), way)
    return pairs.first, implied_residuals(fitted, pairs, way)


def _cell(told: Told, recent: int) -> str:
    kept = ~told.aside
    chosen = told.recent[kept] == recent
    residuals = told.residuals[kept]
    inside = held_by_others(residuals, np.array(told.groups)[kept])[chosen]
    return f"{_errors(residuals[chosen])} ({inside.mean():.0%})" if chosen.any() else "-"


def held_by_others(
    residuals: FloatArray, groups: "np.typing.NDArray[np.str_]"
) -> "np.typing.NDArray[np.bool_]":
    """Which measurements lie within the range that groups of other parts give; many groups are dealt to few parts."""
    names, places = np.unique(groups, return_inverse=True)
    parts = places % MOST_PARTS if len(names) > MOST_PARTS else places
    held = np.zeros(len(residuals), dtype=bool)
    for part in np.unique(parts) if len(names) > 1 else ():
        low, high = group_range(residuals[parts != part], groups[parts != part])
        held |= (parts == part) & (residuals >= low) & (residuals <= high)
    return held


def _errors(residuals: FloatArray) -> str:
    off = np.abs(np.expm1(residuals))
    return f"{off.mean():.1%} / {np.median(off):.1%}"
