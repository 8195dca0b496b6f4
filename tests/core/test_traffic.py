"""Bytes that a decode step moves, worked out by hand for a small mixture of experts."""

import pytest

from llm_calc.core.blocks import Attention, Experts
from llm_calc.core.footprint import Split
from llm_calc.core.parallelism import Layout
from llm_calc.core.traffic import decode_cache_bytes, decode_weight_bytes, touched_fraction
from tests.builders import decoder, plain_numbers

ATTENTION = Attention(hidden=64, heads=4, kv_heads=2, head_dim=16)
MIXTURE = decoder(
    [(ATTENTION, Experts(hidden=64, experts=8, top_k=2, intermediate=32))] * 4, hidden=64, vocab=1000
)
NUMBERS = plain_numbers()
ATTENDING = 64 * (64 + 2 * 32 + 64)  # queries, keys and values of half the heads, output
EXPERT, ROUTER, HEAD, NORM = 3 * 64 * 32, 64 * 8, 64 * 1000, 64


def test_tokens_touch_experts_by_chance() -> None:
    """Of eight, two a token: 1/4 of them, then 1 - (3/4)^2 = 7/16, and in the end all."""
    assert touched_fraction(8, 2, 1) == 1 / 4
    assert touched_fraction(8, 2, 2) == 7 / 16
    assert touched_fraction(8, 2, 1000) == pytest.approx(1.0)


@pytest.mark.parametrize(("batch", "touched"), [(1, 2), (2, 3.5)])
def test_a_step_reads_all_but_the_embedding_and_the_experts_that_nobody_visits(
    batch: int, touched: float
) -> None:
    whole = 4 * (ATTENDING + ROUTER + touched * EXPERT) + HEAD + NORM
    assert decode_weight_bytes(MIXTURE, NUMBERS, Split(), batch) == 2 * whole


def test_on_two_gpus_each_reads_half_of_what_is_cut() -> None:
    """The final norm and the routers are whole on both."""
    split = Split(layout=Layout(tensor=2))
    whole = 4 * (ATTENDING / 2 + ROUTER + EXPERT) + HEAD / 2 + NORM
    assert decode_weight_bytes(MIXTURE, NUMBERS, split, 1) == 2 * whole


def test_a_tied_head_is_read_as_if_it_were_its_own_on_one_stage_and_is_on_several() -> None:
    tied = decoder([(ATTENTION,)] * 4, hidden=64, vocab=1000, tied=True)
    whole = 2 * (4 * ATTENDING + HEAD + NORM)
    for layout in (Layout(), Layout(pipeline=2)):
        assert decode_weight_bytes(tied, NUMBERS, Split(layout=layout), 1) == whole


def test_the_whole_cache_is_read() -> None:
    """Keys and values of two heads of 16 in two bytes: 128 a token and layer; three sequences of 100."""
    assert decode_cache_bytes(MIXTURE, NUMBERS, Split(), 3, 100) == 4 * 128 * 3 * 100
    # Stages after each other read as much; two GPUs half of it each; a sequence over three GPUs 34 of 100 tokens.
    assert decode_cache_bytes(MIXTURE, NUMBERS, Split(layout=Layout(pipeline=4)), 3, 100) == 4 * 128 * 300
    assert decode_cache_bytes(MIXTURE, NUMBERS, Split(layout=Layout(tensor=2)), 3, 100) == 4 * 64 * 300
    assert decode_cache_bytes(MIXTURE, NUMBERS, Split(sequence=3), 3, 100) == 4 * 128 * 3 * 34
