"""Options that a request states for its engine, as words of the command that starts it."""

import json
from collections.abc import Iterator

from pydantic import BaseModel

from llm_calc.adapters.engines import release_of
from llm_calc.adapters.wire.engines import EnginePart
from llm_calc.core.launching.rules import LaunchRules
from llm_calc.core.launching.stated import Stated, option_words, plain_text

CHOOSE_RULES = frozenset(("name", "version", "further"))


def stated_options(part: EnginePart) -> Stated:
    """What a request says of its engine, objects as one word of a command."""
    return tuple((name, _json(value) if isinstance(value, dict) else value) for name, value in _stated(part))


def _stated(part: EnginePart) -> Stated:
    said = sorted(part.model_fields_set - CHOOSE_RULES)
    return tuple((name, value) for name in said if (value := getattr(part, name)) is not None)


def unsaid(rules: LaunchRules, part: EnginePart) -> Iterator[str]:
    """A sentence on each stated option, other than the engine's own default, that no word of the command says."""
    rows, defaults = {row.states: row for row in rules.stated}, release_of(part).defaults
    for name, value in _stated(part):
        row = rows.get(name)
        if value != defaults.get(name) and (row is None or not option_words(row, value, None)):
            yield f"engine.{name}: was planned with {plain_text(value, {})}, for which the launch command has no word"
    for name in part.further or ():
        yield f"engine.{name}: nothing here counts it, and the launch command leaves it out; add it as you said it"


def _json(value: dict[str, object]) -> str:
    """An object as one word of a command."""
    held = {key: part.model_dump() if isinstance(part, BaseModel) else part for key, part in value.items()}
    return json.dumps(held, separators=(",", ":"))
