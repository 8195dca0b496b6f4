"""The held-out errors of docs/accuracy.md by collection: rows of known GPUs, whole models, whole GPUs."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from llm_calc.core.arrays import FloatArray
from tools.calibrate.cases import Case
from tools.calibrate.drift import pair_of
from tools.calibrate.evaluate import Fitted
from tools.calibrate.folds import group, setting_group
from tools.calibrate.implied import implied_residuals, known_pairs, pairs_of
from tools.calibrate.novelty import LEAST_OF_PAIR, Blind, as_times
from tools.calibrate.parameters import Rows
from tools.calibrate.ranges import group_range
from tools.calibrate.recent import is_of_recent_sources
from tools.calibrate.writing import blind_of_implied, blind_of_metric, metric_of

WAYS: Mapping[str, str] = {"row": "rows of known GPUs", "model": "unseen models", "gpu": "unseen GPUs"}
DECODE, PREFILL = ("tpot_s", "decode_tokens_per_s"), ("ttft_s", "prefill_tokens_per_s")
FIRST = ("ttft_s", "ttft_median_s")
KINDS: Mapping[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "time a token, closed loop": ("closed_loop", ("tpot_s",), ("tpot_s",)),
    "first token, closed loop, mean": ("closed_loop", FIRST, FIRST[:1]),
    "first token, closed loop, median": ("closed_loop", FIRST, FIRST[1:]),
    "decode, single stream": ("single_stream", DECODE, DECODE),
    "prefill, single stream": ("single_stream", PREFILL, PREFILL),
    "output, offline": ("offline", ("output_tokens_per_s",), ("output_tokens_per_s",)),
}
"""A load, metrics that share a range, and those of them that a line tells."""
Truths = npt.NDArray[np.bool_]
IMPLIED = "output, closed loop (implied)"
COLLECTIONS = ("older", "2025-10 to 2026-06")
MOST_PARTS = 12


@dataclass(frozen=True)
class Told:
    """ln(predicted / measured) of measurements that one fit had not seen, whether a range held them, what they are."""

    residuals: FloatArray
    held: Truths
    recent: Truths
    aside: Truths


_NOTHING = Told(np.zeros(0), *(np.zeros(0, dtype=bool),) * 3)


def blind_section(everything: Sequence[Fitted]) -> Iterator[str]:
    """A section: mean and median error, and what the 80 % ranges hold."""
    yield "## By collection, held out"
    yield ""
    yield (
        "Mean / median error and, in brackets, the share within the 80 % range that an answer tells of a question as "
        "new, from ranges that knew nothing of the group either: each measurement predicted by a fit without its row, "
        "its model or its GPU. Rows that rules set aside are left out "
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
    """Of all families, each with ranges of its own."""
    parts = [part for fitted in everything if len((part := _of_family(fitted, kind, way)).residuals)]
    parts = parts or [_NOTHING]
    return Told(*(np.concatenate([getattr(part, name) for part in parts]) for name in Told.__annotations__))


def _of_family(fitted: Fitted, kind: str, way: str) -> Told:
    rows, residuals = _implied(fitted, way) if kind == IMPLIED else _own(fitted, kind, way)
    cases = [fitted.cases[row] for row in rows]
    aside = np.array([case.row.aside is not None for case in cases], dtype=bool)
    held = np.zeros(len(rows), dtype=bool)
    if way != "row" and len(rows):
        held = _blind(fitted, kind).held(way)[rows]
    kept = np.flatnonzero(~aside) if way == "row" else np.zeros(0, dtype=int)
    groups, sharing = range_groups([cases[at] for at in kept], way)
    times = as_times(cases, residuals)
    for each in set(sharing):
        chosen = np.array([own == each for own in sharing])
        held[kept[chosen]] = held_by_others(times[kept[chosen]], np.array(groups)[chosen])
    shown = np.array([kind == IMPLIED or case.row.metric in KINDS[kind][2] for case in cases], dtype=bool)
    recent = np.array([is_of_recent_sources(case) for case in cases], dtype=bool)
    return Told(residuals=residuals[shown], held=held[shown], recent=recent[shown], aside=aside[shown])


def _blind(fitted: Fitted, kind: str) -> Blind:
    if kind == IMPLIED:
        return blind_of_implied(fitted)
    load, ranged, _ = KINDS[kind]
    return blind_of_metric(fitted, (load, metric_of(ranged[0])))


def _own(fitted: Fitted, kind: str, way: str) -> tuple[Rows, FloatArray]:
    load, ranged, _ = KINDS[kind]
    member = [case.row.load == load and case.row.metric in ranged for case in fitted.cases]
    rows = np.flatnonzero(np.array(member) & np.isfinite(fitted.residuals[way]))
    return rows, fitted.residuals[way][rows]


def _implied(fitted: Fitted, way: str) -> tuple[Rows, FloatArray]:
    pairs = known_pairs(fitted, pairs_of(fitted.cases), way)
    return pairs.first, implied_residuals(fitted, pairs, way)


def range_groups(cases: Sequence[Case], way: str) -> tuple[Sequence[str], Sequence[str]]:
    """The groups that a range must hold for as a whole, and which cases share one: pairs of engine and chips."""
    pairs = [pair_of(case) for case in cases]
    count = Counter(pairs)
    own = [pair if way == "row" and count[pair] >= LEAST_OF_PAIR else "" for pair in pairs]
    groups = [
        setting_group(case) if pair else group(case, way) for case, pair in zip(cases, own, strict=True)
    ]
    return groups, own


def _cell(told: Told, recent: int) -> str:
    chosen = ~told.aside & (told.recent == recent)
    return f"{_errors(told.residuals[chosen])} ({told.held[chosen].mean():.0%})" if chosen.any() else "-"


def held_by_others(residuals: FloatArray, groups: "np.typing.NDArray[np.str_]") -> Truths:
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
