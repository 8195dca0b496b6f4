"""A field of a request that may be left out and is null is one left out: clients write what they do not set as null."""

from functools import cache
from typing import Any

from pydantic import BaseModel, GetJsonSchemaHandler, TypeAdapter, ValidationError, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

_NULL = {"type": "null"}


class NullIsAbsent(BaseModel):
    """A request, or a part of one, that takes its default for a field that is null."""

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, data: object) -> object:
        if not isinstance(data, dict) or None not in data.values():
            return data
        left_out = never_null(cls)
        return {name: value for name, value in data.items() if value is not None or name not in left_out}

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The schema, with null beside what else may be left out; what tells parts from each other has to be said."""
        schema = handler(core)
        found = handler.resolve_ref_schema(schema)
        needed = found.get("required", ())
        for name, field in found.get("properties", {}).items():
            if name not in needed and "const" not in field:
                found["properties"][name] = _or_null(field)
        return schema


@cache
def never_null(kind: type[BaseModel]) -> frozenset[str]:
    """Fields that may be left out and have no null of their own."""
    optional = {name: info for name, info in kind.model_fields.items() if not info.is_required()}
    return frozenset(name for name, info in optional.items() if not _takes_null(info.annotation))


def _takes_null(annotation: Any) -> bool:  # noqa: ANN401 - as a field is declared
    try:
        TypeAdapter(annotation).validate_python(None)
    except ValidationError:
        return False
    return True


def _or_null(field: JsonSchemaValue) -> JsonSchemaValue:
    """A field's schema with null beside its kinds; what is said of the field stays with it."""
    if "anyOf" in field:
        kinds = field["anyOf"]
        return field if _NULL in kinds else {**field, "anyOf": [*kinds, _NULL]}
    said: JsonSchemaValue = {
        name: field[name] for name in ("default", "description", "title") if name in field
    }
    kind = {name: value for name, value in field.items() if name not in said}
    return {"anyOf": [kind, _NULL], **said}
