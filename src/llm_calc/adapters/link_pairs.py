"""The keys of a link as they were written: each once, and what they leave open."""

from collections.abc import Iterator

from llm_calc.adapters.link_fields import shown

Pairs = list[tuple[str, str]]


def without_format(pairs: Pairs, letters: list[str]) -> list[bool]:
    """Of each scenario, whether the link names its model and no format of the weights."""
    said = {key for key, _ in pairs}
    first = "m" in said and "w" not in said
    own = (f"{letter}.w" not in said and (f"{letter}.m" in said or first) for letter in letters)
    return [first, *("w" not in said and each for each in own)]


def said_again(pairs: Pairs) -> Iterator[str]:
    """Sentences on values that a later one of the same key takes the place of."""
    said: dict[str, str] = {}
    for key, value in pairs:
        if said.get(key, value) != value:
            yield f"{shown(key)} is said again: {shown(value)} takes the place of {shown(said[key])}"
        said[key] = value
