"""Counts of tokens as people write them."""

import pytest
import typer

from llm_calc.cli.token_counts import token_count


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("64k", 65_536),
        ("64K", 65_536),
        ("65536", 65_536),
        ("65,536", 65_536),
        ("1M", 1 << 20),
        ("1.5k", 1_536),
    ],
)
def test_counts_are_read_as_they_are_written(text: str, tokens: int) -> None:
    assert token_count(text) == tokens


@pytest.mark.parametrize("text", ["", "k", "64kb", "1.0001k", "6,5", "many", "0x10"])
def test_what_is_no_count_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=r"65536 or 64k"):
        token_count(text)
