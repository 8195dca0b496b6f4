"""The host of a GPU: its memory and its processor, on which an engine may leave part of a model."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A machine's memory and processor as facts; ``stated``: by the request, else taken for lack of a word.

    ``memory_bandwidth_bytes_per_s``: channels x rate. ``flops_per_s``: peak of 32-bit vector arithmetic over all cores.
    """

    id: str
    name: str
    memory_bytes: int
    memory_bandwidth_bytes_per_s: float
    flops_per_s: float
    stated: bool = True
