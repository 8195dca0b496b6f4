"""Options that a request states for its engine, as words of the command that starts it."""

import json
from collections.abc import Iterator

from pydantic import BaseModel, JsonValue

from llm_calc.adapters.engines import release_of
from llm_calc.adapters.wire.engines import EnginePart
from llm_calc.core.launching.further import Further, is_said
from llm_calc.core.launching.rules import LaunchRules
from llm_calc.core.launching.stated import Stated, option_words, plain_text

CHOOSE_RULES = frozenset(("name", "version", "further", "further_values"))


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
    yield from _unsaid_further(rules, part)


def further_options(part: EnginePart) -> tuple[Further, ...]:
    """What a request says of options that nothing counts."""
    return tuple(_further(name, value) for name, value in (part.further_values or {}).items())


def _further(name: str, value: JsonValue) -> Further:
    several = isinstance(value, list) and not any(isinstance(each, (dict, list)) for each in value)
    return Further(
        name=name,
        on=value if isinstance(value, bool) else None,
        texts=tuple(map(_text, value)) if isinstance(value, list) and several else (_text(value),),
        keys=tuple((key, _text(inner)) for key, inner in value.items()) if isinstance(value, dict) else (),
        json=_text(value) if not isinstance(value, str) else json.dumps(value),
    )


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _unsaid_further(rules: LaunchRules, part: EnginePart) -> Iterator[str]:
    """A sentence on each option that nothing counts and that the command does not say."""
    row = rules.further
    said = {each.name for each in further_options(part) if row is not None and is_said(row, each)}
    for name in part.further or ():
        if name in said:
            continue
        if row is not None and name in row.own:
            yield f"engine.{name}: the launch command says its own, by the plan"
        elif (part.further_values or {}).get(name) is False:
            yield f"engine.{name}: the launch command has no word for false, and leaves it out"
        else:
            yield f"engine.{name}: nothing says its value, and the launch command leaves it out; add it"


def _json(value: dict[str, object]) -> str:
    """An object as one word of a command."""
    held = {key: part.model_dump() if isinstance(part, BaseModel) else part for key, part in value.items()}
    return json.dumps(held, separators=(",", ":"))
