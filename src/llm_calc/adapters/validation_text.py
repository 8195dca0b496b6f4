"""Sentences for failed validation: which field, what is accepted."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from llm_calc.adapters.token_counts import read_as_vllm, read_tokens
from llm_calc.adapters.wire.base import nearest_name_hint
from llm_calc.core.errors import InvalidInputError

Problem = Mapping[str, Any]
Fault = dict[str, str]

MAX_FAULTS = 20
_MAX_PATH_CHARACTERS = 200
_QUOTE = "'"
_MUST_BE = "must be "
_BOUNDED_INT = "constrained-int"
"""What pydantic calls a whole number with bounds among the members of a union."""
_SHOULD = re.compile(r"^(?:Input|String|Value|Decimal input|Dictionary|Tuple|Set) should")
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
    "too_long": "must have at most {max_length} items",
    "too_short": "must have at least {min_length} items",
}


def faults_of(problems: Sequence[Problem], model: object = None) -> list[Fault]:
    """Return ``field`` and ``accepted`` of each problem that validation found in a body of type ``model``.

    What the members of a union accept becomes one fault: ``must be a whole number or a list``.
    """
    accepted: dict[str, list[str]] = {}
    others: set[str] = set()
    for problem in filter(_is_of_its_kind, problems):
        field = _field_of(problem, model)
        if field in accepted or len(accepted) < MAX_FAULTS:
            accepted.setdefault(field, []).append(_accepted_by(problem, model))
        else:
            others.add(field)
    found = [{"field": field, "accepted": _either(texts)} for field, texts in accepted.items()]
    return [*found, {"field": "body", "accepted": f"has {len(others)} more faults"}] if others else found


def _either(texts: Sequence[str]) -> str:
    """Return what is accepted by one member of a union or another, with ``must be`` said once."""
    first, *others = dict.fromkeys(texts)
    said = first.startswith(_MUST_BE)
    return " or ".join([first, *(each.removeprefix(_MUST_BE) if said else each for each in others)])


def _is_of_its_kind(problem: Problem) -> bool:
    """Return whether a problem is of what was given: an object is no number in a union, which says nothing of it."""
    return not (problem["loc"][-1:] == (_BOUNDED_INT,) and isinstance(problem.get("input"), dict))


def faults_in(error: ValidationError, model: object) -> list[Fault]:
    """What is wrong with a body of type ``model``, as validation found it."""
    return faults_of(
        [{**problem, "loc": ("body", *problem["loc"])} for problem in error.errors(include_url=False)], model
    )


def refusal_of(error: ValidationError, model: object) -> InvalidInputError:
    """The same as a refusal."""
    faults = faults_in(error, model)
    return InvalidInputError(sentence_of(faults), fields=faults)


def sentence_of(faults: Sequence[Fault]) -> str:
    """Return one sentence for all faults: for each the path of its field and what is accepted."""
    return "; ".join(f"{fault['field']}: {fault['accepted']}" for fault in faults)


def _field_of(problem: Problem, model: object) -> str:
    """Return the path of a field as a user would write it, such as ``parallelism.tensor`` or ``gpus[2]``."""
    source, *parts = problem["loc"] or ("body",)
    unknown = problem["type"] == "extra_forbidden"
    named: Iterable[str | int] = (
        _without_union_members(parts, model, unknown=unknown) if source == "body" else parts
    )
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in named).lstrip(".")
    return path[:_MAX_PATH_CHARACTERS] or str(source)


def _without_union_members(
    parts: Sequence[str | int], model: object, *, unknown: bool = False
) -> Iterator[str | int]:
    """Yield the parts of a path, perhaps of an ``unknown`` field, without the names of members of unions."""
    for index, part in enumerate(parts):
        models = list(_models_in(model))
        fields = [kind.model_fields[part] for kind in models if part in kind.model_fields]
        is_unknown_field = bool(models) and index == len(parts) - 1
        is_last_of_unknown = unknown and index == len(parts) - 1
        is_member = (
            isinstance(part, str) and not is_last_of_unknown and ("[" in part or part == _BOUNDED_INT)
        )  # no field has such a name; what is unknown may have any
        if not is_member and (fields or is_unknown_field or isinstance(part, int) or _holds_objects(model)):
            yield part
        model = fields[0].annotation if fields else model


def _holds_objects(annotation: object) -> bool:
    """Return whether an annotation names a ``dict``, whose keys are parts of a path too; so may anything."""
    return annotation in (None, Any, dict) or any(
        get_origin(each) is dict for each in (annotation, *get_args(annotation))
    )


def _accepted_by(problem: Problem, model: object) -> str:
    """Return what a field accepts, as the end of a sentence that begins with its name."""
    if problem["type"] == "extra_forbidden":
        named = _without_union_members(problem["loc"][1:], model, unknown=True)
        parts = [part for part in named if isinstance(part, str)]
        name, known = parts[-1], _known_names(model, parts[:-1], problem["loc"][-2])
        listed = f"; known: {', '.join(known)}" if known else ""
        return f"is not a known field{nearest_name_hint(name[:_MAX_PATH_CHARACTERS], known) or listed}"
    if problem["type"] == "union_tag_not_found":
        return f"{problem['ctx']['discriminator'].strip(_QUOTE)} is required"
    if problem["type"] == "union_tag_invalid":
        tags = _with_ollama(problem["ctx"]["expected_tags"])
        return f"{problem['ctx']['discriminator'].strip(_QUOTE)} must be one of {tags}"
    if problem["type"] == "too_short" and problem["ctx"]["min_length"] == 1:
        return "must not be empty"
    if (accepted := _ACCEPTED.get(problem["type"])) is not None:
        return accepted.format_map(problem.get("ctx", {})) + _as_a_number(problem)
    message = str(problem["msg"]).removeprefix("Value error, ")
    return _SHOULD.sub("must", message, count=1)


def _with_ollama(engines: str) -> str:
    """Names of engines, and ollama beside the one that it runs; a service that only calculates loads no engine."""
    from llm_calc.core.engines import OWN_MACHINE
    from llm_calc.core.engines.ollama import OLLAMA

    return engines.replace(f"'{OWN_MACHINE}'", f"'{OWN_MACHINE}', '{OLLAMA}'")


def _as_a_number(problem: Problem) -> str:
    """Return how a count that was typed as people write it, such as 64k, is sent; vLLM has a way of its own."""
    given = problem.get("input")
    if not isinstance(given, str):
        return ""
    read = read_as_vllm if _reads_letters(problem["loc"]) else read_tokens
    tokens = read(given[:_MAX_PATH_CHARACTERS])
    return f" ({tokens} for {given!r})" if tokens is not None and problem["type"] == "int_type" else ""


def _reads_letters(path: Sequence[object]) -> bool:
    """Return whether an option is of an engine that tells k from K; a service that only calculates loads none."""
    from llm_calc.core.engines import ENGINES

    return any(name in path and engine.traits.options.tells_letters for name, engine in ENGINES.items())


def _known_names(model: object, path: Sequence[str], tag: object = None) -> list[str]:
    """Return the names of the fields at ``path`` below ``model``, indices left out.

    Of a union whose members are told apart by a name, those of the member that ``tag`` names.
    """
    for part in path:
        fields = [kind.model_fields[part] for kind in _models_in(model) if part in kind.model_fields]
        model = fields[0].annotation if fields else None
    kinds = list(_models_in(model))
    tagged = [
        kind for kind in kinds if any(tag in get_args(each.annotation) for each in kind.model_fields.values())
    ]
    return [name for kind in tagged or kinds for name in kind.model_fields]


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield the models that an annotation names, inside of unions and lists too."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
