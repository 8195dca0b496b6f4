"""Layouts of one choice, with what their steps say."""

import numpy as np

from llm_calc.core.operators import step_work, summed
from llm_calc.core.parallelism import Layout
from llm_calc.core.planning.laid import laid
from tests.builders import llama, plain_numbers

LAYOUTS = (Layout(), Layout(tensor=2), Layout(pipeline=2))


def test_a_layout_has_room_where_its_stages_hold_more_than_the_weights() -> None:
    model, numbers = llama(), plain_numbers()
    works = tuple(summed(step_work(model, numbers.recipe, each, numbers.cache_format)) for each in LAYOUTS)
    found = laid(LAYOUTS, works, np.arange(3))
    whole = found.weights[0]
    assert found.memory_bytes(10.0).tolist() == [10.0, 10.0, 20.0]
    assert found.with_room(whole).tolist() == [1, 2]
    assert found.with_room(0.51 * whole).tolist() == [1, 2]
    assert found.with_room(0.4 * whole).tolist() == []
    assert found.widths.tolist() == [1, 2, 1]
    assert found.formats.tolist() == [0, 0, 0]
