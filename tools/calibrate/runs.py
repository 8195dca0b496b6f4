"""Published runs: the measurements of one run joined, without what a rule sets aside."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from tools.calibrate.cases import Case, build_cases
from tools.calibrate.measurements import Measurement, read_measurements

FIRST_TOKEN = "ttft_s"
SAME_FRACTION = 0.005
"""Two runs of one setting whose figures differ by no more are one run that a source lists twice."""
NOT_SETTING = ("metric", "value")


@dataclass(kw_only=True)
class Run:
    """One run: a line of the file without its number, the figures by name, which of them are set aside.

    ``places``: of each figure among the cases that were joined.
    """

    row: Measurement
    figures: dict[str, float] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    aside: set[str] = field(default_factory=set)


def published_runs() -> list[Run]:
    """All runs that are fit to be shown, in the order of the file.

    A first token that a rule sets aside is left out alone; any other figure takes its run with it, since the rules
    say of it that something else ran than the source names.
    """
    runs = [_without_first_token(run) for run in joined(build_cases(read_measurements()))]
    return list(_once([run for run in runs if run.figures and not run.aside]))


def joined(cases: Iterable[Case]) -> list[Run]:
    """The figures of each run together: a new run begins where a figure of the same setting comes again."""
    runs: list[Run] = []
    current: dict[tuple[str, ...], Run] = {}
    for place, case in enumerate(cases):
        found = figure_of(case.row)
        if found is None:
            continue
        name, value = found
        setting = setting_of(case.row.cells)
        run = current.get(setting)
        if run is None or name in run.figures:
            run = current[setting] = Run(row=case.row)
            runs.append(run)
        run.figures[name], run.places[name] = value, place
        if case.row.aside is not None:
            run.aside.add(name)
    return runs


def setting_of(cells: Mapping[str, str]) -> tuple[str, ...]:
    """Everything that a line says but what was measured."""
    return tuple(text for name, text in cells.items() if name not in NOT_SETTING)


def figure_of(row: Measurement) -> tuple[str, float] | None:
    """A measured number under the name that an answer gives it; None where the source leaves that open.

    Exact by definition: a decode rate of n sequences is n / TPOT, a prefill rate is prompt tokens / TTFT, and of
    all tokens of equal requests the generated ones are ``output / (input + output)``.
    """
    match row.metric:
        case "decode_tokens_per_s":
            return "tpot_s", row.requests / row.value
        case "prefill_tokens_per_s":
            tokens = row.requests * row.input_tokens
            return (FIRST_TOKEN, tokens / row.value) if row.prompt_known else None
        case "total_tokens_per_s":
            share = row.output_tokens / (row.input_tokens + row.output_tokens)
            known = row.prompt_known and row.cells["output_tokens"]
            return ("output_tokens_per_s", row.value * share) if known else None
        case "ttft_median_s":
            return None
        case _:
            return row.metric, row.value


def _without_first_token(run: Run) -> Run:
    if FIRST_TOKEN not in run.aside:
        return run
    figures = {name: value for name, value in run.figures.items() if name != FIRST_TOKEN}
    return replace(run, figures=figures, aside=run.aside - {FIRST_TOKEN})


def _once(runs: Iterable[Run]) -> Iterator[Run]:
    kept: dict[tuple[str, ...], list[Run]] = {}
    for run in runs:
        others = kept.setdefault(setting_of(run.row.cells), [])
        if not any(_is_same(run, other) for other in others):
            others.append(run)
            yield run


def _is_same(run: Run, other: Run) -> bool:
    """Whether every figure of a run is one of the other's."""
    return all(
        abs(value / other.figures.get(name, 0.0) - 1) <= SAME_FRACTION if name in other.figures else False
        for name, value in run.figures.items()
    )
