"""The keys of a link as they were written: each once, and what they leave open."""

from collections.abc import Iterator

Pairs = list[tuple[str, str]]


def without_format(pairs: Pairs, letters: list[str]) -> list[bool]:
    """Of each scenario, whether the link names its model and no format of the weights."""
    said = {key for key, _ in pairs}
    first = "m" in said and "w" not in said
    own = (f"{letter}.w" not in said and (f"{letter}.m" in said or first) for letter in letters)
    return [first, *("w" not in said and each for each in own)]


def said_again(pairs: Pairs) -> Iterator[str]:
    """Values that a later one of the same key takes the place of, as ``key=value (said again)``."""
    said: dict[str, str] = {}
    for key, value in pairs:
        if said.get(key, value) != value:
            yield f"{key}={said[key]} (said again)"
        said[key] = value
