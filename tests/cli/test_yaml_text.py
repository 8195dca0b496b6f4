"""What the command prints as YAML is read as what it was."""

import yaml  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from llm_calc.cli.yaml_text import yaml_documents, yaml_text

TEXTS = st.text(max_size=12) | st.sampled_from(
    [
        "no",
        "Yes",
        "~",
        "1",
        "1e3",
        "0x1",
        "- a",
        "a: b",
        "#",
        "$(X)",
        "a/b",
        ".5",
        ".inf",
        "=",
        "2026-01-01",
        "-",
        "y",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_a_reader_of_yaml_finds_the_value(value: object) -> None:
    assert yaml.safe_load(yaml_text(value)) == value


def test_documents_stand_by_themselves_below_their_comments() -> None:
    text = yaml_documents([{"a": 1}, {"b": []}], ["first\nsecond"])
    assert text.startswith("# first\n# second\n")
    assert list(yaml.safe_load_all(text)) == [{"a": 1}, {"b": []}]
