"""docs/accuracy.md: how far off the calibrations are, with tables and plots."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from llm_calc.core.arrays import FloatArray
from tools.calibrate.blind import blind_section, range_groups
from tools.calibrate.cases import Case
from tools.calibrate.evaluate import Fitted
from tools.calibrate.folds import HELD_OUT
from tools.calibrate.host_runs import host_section
from tools.calibrate.implied import LOAD, METRIC, implied_residuals, known_pairs, pairs_of
from tools.calibrate.novelty import Blind, as_times
from tools.calibrate.parameters import Rows
from tools.calibrate.plots import scatter
from tools.calibrate.ranges import group_range
from tools.calibrate.recent import recent_tables
from tools.calibrate.writing import blind_of_implied, blind_of_metric, metric_of

DOCS = Path(__file__).resolve().parents[2] / "docs"
NAMES = {
    "row": "single measurements; others of the model on this GPU under this engine were seen",
    "model": "all measurements of a model; also yours where it was measured, but never on your GPU under your engine",
    "gpu": "all measurements of a GPU, of whose class others were seen",
    "generation": "all measurements of an engine on a class of chips; those that a GPU or model took along too",
    "vendor": "all measurements of an engine on the chips of a vendor (NVIDIA, or all others together), likewise",
}
COLUMNS = {
    "family": "which kernels: engines as servers (`served`), the same and others in process (`batch`), llama.cpp",
    "load": "`closed_loop`: so many requests always in flight; `single_stream`: one at a time; `static_batch`: "
    "prefilled and decoded together; `offline`: a long queue",
    "metric": "`ttft_s`: time to first token; `tpot_s`: time per further token; `output_tokens_per_s`: generated "
    "tokens a second; of a `closed_loop` it is implied, see below",
    "held out": "what the fit had not seen when it predicted",
    "n": "measurements compared",
    "mean, median": "of the error, \\|predicted / measured - 1\\|",
    "bias": "geometric mean of predicted / measured: above 1 predictions are too high",
    "inside": "share of the measurements within the 80 % range that an answer would tell without knowing anything of "
    "their group; of `row` by engine and class of chips where 30 were measured, mean over settings",
}
MOST_PARTS = 12
"""In which ranges are tried: more groups share them."""
LEAST = 8
"""Groups of fewer measurements are left out of the tables by group."""


def write_report(everything: Sequence[Fitted]) -> None:
    """The page and its plots."""
    lines = [*_head(everything), *blind_section(everything), *_by_kind(everything)]
    for fitted in everything:
        lines += [*_family(fitted)]
    lines += [*host_section()]
    lines += recent_tables(everything)
    lines += (Path(__file__).parent / "history.md").read_text(encoding="utf-8").splitlines()
    (DOCS / "accuracy.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _head(everything: Sequence[Fitted]) -> Iterator[str]:
    total = sum(int(fitted.fitted.sum()) for fitted in everything)
    yield "# Accuracy"
    yield ""
    yield (
        "How far predicted times were from measured ones. Written by `make calibrate`, which fits the efficiencies to "
        f"{total} published measurements (`catalogs/calibration/measurements.csv`). Every error here is one of "
        "prediction: the fit is repeated without each part of the measurements, and tested on that part."
    )
    yield ""
    yield "What was held out tells which row is yours:"
    yield ""
    yield from (f"- `{name}`: {meaning}" for name, meaning in NAMES.items())
    yield ""
    yield (
        "An answer's `basis` says which of them it is, with the errors of that row; its `interval` is the "
        "range that held 80 % of the measured cases. Parameters, bytes and FLOPs are counted, not fitted: "
        "[memory](memory.md) holds them against what engines log. "
        "How times come about is in [performance](performance.md)."
    )
    yield ""
    yield "| column | means |"
    yield "|---|---|"
    yield from (f"| {name} | {meaning} |" for name, meaning in COLUMNS.items())
    yield ""


def _by_kind(everything: Sequence[Fitted]) -> Iterator[str]:
    yield "## By load and metric"
    yield ""
    yield "| family | load | metric | held out | n | mean | median | bias | inside |"
    yield "|---|---|---|---|---:|---:|---:|---:|---:|"
    for fitted in everything:
        yield from _implied(fitted)
        for kind, rows in _kinds(fitted):
            known = rows[np.isfinite(fitted.residuals["row"][rows])]
            yield _line(fitted, (*kind, "row"), fitted.residuals["row"][known], known)
            yield from _newer(fitted, blind_of_metric(fitted, kind))
    yield ""
    yield (
        "The measurements of closed loops hold no throughput. Their output is implied by the two times "
        "of a run, by Little's law: `requests x output tokens / (ttft_s + (output tokens - 1) x tpot_s)`. Measured "
        "is what the measured times imply, predicted what the predictions of the same times imply, made without "
        "what was held out. Gaps between requests and the end of a run are left out of both."
    )
    yield ""


def _implied(fitted: Fitted) -> Iterator[str]:
    """Lines of the output that closed loops imply."""
    pairs = pairs_of(fitted.cases)
    if len(pairs.first) >= LEAST:
        here = known_pairs(fitted, pairs, "row")
        yield _line(fitted, (LOAD, METRIC, "row"), implied_residuals(fitted, here, "row"), here.first)
        yield from _newer(fitted, blind_of_implied(fitted))


def _newer(fitted: Fitted, blind: Blind) -> Iterator[str]:
    """Lines of predictions to which more was new than their row, by what an answer would say of them."""
    held = {way: blind.held(way) for way in HELD_OUT[1:]}
    for place in HELD_OUT[1:]:
        own = blind.samples.of_place(place).residuals
        if len(own) >= LEAST:
            inside = np.concatenate(
                [
                    held[way][
                        [each.place == place for each in blind.new[way]] & np.isfinite(blind.residuals[way])
                    ]
                    for way in held
                ]
            )
            kind = f"{blind.load} | {blind.metric} | {place}"
            yield f"| {fitted.family.name} | {kind} | {_numbers(own)} | {inside.mean():.0%} |"


def _line(fitted: Fitted, kind: tuple[str, str, str], residuals: FloatArray, rows: Rows) -> str:
    load, metric, held_out = kind
    cases = [fitted.cases[row] for row in rows]
    inside = coverage(as_times(cases, residuals), *range_groups(cases, held_out))
    return f"| {fitted.family.name} | {load} | {metric} | {held_out} | {_numbers(residuals)} | {inside} |"


def coverage(residuals: FloatArray, groups: Sequence[str], shared: Sequence[str]) -> str:
    """Share of each group's measurements within the range that the other groups give, mean over groups."""
    inside: list[float] = []
    members, sharing = np.array(groups), np.array(shared)
    for each in np.unique(sharing):
        inside += _held(residuals[sharing == each], members[sharing == each])
    return f"{np.mean(inside):.0%}" if inside else "-"


def _held(residuals: FloatArray, members: "np.typing.NDArray[np.str_]") -> list[float]:
    """Of every group; settings are left out a tenth at a time."""
    names, places = np.unique(members, return_inverse=True)
    parts = places % MOST_PARTS if len(names) > MOST_PARTS else places
    shares: list[float] = []
    for part in np.unique(parts) if len(names) > 1 else ():
        low, high = group_range(residuals[parts != part], members[parts != part])
        held = (residuals >= low) & (residuals <= high)
        shares += [float(held[places == place].mean()) for place in np.unique(places[parts == part])]
    return shares


def _kinds(fitted: Fitted) -> Iterator[tuple[tuple[str, str], Rows]]:
    kinds = sorted({(case.row.load, metric_of(case.row.metric)) for case in fitted.cases})
    for kind in kinds:
        member = [(case.row.load, metric_of(case.row.metric)) == kind for case in fitted.cases]
        rows = np.flatnonzero(np.array(member) & fitted.fitted)
        if len(rows) >= LEAST:
            yield kind, rows


def _numbers(residuals: FloatArray) -> str:
    residuals = residuals[np.isfinite(residuals)]
    off = np.abs(np.expm1(residuals))
    bias = np.exp(residuals.mean())
    return f"{len(residuals)} | {off.mean():.1%} | {np.median(off):.1%} | {bias:.2f}"


def _family(fitted: Fitted) -> Iterator[str]:
    name = fitted.family.name
    yield f"## {name}: {fitted.family.title}"
    yield ""
    yield f"{int(fitted.fitted.sum())} measurements, {len(fitted.x) + len(fitted.host_x)} coefficients (ridge priors)."
    yield ""
    yield "Set aside by rule, kept in the file:"
    yield ""
    for reason, count in Counter(case.row.aside for case in fitted.cases if case.row.aside).most_common():
        yield f"- {count}: {reason}"
    yield ""
    for (load, metric), rows in _kinds(fitted):
        picture = f"accuracy-{name.replace('.', '')}-{load}-{metric}.svg".replace("_", "-")
        measured = np.array([fitted.cases[row].row.value for row in rows])
        engines = [fitted.cases[row].row.engine for row in rows]
        scatter(DOCS / picture, f"{load}, {metric}", measured, fitted.residuals["row"][rows], engines)
        yield f"![Predicted against measured, {load}, {metric}]({picture})"
        yield ""
        yield from _groups(fitted, rows, f"{load}, {metric}")


def _groups(fitted: Fitted, rows: Rows, title: str) -> Iterator[str]:
    """Errors by engine, GPU, model and load, each with the group itself held out where that was done."""
    views: tuple[tuple[str, str, Callable[[Case], str]], ...] = (
        ("engine and chips", "generation", lambda case: f"{case.row.engine}, {case.chip}"),
        ("GPU", "gpu", lambda case: case.row.gpu),
        ("model", "model", lambda case: f"{case.row.model.split('--')[-1]}, {case.row.weights}"),
        ("requests", "row", lambda case: f"{case.row.requests}"),
    )
    yield f"| {title}: group | held out | n | mean | median | bias |"
    yield "|---|---|---:|---:|---:|---:|"
    for name, held_out, key in views:
        members: dict[str, list[int]] = defaultdict(list)
        for row in rows:
            members[key(fitted.cases[row])].append(row)
        for named, chosen in sorted(
            members.items(), key=lambda item: (len(item[0]) if name == "requests" else 0, item[0])
        ):
            if len(chosen) >= LEAST:
                yield f"| {name}: {named} | {held_out} | {_numbers(fitted.residuals[held_out][chosen])} |"
    yield ""
