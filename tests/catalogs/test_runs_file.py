"""``runs.csv`` is what ``make runs`` writes: the measurements, joined by run, beside what is predicted now."""

import csv
from math import isclose

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.measured_runs import FIGURES, RUNS_FILE, RunRow, load_sources
from tests.published import load_runs
from tools.calibrate.cases import build_cases
from tools.calibrate.measurements import ROOT, Measurement, read_measurements
from tools.calibrate.predicted_runs import cells_of
from tools.calibrate.runs import figure_of, published_runs, setting_of

# Six digits are stored; processors differ in the last digits of powers and logarithms.
STORED = 2e-5


def stored_cells() -> list[dict[str, str]]:
    with (ROOT / RUNS_FILE).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def measured(row: Measurement) -> tuple[object, ...]:
    """A figure with its setting, to the digits that are stored."""
    found = figure_of(row)
    assert found is not None
    name, value = found
    return (*setting_of(row.cells), name, f"{value:.6g}")


def test_every_run_is_stored_with_what_the_code_predicts_now() -> None:
    stored, runs = stored_cells(), published_runs()
    assert len(stored) == len(runs), "run `make runs`"
    for line, run in zip(stored, runs, strict=True):
        now = {name: str(value) for name, value in cells_of(run).items()}
        assert line.keys() == now.keys()
        for name, text in line.items():
            same = text == now[name]
            if not same and name.startswith("predicted_"):
                same = isclose(float(text), float(now[name]), rel_tol=STORED)
            assert same, f"{name}: {text!r} is {now[name]!r} now: run `make runs`"


def test_nothing_that_a_rule_sets_aside_is_shown() -> None:
    rows = [case.row for case in build_cases(read_measurements())]
    shown = {(*setting_of(run.row.cells), *item) for run in published_runs() for item in run.figures.items()}
    rounded = {(*key[:-1], f"{key[-1]:.6g}") for key in shown}
    aside = [row for row in rows if row.aside is not None]
    sound = {measured(row) for row in rows if row.aside is None and figure_of(row)}
    assert len(aside) > 200
    assert not ({measured(row) for row in aside} - sound) & rounded
    assert len(rounded & sound) == len(rounded)


def test_the_figures_of_a_run_stand_together() -> None:
    together = [row for row in load_runs() if row.ttft_s is not None and row.tpot_s is not None]
    assert len(together) > 1500
    for row in load_runs():
        assert any(getattr(row, name) is not None for name in FIGURES)
        for name in FIGURES:
            assert (getattr(row, name) is None) == (getattr(row, f"predicted_{name}") is None)


def test_rates_are_told_as_times_of_the_same_run() -> None:
    """llama.cpp on an RTX 4090: 127.74 tokens/s decoded, 512 tokens read at 7138.99 a second (as published)."""
    rows = [
        row
        for row in load_runs()
        if (row.engine, row.gpu, row.weights) == ("llama.cpp", "rtx-4090", "q4_k_m")
    ]
    per_token = [row.tpot_s for row in rows if row.tpot_s is not None]
    first = [row.ttft_s for row in rows if row.ttft_s is not None]
    assert any(value == pytest.approx(1 / 127.74, rel=1e-5) for value in per_token)
    assert any(value == pytest.approx(512 / 7138.99, rel=1e-5) for value in first)


def test_models_gpus_and_sources_are_those_of_the_catalogs() -> None:
    catalogs = load_catalogs()
    unknown = {row.model for row in load_runs() if row.model not in catalogs.model_names}
    assert unknown <= {"mlc-preset/mistral_7b", "nvidia/Llama-3_3-Nemotron-Super-49B-v1"}
    assert {row.gpu for row in load_runs()} <= {gpu.id for gpu in catalogs.gpus}
    assert {row.source for row in load_runs()} <= set(load_sources())
    assert RunRow.model_fields.keys() == stored_cells()[0].keys()
