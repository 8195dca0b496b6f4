"""Values of a link that become fields of a request by their path: what ``page_fields`` lists, and a JSON object."""

import math
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from llm_calc.adapters.json_twice import json_once
from llm_calc.adapters.page_fields import JSON_KEY, foreign_parts, further_fields
from llm_calc.core.errors import InvalidInputError

Body = dict[str, Any]

# As people type numbers, and as the page takes them: 2048, 2,048, 0.5, 1e6.
_NUMBER = re.compile(r"[+-]?((\d{1,3}(,\d{3})+|\d+)(\.\d+)?|\.\d+)(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
_SHOWN_CHARACTERS = 60


def number_of(key: str, text: str) -> int | float | None:
    """The number of a key; whole where it is, None where the form is empty.

    Raises:
        InvalidInputError: it is no number.
    """
    typed = text.strip()
    if not typed:
        return None
    value = _parsed(typed)
    if not math.isfinite(value):
        raise refused(key, f"must be a number or empty, not {shown(typed)}")
    return int(value) if value.is_integer() else value


def with_further(body: Body, state: Mapping[str, str], to: str) -> Body:
    """The request with what a link says by path, and its JSON object over all of it.

    ``to``: which request it is, estimate, memory or plans: parts that it does not take are left out.

    Raises:
        InvalidInputError: a text that is no number, or no JSON object; names the key.
    """
    for path, field in further_fields().items():
        value = _value(field, path, state[path])
        if value is not None:
            _put(body, path, value, gpu=state["g"].strip())
    if "kv_tiers" in body:
        body["kv_tiers"] = [tier for tier in body["kv_tiers"] if tier]
    _merge(body, _object(state[JSON_KEY]))
    return {part: each for part, each in body.items() if part not in foreign_parts()[to]}


def parts_for_plans(state: Mapping[str, str]) -> list[str]:
    """What a link says that plans alone read, by path: keys of its own, and parts of its JSON object.

    Raises:
        InvalidInputError: the text is no JSON object.
    """
    foreign = foreign_parts()["estimate"]
    paths = [*(path for path in further_fields() if state[path].strip()), *_paths(_object(state[JSON_KEY]))]
    return list(dict.fromkeys(path for path in paths if path.partition(".")[0] in foreign))


def _paths(part: Body, before: str = "") -> Iterator[str]:
    """The path of every value of an object; null says nothing."""
    for name, value in part.items():
        if isinstance(value, dict) and value:
            yield from _paths(value, f"{before}{name}.")
        elif value is not None:
            yield f"{before}{name}"


def refused(key: str, accepted: str) -> InvalidInputError:
    """What is said of a value of a link that cannot be right."""
    return InvalidInputError(f"link: {key}: {accepted}", field="link", key=key)


def shown(text: str) -> str:
    """A text in quotes, cut where it is absurdly long."""
    return repr(text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…")


def _parsed(text: str) -> float:
    return float(text.replace(",", "")) if _NUMBER.fullmatch(text) else math.nan


def _value(field: Mapping[str, Any], key: str, text: str) -> object:
    typed = text.strip()
    if not typed:
        return None
    match field["kind"]:
        case "flag":
            return {"true": True, "false": False}.get(typed, typed)
        case "list":
            return [_item(each) for each in typed.split(",") if each.strip()]
        case "number":
            value, scale = number_of(key, typed), field.get("scale", 1)
            return value if value is None or scale == 1 else round(value * scale)
    return typed


def _item(text: str) -> object:
    """A number of a list, or a word of it."""
    typed = text.strip()
    value = _parsed(typed)
    if not math.isfinite(value):
        return typed
    return int(value) if value.is_integer() else value


def _put(body: Body, path: str, value: object, gpu: str) -> None:
    """Set a field by its path, whose numbers count in lists; of unlike GPUs the first says what is said of all.

    ``gpu``: what a ``*`` in the path stands for, whatever it holds.
    """
    *steps, last = (gpu if step == "*" else step for step in path.split("."))
    at: Any = body
    for step, following in pairwise([*steps, last]):
        new: Any = [] if following.isdigit() else {}
        if isinstance(at, list) and step.isdigit():
            at.extend({} for _ in range(len(at), int(step) + 1))
            at = at[int(step)]
        else:
            at = _first(at).setdefault(step, new)
    _first(at)[last] = value


def _first(at: Any) -> Body:  # noqa: ANN401 - a part of a request, or a list of its kind
    found: Body = at[0] if isinstance(at, list) else at
    return found


def _object(text: str) -> Body:
    if not text.strip():
        return {}
    try:
        found = json_once(text, allow_inf_nan=False, where=f"link: {JSON_KEY}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise refused(JSON_KEY, "must be a JSON object or empty")
    return found


def _merge(body: Body, more: Body) -> None:
    """Lay an object over a request: parts are joined, null takes a field away."""
    for name, value in more.items():
        if value is None:
            body.pop(name, None)
        elif isinstance(value, dict) and isinstance(body.get(name), dict):
            _merge(body[name], value)
        else:
            body[name] = value
