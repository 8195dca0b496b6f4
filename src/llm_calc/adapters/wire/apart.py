"""Prefill and decode on GPUs of their own."""

from typing import Annotated

from pydantic import Field

from llm_calc.adapters.wire.base import StrictRequest
from llm_calc.adapters.wire.parts import HardwarePart, ParallelismPart


class DisaggregatedPart(StrictRequest):
    """Prefill and decode on GPUs of their own; a replica has the layout of ``parallelism``, of decode its own if said.

    ``hardware.count`` counts the GPUs of both sides, of prefill alone where ``decode_hardware`` says the others.
    """

    prefill_replicas: Annotated[int, Field(ge=1, le=10_000)] = Field(1, description="Replicas that prefill")
    decode_replicas: Annotated[int, Field(ge=1, le=10_000)] = Field(1, description="Replicas that decode")
    decode_hardware: HardwarePart | None = Field(
        None,
        description="The GPUs of all decode replicas; absent: of the kind of the others, and among their count",
    )
    decode_parallelism: ParallelismPart | None = Field(
        None, description="The layout of a decode replica; absent: that of prefill"
    )
    link_bytes_per_s: Annotated[float, Field(ge=1e6, le=1e15)] | None = Field(
        None,
        description="What a GPU sends its share of the cache at; absent: the link that all GPUs of both sides share, "
        "between hosts the catalog's network [bytes/s]",
    )
