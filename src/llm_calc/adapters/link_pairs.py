"""The keys of a link as they were written: each once, and what they leave open."""

from collections.abc import Iterator, Mapping
from typing import Any

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


def said_in_vain(
    pairs: Pairs, states: Mapping[str, Mapping[str, str]], table: Mapping[str, Any]
) -> Iterator[str]:
    """Sentences on keys that a link says and that nothing reads beside its load, its engine and its model.

    ``states``: the scenarios by the letter of their keys, "" for the first; what the first says holds for all.
    """
    for key, value in pairs:
        letter, _, name = key.rpartition(".") if key[:2] in ("b.", "c.", "d.") else ("", "", key)
        if not value or value == table["defaults"].get(name) or letter not in states:
            continue
        reasons = [_idle(name, state, table) for state in ([states[letter]] if letter else states.values())]
        if all(reasons):
            yield f"{key}={value} changes nothing: {reasons[0]}"


def _idle(name: str, state: Mapping[str, str], table: Mapping[str, Any]) -> str:
    """Why nothing reads a key of a scenario, "" where something does."""
    load, flags = state["load"], table["engine_flags"]
    if (name in table["load_fields"] and name != load) or (name in table["session_fields"] and load != "s"):
        return f"the load is {load}"
    if name in table["custom_fields"] and state["m"] != table["custom_model"]:
        return "the model has a name"
    everywhere = {key for each in flags.values() for key in each}
    if name in everywhere and name not in flags.get(state["e"], everywhere):
        return f"{state['e']} has no such option"
    return ""
