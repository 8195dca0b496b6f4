"""The host of a GPU: its memory and its processor, on which an engine may leave part of a model."""

from dataclasses import dataclass

_GIB = 1 << 30


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


def host_words(host: Host) -> str:
    """A host in words: what was taken for lack of a word, or what was said."""
    speed = f"{host.memory_bandwidth_bytes_per_s / 1e9:.0f} GB/s"
    size = f"{host.memory_bytes / _GIB:.0f} GiB"
    if host.stated:
        return f"host: {host.name}, {size} at {speed}"
    return f"hardware.host: how fast it is was not stated; taken as {host.name} ({size} at {speed})"
