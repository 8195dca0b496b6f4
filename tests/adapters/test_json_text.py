"""Both JSON libraries write the same bytes, so that an answer does not tell which of them is installed."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from llm_calc.adapters import json_text
from llm_calc.adapters.json_text import array_json, decoded_json, plain_json
from llm_calc.core.errors import InvalidInputError

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


MANY_KEYS = {f"key{place}": place for place in range(json_text.MOST_KEYS + 1)}


@pytest.mark.parametrize("body", [MANY_KEYS, {"engine": MANY_KEYS}, {"scenarios": [{"model": MANY_KEYS}]}])
def test_an_object_of_more_keys_than_any_request_has_is_refused_by_its_last(body: Any) -> None:
    with pytest.raises(
        InvalidInputError, match=r"an object has 1001 keys, the last is 'key1000'; at most 1000 are"
    ):
        decoded_json(to_json(body))


@pytest.mark.parametrize("field", ["hf_config", "safetensors_index", "quantization_files"])
def test_published_files_may_have_any_number_of_keys(field: str) -> None:
    body = {"model": {field: {"weight_map": MANY_KEYS}}}
    assert decoded_json(to_json(body)) == body


@pytest.mark.parametrize("value", ["[]", "{}", "0", '""'])
def test_more_values_than_any_question_needs_are_refused(value: str) -> None:
    text = f"[{','.join([value] * json_text.MOST_VALUES)}]"
    with pytest.raises(InvalidInputError, match="at most 1000000 values"):
        decoded_json(f'{{"a":{text},"b":1}}')
    # Commas within a text are none between values.
    assert decoded_json(f'{{"a":"{"," * 3_000_000}"}}')
