"""Options that a request states for its engine, as words of the command that starts it."""

import json
from collections.abc import Iterator, Mapping

from pydantic import BaseModel

from llm_calc.adapters.engines import release_of
from llm_calc.adapters.planning.launch_catalog import LaunchRules, StatedOption
from llm_calc.adapters.wire.engines import EnginePart

CHOOSE_RULES = frozenset(("name", "version", "further"))

Stated = tuple[tuple[str, object], ...]
"""Names of options and what was said of them."""


def stated_options(part: EnginePart) -> Stated:
    """What a request says of its engine."""
    said = sorted(part.model_fields_set - CHOOSE_RULES)
    return tuple((name, value) for name in said if (value := getattr(part, name)) is not None)


def stated_words(
    rules: LaunchRules, stated: Stated, release: str | None, *, in_file: bool
) -> Mapping[str, tuple[str, ...]]:
    """The words of each option that says something stated, the option's own among them."""
    said = dict(stated)
    found = {
        row.option: _words(row, said[row.states], release)
        for row in rules.stated
        if row.states in said and row.in_file == in_file
    }
    return {option: words for option, words in found.items() if words}


def unsaid(rules: LaunchRules, part: EnginePart) -> Iterator[str]:
    """A sentence on each stated option, other than the engine's own default, that no word of the command says."""
    rows, defaults = {row.states: row for row in rules.stated}, release_of(part).defaults
    for name, value in stated_options(part):
        row = rows.get(name)
        if value != defaults.get(name) and (row is None or not _words(row, value, None)):
            yield f"engine.{name}: was planned with {_text(value, {})}, for which the launch command has no word"


def _words(row: StatedOption, value: object, release: str | None) -> tuple[str, ...]:
    """The option and its value; nothing where it cannot be said."""
    option = row.option if release is None else row.earlier.get(release, row.option)
    if isinstance(value, bool):
        return _switched(option, row.on if value else row.off, bare=value)
    if isinstance(value, dict):
        return option, _json(value)
    if isinstance(value, tuple):
        texts = tuple(_text(each, row.values) for each in value)
        return (option, *(texts if row.joined is None else (row.joined.join(texts),)))
    return option, _text(value, row.values)


def _json(value: dict[str, object]) -> str:
    """An object as one word of a command."""
    held = {key: part.model_dump() if isinstance(part, BaseModel) else part for key, part in value.items()}
    return json.dumps(held, separators=(",", ":"))


def _switched(option: str, word: str | None, *, bare: bool) -> tuple[str, ...]:
    if word is None:
        return (option,) if bare else ()
    return (word,) if word.startswith("-") else (option, word)


def _text(value: object, values: Mapping[str, str]) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return values.get(text, text)
