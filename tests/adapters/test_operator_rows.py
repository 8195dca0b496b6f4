"""Operators of a step, each named once."""

import pytest

import llm_calc


def test_layers_of_two_kinds_share_the_names_of_their_matrices() -> None:
    """gpt-oss-20b has 12 layers with a window and 12 without: 24 gate matrices of 32 experts, 4 of them for a token.

    24 x 4 x 2880 x 2880 elements at 4.25 bits = 423 MB; activations of one token add less than one percent.
    """
    found = llm_calc.estimate(model="gpt-oss-20b", hardware="h100-80gb-sxm")
    decode = [row for row in found.operators if row.phase == "decode"]
    assert len({row.name for row in decode}) == len(decode)
    gate = next(row for row in decode if row.name == "experts gate_proj")
    assert gate.bytes == pytest.approx(24 * 4 * 2880 * 2880 * 4.25 / 8, rel=0.01)
