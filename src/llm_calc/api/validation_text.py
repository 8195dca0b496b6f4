"""Sentences for failed validation: which field, what is accepted."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel

from llm_calc.adapters.wire.base import nearest_name_hint

Problem = Mapping[str, Any]
Fault = dict[str, str]

MAX_FAULTS = 20
_MAX_PATH_CHARACTERS = 200
_SOURCES = ("body", "query", "path", "header")
_ACCEPTED = {
    "bool_type": "must be true or false",
    "dict_type": "must be a JSON object",
    "finite_number": "must be a finite number",
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "list_type": "must be a list",
    "missing": "is required",
    "model_attributes_type": "must be a JSON object",
    "model_type": "must be a JSON object",
    "string_type": "must be a string",
}


def faults_of(problems: Sequence[Problem], model: object = None) -> list[Fault]:
    """Return ``field`` and ``accepted`` of each problem that validation found in a body of type ``model``."""
    found = [
        {"field": _field_of(problem), "accepted": _accepted_by(problem, model)}
        for problem in problems[:MAX_FAULTS]
    ]
    unnamed = len(problems) - len(found)
    return [*found, {"field": "body", "accepted": f"has {unnamed} more faults"}] if unnamed else found


def sentence_of(faults: Sequence[Fault]) -> str:
    """Return one sentence for all faults: for each the path of its field and what is accepted."""
    return "; ".join(f"{fault['field']}: {fault['accepted']}" for fault in faults)


def _field_of(problem: Problem) -> str:
    """Return the path of a field as a user would write it, such as ``parallelism.tensor`` or ``gpus[2]``."""
    location = problem["loc"]
    parts = location[1:] if location and location[0] in _SOURCES else location
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).lstrip(".")
    return path[:_MAX_PATH_CHARACTERS] or str(location[0] if location else "body")


def _accepted_by(problem: Problem, model: object) -> str:
    """Return what a field accepts, as the end of a sentence that begins with its name."""
    if problem["type"] == "extra_forbidden":
        name, known = str(problem["loc"][-1]), _known_names(model, problem["loc"][1:-1])
        listed = f"; known: {', '.join(known)}" if known else ""
        return f"is not a known field{nearest_name_hint(name[:_MAX_PATH_CHARACTERS], known) or listed}"
    message = str(problem["msg"]).removeprefix("Value error, ")
    shortened = message.replace("Input should be", "must be", 1).replace("Input should", "must", 1)
    return _ACCEPTED.get(problem["type"], shortened)


def _known_names(model: object, path: Sequence[str | int]) -> list[str]:
    """Return the names of the fields at ``path`` below ``model``; none where the path leaves the models."""
    for part in path:
        fields = [kind.model_fields[part] for kind in _models_in(model) if part in kind.model_fields]
        if not isinstance(part, int):
            model = fields[0].annotation if fields else None
    return [name for kind in _models_in(model) for name in kind.model_fields]


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield the models that an annotation names, inside of unions and lists too."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
