"""Rows of a set-up."""

import numpy as np

from llm_calc.core.varying import Varying


def test_rows_are_answered_in_closed_form_unless_runs_are_asked_for() -> None:
    assert not Varying(values={"workload.concurrency": np.arange(3.0)}, rows=3).simulate
