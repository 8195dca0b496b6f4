"""What a part leaves out, or says in a name, as it was sent: an echo of it asks the same again; ``8x h200`` counts."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import (
    BaseModel,
    GetJsonSchemaHandler,
    ModelWrapValidatorHandler,
    PrivateAttr,
    field_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from llm_calc.adapters.gpu_counts import Counted, read_counted
from llm_calc.adapters.wire.base import StrictRequest, fault_at
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
        schema = handler(core)
        fields = handler.resolve_ref_schema(schema).get("properties", {})
        for name in LENGTHS if fields else ():
            kinds = fields[name]["anyOf"]
            kinds.extend([] if {"type": "null"} in kinds else [{"type": "null"}])
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


class NamesCount(StrictRequest):
    """A part whose ``gpu`` may say its ``count`` as well: ``8x h200``, ``p5.48xlarge``."""

    _instance: str | None = PrivateAttr(None)

    @model_validator(mode="wrap")
    @classmethod
    def _counted(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:  # noqa: ANN401 - as it was sent
        name = data.get("gpu") if isinstance(data, dict) else None
        read = read_counted(name) if isinstance(name, str) else Counted(gpu="")
        if read.count is None:
            return handler(data)
        stated = data.get("count")
        if stated is not None and stated != read.count:
            says = f"must be {read.count} or left out beside gpu {name!r}, which is {read.count} x {read.gpu}"
            raise fault_at(cls, "count", f"{says}; it is {stated!r}", stated)
        node = {} if read.node in (None, read.count) else {"gpus_per_node": read.node}
        part = handler({**node, **data, "gpu": read.gpu, "count": read.count})
        if read.gpu not in str(name):
            part._instance = name  # noqa: SLF001 - its own
        return part

    @property
    def instance(self) -> str | None:
        """The instance that GPU and count were named by; None where they were named themselves."""
        return self._instance
