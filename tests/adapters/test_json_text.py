"""Both JSON libraries write the same bytes, so that an answer does not tell which of them is installed."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from llm_calc.adapters import json_text
from llm_calc.adapters.json_text import array_json, plain_json

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_plain_values_are_written_alike(value: Any) -> None:
    assert plain_json(value) == to_json(value)


def test_what_one_library_refuses_the_other_writes() -> None:
    value = {"wide": 2**70, "of": {1: np.float64(0.1)}, "pair": (1, 2)}
    assert plain_json(value) == b'{"wide":1180591620717411303424,"of":{"1":0.1},"pair":[1,2]}'


@pytest.mark.parametrize("installed", [True, False])
@pytest.mark.parametrize(
    ("values", "text"),
    [
        (
            np.array([1.0, np.nan, -0.0, np.inf, 5e-324, 1e16, 1e-7]),
            b"[1.0,null,-0.0,null,5e-324,1e+16,1e-7]",
        ),
        (np.arange(6)[::2], b"[0,2,4]"),
        (np.array([True, False]), b"[true,false]"),
        (np.array([2**70, None], dtype=object), b"[1180591620717411303424,null]"),
    ],
)
def test_arrays_are_written_alike_with_and_without_orjson(
    values: Any,
    text: bytes,
    installed: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not installed:
        monkeypatch.setattr(json_text, "_QUICK", None)
    assert array_json(values) == text
    assert plain_json([0.1]) == b"[0.1]"
