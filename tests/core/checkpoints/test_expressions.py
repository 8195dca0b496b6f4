"""Expressions over names of modules: the same answers as Python's, in bounded time."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_calc.core.checkpoints.expression_syntax import SyntaxRefusedError, parse_expression, parse_wildcards
from llm_calc.core.checkpoints.expressions import Expression

PIECES = ["a", "b", ".", r"\.", "1", "[ab]", "[^a]", r"\d", "(a|b)", "(ab|1.)", "(?:a|)", "(?!a)", "(?=b)"]
TIMES = ["", "", "*", "+", "?", "{0,2}", "*?"]


@st.composite
def expressions(draw: st.DrawFn) -> str:
    """Expressions of a few pieces, look-aheads unrepeated, with or without anchors."""
    pieces = draw(st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(TIMES)), max_size=5))
    inner = "".join(piece + ("" if piece.startswith(("(?!", "(?=")) else times) for piece, times in pieces)
    return draw(st.sampled_from(["", "^"])) + inner + draw(st.sampled_from(["", "$"]))


@given(text=expressions(), names=st.lists(st.text(alphabet="ab1.", max_size=7), max_size=6))
def test_matches_are_those_of_python(text: str, names: list[str]) -> None:
    ours, theirs = Expression(parse_expression(text)), re.compile(text)
    for name in names:
        assert ours.matches(name) == (theirs.match(name) is not None)


@pytest.mark.parametrize(
    ("text", "name", "held"),
    [
        (r".*mlp\.(gate|up|down)_proj$", "model.layers.3.mlp.up_proj", True),
        (r".*mlp\.(gate|up|down)_proj$", "model.layers.3.mlp.experts.0.up_proj", False),
        (r"(?!.*experts).*_proj", "model.layers.3.mlp.experts.0.up_proj", False),
        (r"(?i).*LM_HEAD", "lm_head", True),
        (r"model\.layers\.(0|1)\..*", "model.layers.10.mlp", False),
    ],
)
def test_expressions_of_published_files(text: str, name: str, *, held: bool) -> None:
    assert Expression(parse_expression(text)).matches(name) is held


@pytest.mark.parametrize(
    "text", [r"(a)\1", r"(?<=a)b", r"\bmlp", "a**(", "(", "a)", "*a", "a{9999}", "((.{60}a?){60}){60}"]
)
def test_what_is_not_read_is_refused(text: str) -> None:
    with pytest.raises((SyntaxRefusedError, RecursionError)):
        Expression(parse_expression(text))


def test_names_take_time_by_their_length_alone() -> None:
    for text in ("(a+)+$", ".*[a-z].*[a-z].*[a-z].*!", "((a?){20}){20}a"):
        expression = Expression(parse_expression(text))
        expression.matches("a" * 30)
        before = expression.work
        expression.matches("a" * 3000)
        assert expression.work - before < 2500


def test_wildcards_stand_for_anything() -> None:
    wild = Expression(parse_wildcards("model.layers.*.self_attn*"), anchored_end=True)
    assert wild.matches("model.layers.7.self_attn.q_proj")
    assert not wild.matches("model.layers.7.mlp.up_proj")
    assert Expression(parse_wildcards("layers.[0-3]"), anchored_end=True).matches("layers.2")
