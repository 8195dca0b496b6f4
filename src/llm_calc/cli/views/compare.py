"""Scenarios side by side, and a calibration."""

from collections.abc import Callable, Iterator

from rich.console import Console

from llm_calc.adapters.wire.calibrate import CalibrateAnswer
from llm_calc.adapters.wire.compare import CompareAnswer, ComparedScenario, FigureDifference
from llm_calc.cli.tables import facts, heading, listing, notes
from llm_calc.cli.text import NONE, memory, number, percent, seconds, usd

FIGURES: dict[str, tuple[str, Callable[[float | None], str]]] = {
    "ttft_s": ("time to first token", seconds),
    "tpot_s": ("time per token", seconds),
    "request_latency_s": ("time of a request", seconds),
    "output_tokens_per_s": ("output tokens/s", number),
    "output_tokens_per_s_per_gpu": ("output tokens/s a GPU", number),
    "requests_per_s": ("requests/s", number),
    "usd_per_hour": ("USD an hour", usd),
    "usd_per_million_output_tokens_all_in": ("USD a million output tokens", usd),
    "headroom_bytes": ("KV cache left on the fullest GPU", memory),
}
TAKEN: dict[str, Callable[[ComparedScenario], str]] = {
    "weights as taken": lambda each: each.estimate.resolved.weights,
    "KV cache as taken": lambda each: each.estimate.resolved.kv_cache,
}
"""What was left open and may come out differently."""


def show_compared(console: Console, answer: CompareAnswer) -> None:
    """What differs in the scenarios, what follows, and why."""
    labels = [each.label for each in answer.scenarios]
    heading(console, f"{len(labels)} scenarios", f"ratios to {labels[0]}; * is best")
    if answer.differences:
        asked = [(each.field, *(value.strip('"') for value in each.values)) for each in answer.differences]
        listing(console, ("Asked", *labels), asked)
    fits = ("fits in memory", *("yes" if each.memory.fits else "✕ no" for each in answer.scenarios))
    taken = [
        row
        for name, words in TAKEN.items()
        if len(set((row := (name, *map(words, answer.scenarios)))[1:])) > 1
    ]
    basis = ("basis", *(each.estimate.basis.kind.replace("_", " ") for each in answer.scenarios))
    listing(console, ("Answered", *labels), [*taken, fits, *map(_figure, answer.figures), basis])
    facts(console, [(labels[each.scenario], each.text) for each in answer.reasons], f"Against {labels[0]}")
    facts(console, _prices(answer), "Prices of a GPU")
    notes(
        console,
        _whose(answer, lambda each: each.estimate.warnings),
        _whose(answer, lambda each: each.estimate.assumptions),
    )


def _figure(each: FigureDifference) -> tuple[str, ...]:
    """A figure of every scenario with its ratio to the first; the best is marked."""
    name, text = FIGURES.get(each.figure, (each.figure, number))
    cells = []
    for place, (value, ratio) in enumerate(zip(each.values, each.ratios, strict=True)):
        shown = text(value) if ratio is None or place == 0 else f"{text(value)} (×{number(ratio)})"
        cells.append(f"{shown} *" if place == each.best and value is not None else f"{shown}  ")
    return name, *cells


def _prices(answer: CompareAnswer) -> Iterator[tuple[str, str]]:
    for each in answer.scenarios:
        price = each.price
        known = (
            price
            and f"{usd(price.usd_per_gpu_hour)} an hour ({price.provider}, {price.as_of}: {price.source})"
        )
        yield each.label, known or NONE


def _whose(answer: CompareAnswer, said: Callable[[ComparedScenario], list[str]]) -> Iterator[str]:
    """Sentences, each with the scenarios whose they are."""
    whose: dict[str, list[str]] = {}
    for each in answer.scenarios:
        for text in said(each):
            whose.setdefault(text, []).append(each.label)
    return (f"{', '.join(labels)}: {text}" for text, labels in whose.items())


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
