"""Offsets of measured stacks and of their layouts."""

from math import log

import numpy as np
import pytest

from llm_calc.adapters.calibration import load_calibration
from llm_calc.core.parallelism import Layout
from llm_calc.core.serving.calibrated import layout_key
from tools.calibrate.cases import Case, build_case
from tools.calibrate.families import FAMILIES, cases_by_family
from tools.calibrate.measurements import read_measurements
from tools.calibrate.offsets import key_of, layout_key_of, learned, taken
from tools.calibrate.refit_offsets import offsets_anew
from tools.calibrate.writing import ROUNDING


def _runs() -> list[Case]:
    rows = [row for row in read_measurements() if row.metric == "tpot_s" and row.load == "closed_loop"]
    stack = [
        row for row in rows if (row.engine, row.gpu) == ("trtllm", "h100-80gb-sxm") and "3.1-8B" in row.model
    ]
    return [build_case(row) for row in stack if row.tensor in (1, 2)]


def test_a_layout_has_what_its_stack_leaves() -> None:
    """All runs 20 % too high, those of two GPUs 10 % more: medians times n / (n + 4), first of all, then of layouts."""
    cases = _runs()
    two = np.array([case.row.tensor == 2 for case in cases])
    residuals = log(1.2) + log(1.1) * two
    offsets = learned(cases, residuals, np.ones(len(cases), dtype=bool))
    stack = float(np.median(residuals)) * len(cases) / (len(cases) + 4)
    both = stack + (log(1.32) - stack) * two.sum() / (two.sum() + 4)
    assert taken(cases, offsets)[two] == pytest.approx(both)


def test_keys_name_the_layout_behind_the_stack() -> None:
    case = _runs()[0]
    stack, load, metric = str(key_of(case)).split("|")
    row = case.row
    layout = Layout(tensor=row.tensor, pipeline=row.pipeline, data=row.data, expert=row.expert)
    assert layout_key_of(case) == f"{layout_key(stack, layout)}|{load}|{metric}"


def test_runs_of_independent_replicas_are_runs_of_one() -> None:
    """No written layout has dense replicas: their runs are told with those of a single one."""
    layouts = [
        key.split("|")[0].rsplit("/", 1)[1].split(".")
        for key, _ in load_calibration("served").offsets
        if _has_layout(key)
    ]
    assert len(layouts) > 100
    assert not [each for each in layouts if each[2] != "1" and each[3] == "1"]


def _has_layout(key: str) -> bool:
    return key.split("|", maxsplit=1)[0].rsplit("/", 1)[1].count(".") == 3


def test_written_offsets_are_those_of_the_written_efficiencies() -> None:
    """What is written has four figures, and small deviations are not: hence the room."""
    family = next(each for each in FAMILIES if each.name == "batch")
    found = {key: -value for key, value in offsets_anew(family, cases_by_family()["batch"]).items()}
    assert found == pytest.approx(dict(load_calibration("batch").offsets), abs=ROUNDING)
