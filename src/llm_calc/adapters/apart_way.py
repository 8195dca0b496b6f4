"""The way of the cache from prefill to decode: the link between GPUs, within a host and between hosts."""

from dataclasses import dataclass

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.deployment import Placed
from llm_calc.adapters.wire.apart import DisaggregatedPart
from llm_calc.core.checkpoints.recipes.properties import is_recurrent
from llm_calc.core.engines import traits_of
from llm_calc.core.hardware import Cluster, Gpu, Link, LinkTier


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Bytes a second that each GPU sends its share of the cache at, and over what."""

    bytes_per_s: float
    words: str


def cache_way(catalogs: Catalogs, gpu: Gpu, gpus: int, gpus_per_node: int) -> Way:
    """The link that all GPUs of both sides share: their own within its domain, PCIe within a host, else the network."""
    cluster = catalogs.cluster(gpu, gpus, gpus_per_node)
    return _way(catalogs, cluster, cluster.link(gpus), cluster.tier(gpus))


def way_between(catalogs: Catalogs, gpus: tuple[Gpu, Gpu], count: int, gpus_per_node: int) -> Way:
    """From one side to the other; GPUs of two kinds have no link of their own, and the slower one bounds."""
    if gpus[0].id == gpus[1].id:
        return cache_way(catalogs, gpus[0], count, gpus_per_node)
    tier: LinkTier = "host" if count <= gpus_per_node else "network"
    clusters = [catalogs.cluster(each, count, gpus_per_node) for each in gpus]
    links = [(each, each.host if tier == "host" else each.network) for each in clusters]
    cluster, slower = min(links, key=lambda each: each[1].bytes_per_s_per_gpu_each_way)
    return _way(catalogs, cluster, slower, tier)


def network_between(catalogs: Catalogs, gpus: tuple[Gpu, Gpu], gpus_per_node: int) -> Way:
    """Between hosts of two kinds of GPU: the slower network of both."""
    links = [catalogs.cluster(each, gpus_per_node + 1, gpus_per_node).network for each in gpus]
    slower = min(links, key=lambda link: link.bytes_per_s_per_gpu_each_way)
    words = f"{catalogs.links[slower.kind].name}, between hosts of two kinds of GPU"
    return Way(bytes_per_s=slower.bytes_per_s_per_gpu_each_way, words=words)


def way_of(part: DisaggregatedPart, found: Way) -> Way:
    """What was stated, else what was found."""
    if part.link_bytes_per_s is None:
        return found
    return Way(bytes_per_s=part.link_bytes_per_s, words="as stated")


def moves_between(placed: Placed, tensors: tuple[int, int]) -> bool:
    """Whether the engine is known to move caches between such tensor parallelism of prefill and of decode.

    vLLM's NIXL connector takes recurrent state between equal ones alone, attention's caches in both directions.
    Source: docs/features/nixl_connector_compatibility.md of vllm-project/vllm; checked: 2026-11-30.
    """
    states = is_recurrent(placed.subject.setup.model)
    return not traits_of(placed.engine).nixl or not states or tensors[0] == tensors[1]


def _way(catalogs: Catalogs, cluster: Cluster, link: Link, tier: LinkTier) -> Way:
    rate, name = link.bytes_per_s_per_gpu_each_way, catalogs.links[link.kind].name
    if tier == "fast":
        return Way(bytes_per_s=rate, words="the GPU's own link, as within one node")
    if tier == "network":
        why = f"since {cluster.count} GPUs are more than a host's {cluster.gpus_per_node}"
        return Way(bytes_per_s=rate, words=f"{name}, {why}")
    if link.kind == cluster.network.kind:
        return Way(bytes_per_s=rate, words=f"{name}, since no link within a host is known")
    return Way(bytes_per_s=rate, words="PCIe, as within one node")
