"""GGUF files that are no model, and what a header says beyond its tensors."""

import pytest

from llm_calc.core.errors import InvalidInputError
from tests.adapters.gguf_bytes import SIZES, read, small


@pytest.mark.parametrize(
    ("word", "means"),
    [("adapter", "LoRA"), ("mmproj", "tower"), ("imatrix", "importance"), ("vocab", "vocabulary")],
)
def test_a_file_that_says_it_is_no_model_is_refused_by_what_it_is(word: str, means: str) -> None:
    with pytest.raises(InvalidInputError, match=rf"general\.type: '{word}'.*{means}"):
        read("llama", SIZES, small(), general__type=word)


def test_an_adapter_without_sizes_is_called_an_adapter() -> None:
    with pytest.raises(InvalidInputError, match="adapter"):
        read("llama", {}, [("blk.0.attn_q.weight.lora_a", (64, 8), "f16")], general__type="adapter")


def test_a_kind_that_nobody_knows_is_named() -> None:
    assert read("llama", SIZES, small(), general__type="model").doubts == ()
    assert any("'zz'" in doubt for doubt in read("llama", SIZES, small(), general__type="zz").doubts)
    notes = read("llama", SIZES, small(), general__file_type=999).notes
    assert any("general.file_type" in note and "999" in note for note in notes)


def test_tensors_behind_the_last_block_take_exact_away() -> None:
    file = read("llama", {**SIZES, "block_count": 1}, small())
    assert any("block_count says 1" in doubt and "layer 1" in doubt for doubt in file.doubts)


def test_blocks_that_guess_are_told_as_the_file_has_them() -> None:
    sizes = {**SIZES, "nextn_predict_layers": 1}
    held = read("llama", sizes, small()).notes
    assert any("are in the file" in note for note in held)
    missing = read("llama", {**sizes, "block_count": 3}, small()).notes
    assert any("counted but not in the file" in note for note in missing)
