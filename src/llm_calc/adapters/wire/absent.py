"""What a workload leaves out stays left out in its echo, so that an answer's parts sent back ask the same again."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, GetJsonSchemaHandler, field_serializer
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from llm_calc.adapters.wire.base import StrictRequest
from llm_calc.adapters.wire.lengths import Length

LENGTHS = ("input_tokens", "output_tokens")


def without_null_lengths(stated: Mapping[str, Any]) -> dict[str, Any]:
    """What is stated, where a length that is null is one left out."""
    return {name: value for name, value in stated.items() if name not in LENGTHS or value is not None}


class AbsentStaysAbsent(StrictRequest):
    """A workload whose lengths are null in its echo where classes or a trace have them."""

    @field_serializer(*LENGTHS, mode="plain", check_fields=False)
    def _null_beside_others(self, value: Length) -> Length | None:
        others = (getattr(self, name) for name in ("classes", "trace"))
        return None if any(each is not None for each in others) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """One schema for what is asked and what is echoed: a length may be null in both."""
        schema = super().__get_pydantic_json_schema__(core, handler)
        fields = handler.resolve_ref_schema(schema).get("properties", {})
        for name in LENGTHS if fields else ():
            fields[name].setdefault("default", cls.model_fields[name].default)
        return schema

    @property
    def cached_fraction(self) -> float:
        """Share of a prompt that is found in the cache as stated, 0 where nothing is stated [-]."""
        stated: float | None = getattr(self, "prefix_cache_hit_fraction", None)
        return stated or 0.0


def given_of(part: BaseModel) -> set[str]:
    """Fields that are stated and not null."""
    return {name for name in part.model_fields_set if getattr(part, name) is not None}
