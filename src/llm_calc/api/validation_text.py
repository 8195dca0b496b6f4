"""Sentences for failed validation: which field, what is accepted."""

from collections.abc import Mapping, Sequence
from typing import Any

Problem = Mapping[str, Any]

MAX_PROBLEMS = 20
_MAX_PATH_CHARACTERS = 200
_SOURCES = ("body", "query", "path", "header")
_ACCEPTED = {
    "bool_type": "must be true or false",
    "dict_type": "must be a JSON object",
    "extra_forbidden": "is not a known field; it must be left out",
    "finite_number": "must be a finite number",
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "list_type": "must be a list",
    "missing": "is required",
    "model_attributes_type": "must be a JSON object",
    "model_type": "must be a JSON object",
    "string_type": "must be a string",
}


def sentence_of(problems: Sequence[Problem]) -> str:
    """Return one sentence for all ``problems``: for each the path of its field and what is accepted."""
    named = [f"{field_of(problem)}: {accepted_by(problem)}" for problem in problems[:MAX_PROBLEMS]]
    more = len(problems) - len(named)
    return "; ".join([*named, f"and {more} more"] if more else named)


def validation_details(problems: Sequence[Problem]) -> dict[str, object]:
    """Return the same for programs: a list of field paths and what each accepts."""
    fields = [{"field": field_of(problem), "accepted": accepted_by(problem)} for problem in problems]
    return {"fields": fields[:MAX_PROBLEMS]}


def field_of(problem: Problem) -> str:
    """Return the path of a field as a user would write it, such as ``parallelism.tensor`` or ``gpus[2]``."""
    location = problem["loc"]
    parts = location[1:] if location and location[0] in _SOURCES else location
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).lstrip(".")
    return path[:_MAX_PATH_CHARACTERS] or str(location[0] if location else "body")


def accepted_by(problem: Problem) -> str:
    """Return what a field accepts, as the end of a sentence that begins with its name."""
    known = _ACCEPTED.get(problem["type"])
    if known:
        return known
    message = str(problem["msg"]).removeprefix("Value error, ")
    return message.replace("Input should be", "must be", 1).replace("Input should", "must", 1)
