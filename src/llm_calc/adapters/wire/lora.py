"""Adapters (LoRA) that a deployment serves beside the model, and what an answer says of them."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from llm_calc.adapters.wire.base import Answer, StrictRequest

Rank = Annotated[int, Field(ge=1, le=4096)]
Names = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=200)]], Field(min_length=1, max_length=100)
]


class LoraPart(StrictRequest):
    """Low-rank adapters: what one has, and how many run at once."""

    adapters: Annotated[int, Field(ge=1, le=10_000)] = Field(
        1,
        description="Adapters at once in a batch: vLLM's max_loras, SGLang's max_loras_per_batch [adapters]",
    )
    rank: Rank | None = Field(None, description="Rank of an adapter (r); 16 if nothing says it [elements]")
    target_modules: Names | Literal["all-linear"] | None = Field(
        None,
        description="Matrices that it changes, by the ends of their names; all-linear if nothing says it",
    )
    adapter_config: dict[str, Any] | None = Field(
        None, description="Its adapter_config.json as published, in place of rank and target_modules"
    )
    max_rank: Rank | None = Field(
        None, description="Largest rank that the engine makes room for (max_lora_rank); absent: the adapter's"
    )
    cpu_adapters: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        None, description="Adapters that the host's memory keeps (max_cpu_loras); absent: as many as at once"
    )

    @model_validator(mode="after")
    def _once(self) -> "LoraPart":
        if self.adapter_config is not None and (self.rank is not None or self.target_modules is not None):
            raise ValueError("adapter_config says rank and target_modules itself; give one of the two")
        if self.cpu_adapters is not None and self.cpu_adapters < self.adapters:
            raise ValueError("cpu_adapters must be at least adapters: the engine keeps all of them there")
        return self


class LoraAnswer(Answer):
    """What adapters take."""

    adapter_parameters: int = Field(description="Numbers of one adapter [parameters]")
    adapter_bytes: int = Field(description="Of one adapter in 16 bits [bytes]")
    reserved_bytes: int = Field(
        description="That the engine reserves on the fullest GPU for all at once [bytes]"
    )
    host_bytes: int = Field(description="Of the adapters that the host's memory keeps [bytes]")
    flops_per_token: float = Field(description="Of one adapter for one token [FLOPs]")
