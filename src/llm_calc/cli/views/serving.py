"""An estimate of serving, and scenarios side by side."""

from collections.abc import Callable, Iterator

from rich.console import Console

from llm_calc.adapters.wire.calibrate import CalibrateAnswer
from llm_calc.adapters.wire.compare import CompareAnswer
from llm_calc.adapters.wire.measured import NearestRun
from llm_calc.adapters.wire.serving import Percentiles, Range, ServingEstimateAnswer
from llm_calc.cli.tables import facts, heading, listing, notes
from llm_calc.cli.text import NONE, memory, number, percent, seconds, usd

BASIS = {
    "measured": "measured: this model on this GPU under this engine was part of the fit",
    "calibrated": "calibrated: this engine on this generation of GPUs was part of the fit",
    "formula_only": "formula only: no measurement of the kind; treat it as a bound, not a forecast",
}
SHOWN_OPERATORS = 8
SHOWN_RUNS = 3
RUN_FIGURES: dict[str, tuple[str, Callable[[float | None], str]]] = {
    "ttft_s": ("first token", seconds),
    "tpot_s": ("per token", seconds),
    "output_tokens_per_s": ("tokens/s", number),
}
FIGURES = {
    "ttft_s": ("time to first token", seconds),
    "tpot_s": ("time per token", seconds),
    "request_latency_s": ("time of a request", seconds),
    "output_tokens_per_s": ("output tokens/s", number),
    "output_tokens_per_s_per_gpu": ("output tokens/s a GPU", number),
    "requests_per_s": ("requests/s", number),
    "usd_per_hour": ("USD/h", usd),
    "usd_per_million_output_tokens_all_in": ("USD per 10^6 output tokens", usd),
    "headroom_bytes": ("KV cache left on the fullest GPU", memory),
}


def show_estimate(console: Console, answer: ServingEstimateAnswer) -> None:
    """What users wait for, how sure that is, and what takes the time."""
    used = answer.resolved
    layout = f"tensor {used.tensor}, pipeline {used.pipeline}, data {used.data}, expert {used.expert}"
    heading(console, f"{used.model} · {used.weights} · {used.engine}")
    facts(console, _figures(answer))
    facts(console, [("layout", layout), ("KV cache", used.kv_cache), *_capacity(answer)], "Resolved")
    _show_percentiles(console, answer)
    _show_operators(console, answer)
    facts(console, _basis(answer), "How sure")
    _show_nearest(console, answer.basis.nearest[:SHOWN_RUNS])
    notes(console, answer.warnings, answer.assumptions)


def _figures(answer: ServingEstimateAnswer) -> Iterator[tuple[str, str]]:
    ranges = answer.interval
    first, each, out = ranges.ttft_s, ranges.tpot_s, ranges.output_tokens_per_s
    yield "time to first token", seconds(answer.ttft_s, *_ends(first))
    yield "time per token", seconds(answer.tpot_s, *_ends(each))
    yield "time of a request", seconds(answer.request_latency_s)
    likely = f" (likely {number(out.low)}–{number(out.high)})" if out else ""
    yield "output", f"{number(answer.output_tokens_per_s)} tokens/s{likely}"
    yield "output a GPU", f"{number(answer.output_tokens_per_s_per_gpu)} tokens/s"
    yield "requests", f"{number(answer.requests_per_s)} a second"


def _ends(found: Range | None) -> tuple[float | None, float | None]:
    return (None, None) if found is None else (found.low, found.high)


def _capacity(answer: ServingEstimateAnswer) -> Iterator[tuple[str, str]]:
    used = answer.resolved
    yield (
        "KV cache holds",
        f"{number(used.kv_capacity_tokens)} tokens, {number(used.kv_capacity_sequences)} requests",
    )
    yield "decoding at once", f"{number(used.running_sequences)} requests on average"


def _basis(answer: ServingEstimateAnswer) -> Iterator[tuple[str, str]]:
    basis = answer.basis
    yield "basis", BASIS[basis.kind]
    yield "fit", f"{number(basis.measurements)} measurements, {basis.fitted_on}"
    for each in answer.basis.held_out_errors:
        typical = f"mean {percent(each.mean_error_fraction)}, median {percent(each.median_error_fraction)}"
        yield (
            f"{each.metric} off by",
            f"{typical} where the {each.held_out} was not seen ({each.measurements} cases)",
        )
    yield "measured", basis.nearest_note


def _show_nearest(console: Console, runs: list[NearestRun]) -> None:
    """Published runs: each figure measured, what is predicted for that run, what differs from the question."""
    if not runs:
        return
    names = [name for name in RUN_FIGURES if any(getattr(run, name) is not None for run in runs)]
    rows = [
        (_run_title(run), *(_run_figure(run, name) for name in names), ", ".join(run.differs) or "nothing")
        for run in runs
    ]
    columns = (RUN_FIGURES[name][0] for name in names)
    listing(console, ("Nearest runs: measured (predicted)", *columns, " differs in"), rows)


def _run_title(run: NearestRun) -> str:
    gpus = run.tensor * run.pipeline * run.data
    return f"{run.model} {run.weights} on {gpus}x {run.gpu}"


def _run_figure(run: NearestRun, name: str) -> str:
    measured, text = getattr(run, name), RUN_FIGURES[name][1]
    return NONE if measured is None else f"{text(measured)} ({text(getattr(run, f'predicted_{name}'))})"


def _show_percentiles(console: Console, answer: ServingEstimateAnswer) -> None:
    spread = answer.percentiles
    if spread is None:
        return
    rows = [
        _percentiles("time to first token", spread.ttft_s),
        _percentiles("time per token", spread.tpot_s),
        _percentiles("time of a request", spread.request_latency_s),
    ]
    listing(console, ("Requests", "p50", "p90", "p95", "p99"), rows)


def _percentiles(name: str, found: Percentiles) -> tuple[str, ...]:
    return name, *(seconds(value) for value in (found.p50, found.p90, found.p95, found.p99))


def _show_operators(console: Console, answer: ServingEstimateAnswer) -> None:
    for phase, title in (("prefill", "Prefill of one prompt"), ("decode", "One decode step")):
        rows = sorted((row for row in answer.operators if row.phase == phase), key=lambda row: -row.seconds)
        whole = sum(row.seconds for row in rows) or 1.0
        listing(
            console,
            (title, "time", "share", " bound"),
            [
                (row.name, seconds(row.seconds), percent(row.seconds / whole), row.bound)
                for row in rows[:SHOWN_OPERATORS]
            ],
        )


def show_compared(console: Console, answer: CompareAnswer) -> None:
    """What differs in the scenarios, what follows, and why."""
    labels = [each.label for each in answer.scenarios]
    heading(console, f"{len(labels)} scenarios", f"ratios to {labels[0]}; * is best")
    if answer.differences:
        listing(
            console,
            ("Asked", *labels),
            [(each.field, *(value.strip('"') for value in each.values)) for each in answer.differences],
        )
    rows = []
    for each in answer.figures:
        name, text = FIGURES.get(each.figure, (each.figure, number))
        cells = []
        for place, (value, ratio) in enumerate(zip(each.values, each.ratios, strict=True)):
            shown = text(value) if ratio is None or place == 0 else f"{text(value)} (×{number(ratio)})"
            cells.append(f"{shown} *" if place == each.best and value is not None else shown)
        rows.append((name, *cells))
    listing(console, ("Answered", *labels), rows)
    facts(console, [(labels[each.scenario], each.text) for each in answer.reasons], f"Against {labels[0]}")
    for each_scenario in answer.scenarios:
        notes(console, [f"{each_scenario.label}: {text}" for text in each_scenario.estimate.warnings], ())


def show_calibration(console: Console, answer: CalibrateAnswer) -> None:
    """What was fitted, and how much better predictions are with it."""
    heading(console, f"Calibration from {answer.calibration.measurements} measured figures")
    rows = [
        (
            each.name,
            number(each.factor),
            f"{number(each.low)}–{number(each.high)}",
            percent(each.learnt_fraction),
        )
        for each in answer.factors
    ]
    listing(console, ("Factor on", "factor", "80 % range", "learnt"), rows)
    errors = [
        (
            each.figure,
            str(each.measurements),
            percent(each.before_fraction),
            percent(each.after_fraction),
            percent(each.left_out_fraction),
        )
        for each in answer.errors
    ]
    listing(
        console, ("Mean error of", "figures", "before", "after", "each left out"), errors or [(NONE,) * 5]
    )
    notes(console, answer.warnings, answer.assumptions)
