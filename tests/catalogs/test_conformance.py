"""Plans agree with what engines' own code answered, and the page says how far."""

import pytest

from tools.conformance.page import PAGE, mine, vllm_table, with_table
from tools.conformance.record import read
from tools.conformance.vllm_cases import MODELS

ROWS = read("vllm")
BY_MODEL = {
    model: [row for row in ROWS if row["model"] == model] for model in sorted({each[0] for each in MODELS})
}


@pytest.mark.parametrize("model", BY_MODEL)
def test_vllms_own_planner_finds_the_same_blocks(model: str) -> None:
    """vLLM 0.33.0, run without a GPU by ``make conformance``: the same to the block."""
    assert BY_MODEL[model]
    for row in BY_MODEL[model]:
        found = mine(row)
        assert found["blocks"] == int(row["blocks"])
        assert found["block_bytes"] == float(row["block_bytes"])
        assert found["longest"] == int(row["longest"])
        assert found["max_concurrency"] == pytest.approx(float(row["max_concurrency"]), abs=1e-4)
        assert found["tokens"] == pytest.approx(float(row["tokens"]), abs=1)


def test_the_page_shows_what_was_recorded() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert with_table(text, "vllm", vllm_table()) == text
