"""What follows from one tensor, one product with the context and one vector, by hand."""

from typing import Any

import pytest

from llm_calc.core.weights import COMPONENTS, Cache, Scores, Weight, vector


def weight(**said: Any) -> Weight:
    """A matrix of 3 x 5 numbers, or as said."""
    return Weight(**{"name": "w", "component": "experts", "rows": 3, "cols": 5, **said})


def test_elements_of_a_matrix_its_bias_and_its_copies() -> None:
    """15 numbers of the matrix and 2 of its bias: 17, and 4 copies of them: 68, of which 60 are no biases."""
    assert (weight().params, weight().matrix_params) == (15, 15)
    assert (weight(bias=2).params, weight(bias=2).matrix_params) == (17, 15)
    assert (weight(bias=2, copies=4).params, weight(bias=2, copies=4).matrix_params) == (68, 60)
    assert Weight(name="n", component="norms", cols=7).params == 7  # one row unless said


@pytest.mark.parametrize(
    ("used", "active"),
    [(1, 15), (2, 30), (1.5, 22.5), (3, 45), (4, 60), (5, 60), (0, 60)],
)
def test_a_token_meets_its_share_of_the_copies_and_a_tower_counts_whole(used: float, active: float) -> None:
    """4 copies of 15 numbers: so many of them as are used, never more than all; of what no token meets, all 60."""
    assert weight(copies=4, used=used).active_params == active


def test_a_multiply_add_is_two_operations() -> None:
    """2 x 3 x 5 = 30 for each copy that is used, whatever the bias; nothing for what is looked up or added."""
    assert weight().flops_per_token == 30
    assert weight(bias=9, copies=8, used=2).flops_per_token == 60
    assert weight(used=0).flops_per_token == 0
    assert [weight(kind=kind).flops_per_token for kind in ("vector", "table")] == [0, 0]


def test_a_vector_has_one_row_and_is_split_only_where_said() -> None:
    norm, sinks = vector("norm", "norms", 64), vector("sinks", "attention", 8, units=8)
    assert (norm.rows, norm.cols, norm.params, norm.kind, norm.units) == (1, 64, 64, "vector", 1)
    assert (sinks.params, sinks.units, sinks.flops_per_token) == (8, 8, 0)


def test_what_nothing_is_said_of() -> None:
    """One copy that every token passes, a matrix of text that each GPU holds whole and that no cache is put through."""
    plain = weight()
    assert (plain.copies, plain.used, plain.bias, plain.units, plain.attending) == (1, 1, 0, 1, 0)
    assert (plain.kind, plain.place, plain.over_context) == ("matrix", "text", False)
    assert (plain.context_window, plain.met) == (None, None)
    cache = Cache(kind="full")
    assert (cache.elements_per_token, cache.tokens_per_entry, cache.units) == (0, 1, 1)
    assert (cache.state_elements, cache.state_bits, cache.spare_state_elements) == (0, 0, 0)
    assert (cache.state_open, cache.window) == (False, None)
    scores = Scores(heads=1, qk_dim=1, v_dim=1)
    assert (scores.chunked, scores.with_scan, scores.tokens_per_key, scores.units) == (False, False, 1, 1)
    assert len(set(COMPONENTS)) == len(COMPONENTS) == 11


def test_a_pair_of_query_and_key() -> None:
    """2 x 8 heads x (64 + 32) = 1536; absorbed, 2 x 8 x (576 + 512) = 17 408. A side keeps its width."""
    said: dict[str, Any] = {"heads": 8, "qk_dim": 64, "v_dim": 32}
    plain = Scores(**said)
    assert plain.flops_per_pair == plain.absorbed_flops_per_pair == 1536
    latent = Scores(**said, absorbed_qk_dim=576, absorbed_v_dim=512)
    assert (latent.flops_per_pair, latent.absorbed_flops_per_pair) == (1536, 17408)
    assert Scores(**said, absorbed_qk_dim=576).absorbed_flops_per_pair == 2 * 8 * (576 + 32)
    # An index weighs no values: a width of nothing is a width.
    assert Scores(**said, absorbed_v_dim=0).absorbed_flops_per_pair == 2 * 8 * 64
