"""The host of the GPUs in a request."""

from typing import Annotated

from pydantic import Field

from llm_calc.adapters.wire.base import StrictRequest

PlatformName = Annotated[str, Field(min_length=1, max_length=100)]


class HostPart(StrictRequest):
    """The machine around the GPUs, where part of a model may lie; what is left out is taken from the platform."""

    platform: PlatformName | None = Field(
        None, description="Id of a host of the catalog (desktop-ddr5-5600, epyc-9004, …)"
    )
    memory_bytes: Annotated[int, Field(gt=0, le=1 << 50)] | None = Field(
        None, description="Memory of the host [bytes]"
    )
    memory_bandwidth_bytes_per_s: Annotated[float, Field(gt=0, le=1e14)] | None = Field(
        None, description="Its bandwidth, channels x rate x 8 bytes [bytes/s]"
    )
    cpu: PlatformName | None = Field(None, description="Id of the host of the catalog whose processor it has")
