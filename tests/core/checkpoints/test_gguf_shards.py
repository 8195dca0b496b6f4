"""Headers of a file's parts as one, in cases that are written out: which parts belong together, and what they hold."""

from typing import Any

import pytest

from llm_calc.core.checkpoints.gguf.header import GgufHeader, GgufTensor
from llm_calc.core.checkpoints.gguf.shards import joined
from llm_calc.core.errors import InvalidInputError


def tensor(name: str) -> GgufTensor:
    return GgufTensor(name=name, type="f16", shape=(2, 3), elements=6, bytes=12)


def part(number: int, *names: str, count: int = 2, **values: Any) -> GgufHeader:
    keys = {
        "general.architecture": "llama",
        "split.no": number,
        "split.count": count,
        "split.tensors.count": 3,
    }
    tensors = tuple(tensor(name) for name in names)
    return GgufHeader(
        values={**keys, **{key.replace("__", "."): each for key, each in values.items()}}, tensors=tensors
    )


FIRST, SECOND = part(0, "a", "b"), part(1, "c")


def test_parts_in_any_order_are_one_list_in_the_order_of_their_numbers() -> None:
    for headers in ((FIRST, SECOND), (SECOND, FIRST)):
        found = joined(headers)
        assert found.header.tensors == (tensor("a"), tensor("b"), tensor("c"))
        assert (found.shards, found.notes, found.header.values) == (2, (), FIRST.values)


def test_some_parts_are_told_by_their_numbers_from_one() -> None:
    found = joined((part(0, "a", count=9), part(4, "b", count=9)))
    assert (found.header.tensors, found.shards) == (None, 9)
    assert found.notes[0].startswith("this is shards 1, 5 of 9: ")
    assert joined((part(0, "a", count=9),)).notes[0].startswith("this is shard 1 of 9: ")


def test_a_part_whose_list_was_cut_off_leaves_all_without() -> None:
    found = joined((FIRST, GgufHeader(values=SECOND.values, tensors=None)))
    assert (found.header.tensors, found.shards) == (None, 2)
    assert "ends before its list of tensors (2 parts)" in found.notes[0]


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        (
            (FIRST, part(1, "c", general__architecture="qwen2")),
            "general.architecture is another in part 2",
        ),
        ((FIRST, part(1, "c", count=3)), "not parts of one file"),
        ((FIRST, FIRST), "split.no must be another of 0 to 1"),
        ((FIRST, part(2, "c")), "split.no must be another of 0 to 1"),
        ((SECOND,), "part 1 of 2 holds the keys and is needed; given: shard 2 of 2"),
        ((FIRST, part(1, "c", "d")), "split.tensors.count is 3; the parts list 4 tensors"),
        ((FIRST, part(1, "b")), "the parts list 3 tensors, each must be another"),
        ((part(0, "a", count=1), part(0, "b", count=1)), "not parts of one file"),
        ((part(0, count=1),), "lists no tensors"),
        ((part(0, "a", split__count="two"),), "split.count must be a whole number; it is two"),
    ],
)
def test_what_does_not_belong_together_is_refused(headers: tuple[GgufHeader, ...], words: str) -> None:
    with pytest.raises(InvalidInputError, match=r".") as refused:
        joined(headers)
    assert words in refused.value.message


@pytest.mark.parametrize(("names", "said"), [("ab", True), ("abc", False)])
def test_a_whole_file_that_tells_another_number_of_tensors_is_said_so(names: str, said: bool) -> None:
    found = joined((part(0, *names, count=1),))
    assert found.shards == 0
    assert found.notes == (
        (f"split.tensors.count says 3; the file lists {len(names)} tensors, which were counted",)
        if said
        else ()
    )
