"""Hardware: one accelerator, the links between them, and a cluster of them.

These types hold published facts alone (dense peaks, nominal bandwidths). What part of them an engine
reaches is never folded in here: efficiencies belong to the calculation.
"""

from dataclasses import dataclass, replace
from typing import Literal

from llm_calc.core.errors import InvalidInputError, UnsupportedError

NUMBER_TYPES = (
    "fp64", "fp32", "tf32", "fp16", "bf16", "fp16_acc16", "fp8", "fp8_acc16", "int8", "int4", "fp6", "fp4",
)  # fmt: skip
"""Number types that a peak can be given for. ``_acc16`` is the rate when sums are kept in 16 bits
(consumer parts run it twice as fast as the same type summed in 32 bits)."""

LAPTOP = "Laptop"
"""The form of a GPU that is part of a computer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One accelerator as the software sees one device, in base SI units.

    ``memory_bytes`` is what is sold, ``usable_memory_bytes`` what a process can allocate on an idle
    device (``usable_memory_estimated``: by rule, not by measurement). ``peaks`` pairs a number type with
    its dense rate [FLOP/s, or integer operations/s]; ``supported_precisions`` may hold a type more, whose
    rate nobody published. Links count bytes one way. ``gpus_per_fast_domain`` devices reach each other
    over ``link_kind`` at full rate; ``fast_domain_spans_nodes`` tells racks and tori from single hosts.
    ``enlarged``: with more memory than it is sold with.
    None stands for what was never published or does not exist.
    """

    id: str
    name: str
    vendor: str
    family: str
    generation: str
    compute_capability: str | None = None
    release_year: int
    form_factor: str
    memory_bytes: int
    usable_memory_bytes: int
    usable_memory_estimated: bool = False
    unified_memory: bool = False
    memory_bandwidth_bytes_per_s: float
    peaks: tuple[tuple[str, float], ...]
    supported_precisions: tuple[str, ...]
    link_kind: str | None = None
    link_bytes_per_s_per_gpu_each_way: float | None = None
    pcie_bytes_per_s_each_way: float | None = None
    gpus_per_fast_domain: int = 1
    fast_domain_spans_nodes: bool = False
    tdp_w: float | None = None
    l2_bytes: int | None = None
    sm_count: int | None = None
    boost_clock_hz: float | None = None
    enlarged: bool = False

    def __hash__(self) -> int:
        """Of what tells GPUs apart at once: many results are kept by one, and it has 27 fields."""
        return hash((self.id, self.usable_memory_bytes, self.memory_bandwidth_bytes_per_s))

    def supports(self, number_type: str) -> bool:
        """Whether it computes in this number type at a published rate."""
        return any(name == number_type for name, _ in self.peaks)

    def peak_flops_per_s(self, number_type: str) -> float:
        """Dense peak of a number type [FLOP/s], sparsity never counted.

        Definition: the entry of the GPU's file in ``catalogs/gpus``, which names the source; never derived from
        another type.

        Raises:
            UnsupportedError: no such arithmetic, or no rate published.
        """
        for name, flops_per_s in self.peaks:
            if name == number_type:
                return flops_per_s
        known = ", ".join(name for name, _ in self.peaks) or "none"
        lack = "has no published dense rate for" if number_type in self.supported_precisions else "lacks"
        own = "" if self.peaks else "; hardware.gpu custom takes your own (hardware.peak_flops_per_s)"
        msg = f"precision: {self.id} {lack} {number_type}; number types with a known rate: {known}{own}"
        raise UnsupportedError(msg, field="precision", supported=[name for name, _ in self.peaks])

    def with_memory(self, memory_bytes: int) -> "Gpu":
        """The same device with so much usable memory [bytes]: a partitioned or modified card.

        Definition: nominal and usable memory become the given one; bandwidth and peaks stay. On unified memory it is
        the machine's, of which the GPU has the part that the system leaves it.

        Raises:
            InvalidInputError: ``memory_bytes`` is not above 0.
        """
        if memory_bytes <= 0:
            raise InvalidInputError("gpu_memory_bytes: must be above 0", field="gpu_memory_bytes")
        usable = unified_usable_bytes(self, memory_bytes) if self.unified_memory else memory_bytes
        return replace(
            self,
            memory_bytes=memory_bytes,
            usable_memory_bytes=usable,
            usable_memory_estimated=self.usable_memory_estimated and self.unified_memory,
        )


APPLE_LARGE_BYTES = 36 << 30


def unified_usable_bytes(gpu: Gpu, memory_bytes: int) -> int:
    """What the system leaves to a GPU that shares so much memory [bytes].

    ``memory x (usable / memory of the catalog's entry)``; on Apple parts 3/4 from 36 GiB on, else 2/3.
    Source: llama.cpp v0.5.0 prints Metal's ``recommendedMaxWorkingSetSize``
    (``ggml/src/ggml-metal/ggml-metal-device.m``; checked: 2026-11-30, read); the parts of the memory are those of
    public logs.
    Leaves out: ``iogpu.wired_limit_mb``, with which an owner raises it.
    """
    if gpu.vendor.lower() != "apple":
        return round(memory_bytes * gpu.usable_memory_bytes / gpu.memory_bytes)
    return memory_bytes * 3 // 4 if memory_bytes >= APPLE_LARGE_BYTES else memory_bytes * 2 // 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An interconnect.

    What each device can send while it receives as much [bytes/s], and the least time of a small collective
    between two of them [s].
    """

    kind: str
    bytes_per_s_per_gpu_each_way: float
    latency_s: float


LinkTier = Literal["fast", "host", "network"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """So many devices of one kind in nodes of ``gpus_per_node``.

    ``fast`` joins a fast domain (NVLink, xGMI, ...; None where the device has none), ``host`` the devices
    of a node (PCIe), ``network`` the nodes.
    """

    gpu: Gpu
    count: int
    gpus_per_node: int
    fast: Link | None
    host: Link
    network: Link

    def __post_init__(self) -> None:
        for field, value in (("count", self.count), ("gpus_per_node", self.gpus_per_node)):
            if value < 1:
                raise InvalidInputError(f"hardware.{field}: must be 1 or more", field=f"hardware.{field}")

    @property
    def nodes(self) -> int:
        """Nodes that the devices fill, the last perhaps in part [nodes].

        ``ceil(count / gpus_per_node)``.
        Definition: devices fill nodes one after the other.
        """
        return -(-self.count // self.gpus_per_node)

    @property
    def fast_domain_gpus(self) -> int:
        """Devices that the fast link joins: of one node, unless the fabric spans nodes [GPUs].

        ``min(gpus_per_fast_domain, gpus_per_node)``; the whole domain for racks and tori; 1 without a fast link.
        Definition: a single host's links end at the host.
        """
        if self.fast is None:
            return 1
        domain = self.gpu.gpus_per_fast_domain
        return domain if self.gpu.fast_domain_spans_nodes else min(domain, self.gpus_per_node)

    def tier(self, group: int) -> LinkTier:
        """The slowest kind of link that ``group`` neighbouring devices have to use among themselves."""
        if group <= self.fast_domain_gpus:
            return "fast" if self.fast is not None else "host"
        return "host" if group <= self.gpus_per_node else "network"

    def link(self, group: int) -> Link:
        """The link of :meth:`tier`, which bounds a collective over ``group`` neighbouring devices [bytes/s, s].

        Definition: a ring is as fast as its slowest link.
        """
        tier = self.tier(group)
        if tier == "fast" and self.fast is not None:
            return self.fast
        return self.network if tier == "network" else self.host
