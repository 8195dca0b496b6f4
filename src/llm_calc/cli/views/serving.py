"""An estimate of serving: whether it fits, what users wait for, how sure that is, what it costs."""

from collections.abc import Callable, Iterator

from rich.console import Console

from llm_calc.adapters.planning.prices import GpuPrice
from llm_calc.adapters.release_days import MOST_DAYS, price_age
from llm_calc.adapters.rent import Rent
from llm_calc.adapters.wire.measured import NearestRun
from llm_calc.adapters.wire.memory import MemoryPlanAnswer
from llm_calc.adapters.wire.serving import OperatorRow, Percentiles, Range, ServingEstimateAnswer
from llm_calc.cli.deployed import TIGHT_FRACTION, Deployed
from llm_calc.cli.tables import facts, heading, listing, notes
from llm_calc.cli.text import NONE, likely, memory, number, percent, seconds, usd
from llm_calc.cli.views.memory import DOES_NOT_FIT, FITS, beside_lines, show_changes
from llm_calc.cli.views.sessions import show_classes, show_sessions, show_trace

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


TIGHT = "[bold yellow]⚠ tight[/]"
IF_ONLY = "If it were made to fit"
NOT_ALL = "[bold yellow]⚠ does not hold all at once[/]"


def show_estimate(console: Console, answer: ServingEstimateAnswer, beside: Deployed) -> None:
    """What users wait for, how sure that is, and what takes the time."""
    used, plan = answer.resolved, beside.memory()
    layout = f"tensor {used.tensor}, pipeline {used.pipeline}, data {used.data}, expert {used.expert}"
    weights, engine = used.weights.partition(":")[0], used.engine
    heading(console, f"{used.model} · {weights} · {engine} · {beside.gpus}", _verdict(plan, beside))
    if plan is not None and not plan.fits:
        facts(console, [("", plan.reason)])
    facts(console, _figures(answer), "" if beside.runs else IF_ONLY)
    if beside.runs:
        facts(console, _cost(beside.rent), "Cost")
    capacity = _capacity(answer) if beside.runs else ()
    formats = [("layout", layout), ("weights", used.weights), ("KV cache", used.kv_cache)]
    beside_model = beside_lines(answer.lora, answer.images)
    facts(console, [*formats, *_memory(plan), *beside_model, *capacity], "Resolved")
    _show_percentiles(console, answer)
    show_classes(console, answer)
    show_sessions(console, answer)
    show_trace(console, answer)
    _show_operators(console, answer)
    facts(console, _basis(answer), "How sure")
    _show_nearest(console, answer.basis.nearest[:SHOWN_RUNS])
    if plan is not None and not plan.fits:
        show_changes(console, plan)
    notes(console, answer.warnings, answer.assumptions)


def _verdict(plan: MemoryPlanAnswer | None, beside: Deployed) -> str:
    if not beside.runs:
        return DOES_NOT_FIT
    if plan is None:
        return ""
    if not plan.fits:
        return NOT_ALL
    return TIGHT if plan.headroom_bytes < TIGHT_FRACTION * plan.per_gpu.memory_bytes else FITS


def _figures(answer: ServingEstimateAnswer) -> Iterator[tuple[str, str]]:
    ranges = answer.interval
    first, each, out = ranges.ttft_s, ranges.tpot_s, ranges.output_tokens_per_s
    yield "time to first token", seconds(answer.ttft_s, *_ends(first))
    yield "time per token", seconds(answer.tpot_s, *_ends(each))
    yield "time of a request", seconds(answer.request_latency_s)
    spread = likely(out.low, out.high) if out else ""
    yield "output", f"{number(answer.output_tokens_per_s)} tokens/s{spread}"
    if answer.output_tokens_per_s_per_gpu != answer.output_tokens_per_s:
        yield "output a GPU", f"{number(answer.output_tokens_per_s_per_gpu)} tokens/s"
    yield "requests", f"{number(answer.requests_per_s)} a second"


def _ends(found: Range | None) -> tuple[float | None, float | None]:
    return (None, None) if found is None else (found.low, found.high)


def _cost(rent: Rent | None) -> Iterator[tuple[str, str]]:
    if rent is None:
        yield "rent", "— (the catalog has no price for this GPU)"
        return
    told = {side.gpu: _priced(side.price) for side in rent.sides}
    each = "; ".join(words if len(told) == 1 else f"{gpu}: {words}" for gpu, words in told.items())
    yield "output", f"{usd(rent.usd_per_million_output_tokens)} a million tokens, all of the rent on them"
    yield "rent", f"{usd(rent.usd_per_hour)} an hour; {each}"


def _priced(price: GpuPrice) -> str:
    old = f", more than {MOST_DAYS} days ago" if "more than" in price_age(price.as_of) else ""
    dated = f"{price.provider}, {price.as_of}{old}: {price.source}" if price.as_of else price.provider
    return f"{usd(price.usd_per_gpu_hour)} a GPU ({dated})"


def _memory(plan: MemoryPlanAnswer | None) -> Iterator[tuple[str, str]]:
    """Where the memory of the fullest GPU goes, in a line; the command ``memory`` says more."""
    if plan is None:
        return
    gpu = plan.per_gpu
    parts = f"weights {memory(gpu.weights_bytes)}, KV cache {memory(gpu.kv_cache_bytes)}"
    yield "memory of a GPU", f"{memory(gpu.memory_bytes)}, usable {memory(gpu.usable_bytes)}: {parts}"


def _capacity(answer: ServingEstimateAnswer) -> Iterator[tuple[str, str]]:
    used = answer.resolved
    tokens, requests = number(used.kv_capacity_tokens), number(used.kv_capacity_sequences)
    yield "KV cache holds", f"{tokens} tokens; figures take {requests} requests of this length at once"
    yield "decoding at once", f"{number(used.running_sequences)} on average"


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
        shown = [
            (row.name, seconds(row.seconds), percent(row.seconds / whole), row.bound)
            for row in rows[:SHOWN_OPERATORS]
        ]
        listing(console, (title, "time", "share", " bound"), [*shown, *_rest(rows, whole)])


def _rest(rows: list[OperatorRow], whole_s: float) -> Iterator[tuple[str, ...]]:
    """What is not shown one by one."""
    left = [row.seconds for row in rows[SHOWN_OPERATORS:]]
    if left:
        yield f"{len(left)} more", seconds(sum(left)), percent(sum(left) / whole_s), ""
