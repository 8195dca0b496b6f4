"""Interconnects of the catalog, and the clusters that they make of GPUs."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, Field, model_validator

from llm_calc.adapters.catalog.files import STRICT, Many
from llm_calc.adapters.catalog.gpus import CatalogGpu, Count, Microseconds, Positive, Slug, SourceKind, Text
from llm_calc.adapters.units import GB, MICRO
from llm_calc.core.errors import CatalogError
from llm_calc.core.hardware import Cluster, Gpu, Link
from llm_calc.core.plausible import LINK_BYTES_PER_S

MOST_LINK_GB_PER_S = LINK_BYTES_PER_S[1] / GB
PCIE = "pcie"
"""The link of a node whose devices have no faster one."""


class AllReduceMeasurement(BaseModel):
    """One measured all-reduce: the time of a small message, the bus bandwidth of a large one, or both."""

    model_config = STRICT

    gpus: Count
    latency_us: Positive | None = None
    bus_gb_per_s: Positive | None = None
    conditions: Text


class CatalogLink(BaseModel):
    """One kind of link.

    ``gb_per_s_each_way`` is a peak per GPU; where a GPU's file states its own, that counts.
    ``latency_us`` is the least time of a small collective between two devices.
    """

    model_config = STRICT

    id: Slug
    name: Text
    scope: Literal["fast", "host", "network"]
    gb_per_s_each_way: Annotated[float, Field(gt=0, le=MOST_LINK_GB_PER_S)] | None = None
    latency_us: Microseconds
    latency_kind: SourceKind
    source: Text
    checked: date
    notes: Many[Text] = ()
    allreduce: Many[AllReduceMeasurement] = ()

    @model_validator(mode="after")
    def _networks_have_rates(self) -> "CatalogLink":
        if self.scope == "network" and self.gb_per_s_each_way is None:
            raise ValueError("gb_per_s_each_way: a network needs it")
        return self

    def link(self, bytes_per_s_each_way: float | None = None) -> Link:
        """The link in SI units, at the given rate [bytes/s] or at its own."""
        rate = bytes_per_s_each_way or (self.gb_per_s_each_way or 0.0) * GB
        return Link(kind=self.id, bytes_per_s_per_gpu_each_way=rate, latency_s=self.latency_us * MICRO)


class LinksFile(BaseModel):
    """``links.toml``."""

    model_config = STRICT

    links: Many[CatalogLink] = Field(min_length=1)


def build_cluster(
    gpu: Gpu, count: int, gpus_per_node: int, links: Mapping[str, CatalogLink], network: str
) -> Cluster:
    """A cluster with the links that the catalog knows for this GPU.

    A device with no PCIe figure (a cloud's own part) reaches the others of its node as it does other nodes.

    Raises:
        InvalidInputError: ``count`` or ``gpus_per_node`` is below 1.
    """
    fast_row = links[gpu.link_kind] if gpu.link_kind else None
    rate = gpu.link_bytes_per_s_per_gpu_each_way or (fast_row and fast_row.gb_per_s_each_way)
    network_link = links[network].link()
    pcie = gpu.pcie_bytes_per_s_each_way
    return Cluster(
        gpu=gpu,
        count=count,
        gpus_per_node=gpus_per_node,
        fast=fast_row.link(gpu.link_bytes_per_s_per_gpu_each_way) if fast_row and rate else None,
        host=links[PCIE].link(pcie) if pcie else network_link,
        network=network_link,
    )


def check_links(files: Iterable[CatalogGpu], links: Mapping[str, CatalogLink]) -> None:
    """Every GPU's links are known.

    Raises:
        CatalogError: one is not; names those that are.
    """
    for row in files:
        if row.link and row.link.kind not in links:
            known = ", ".join(each.id for each in links.values() if each.scope == "fast")
            more = f"known: {known}; a new one says its name, latency_us and latency_kind too"
            raise CatalogError(
                f"gpus/{row.id}.toml: link.kind: {row.link.kind!r} is not in links.toml; {more}"
            )
        if row.network not in links or links[row.network].scope != "network":
            known = ", ".join(each.id for each in links.values() if each.scope == "network")
            raise CatalogError(
                f"gpus/{row.id}.toml: network: {row.network!r} is no network of links.toml; known: {known}"
            )
