"""Accelerators and clusters of the core."""

import pytest

from llm_calc.adapters.catalog.gpus import NumberType
from llm_calc.core.errors import InvalidInputError, UnsupportedError
from llm_calc.core.hardware import NUMBER_TYPES, Cluster, Gpu, Link

GIB = 2**30
GPU = Gpu(
    id="example",
    name="Example",
    vendor="Maker",
    family="Kind",
    generation="first",
    release_year=2026,
    form_factor="PCIe",
    memory_bytes=80 * GIB,
    usable_memory_bytes=79 * GIB,
    usable_memory_estimated=True,
    memory_bandwidth_bytes_per_s=2e12,
    peaks=(("fp16", 1e14), ("int8", 2e14)),
    supported_precisions=("fp16", "int8", "fp8"),
    gpus_per_fast_domain=4,
)
FAST = Link(kind="fast", bytes_per_s_per_gpu_each_way=4e11, latency_s=1e-6)
HOST = Link(kind="host", bytes_per_s_per_gpu_each_way=6e10, latency_s=5e-6)
NETWORK = Link(kind="network", bytes_per_s_per_gpu_each_way=5e10, latency_s=1e-5)


def cluster(count: int = 16, gpus_per_node: int = 8, fast: Link | None = FAST) -> Cluster:
    return Cluster(gpu=GPU, count=count, gpus_per_node=gpus_per_node, fast=fast, host=HOST, network=NETWORK)


def test_peak_of_a_type() -> None:
    assert GPU.peak_flops_per_s("int8") == 2e14
    assert GPU.supports("fp16")
    assert not GPU.supports("fp8")


def test_missing_peak_is_refused_and_lists_what_there_is() -> None:
    with pytest.raises(UnsupportedError, match=r"example lacks fp4; .*: fp16, int8") as error:
        GPU.peak_flops_per_s("fp4")
    assert error.value.field == "precision"
    assert error.value.details["supported"] == ["fp16", "int8"]
    with pytest.raises(UnsupportedError, match="no published dense rate for fp8"):
        GPU.peak_flops_per_s("fp8")


def test_memory_can_be_replaced() -> None:
    changed = GPU.with_memory(24 * GIB)
    assert changed.memory_bytes == changed.usable_memory_bytes == 24 * GIB
    assert not changed.usable_memory_estimated
    assert GPU.memory_bytes == 80 * GIB
    with pytest.raises(InvalidInputError, match="gpu_memory_bytes: must be above 0"):
        GPU.with_memory(0)


@pytest.mark.parametrize(
    ("group", "link"), [(1, FAST), (4, FAST), (5, HOST), (8, HOST), (9, NETWORK), (16, NETWORK)]
)
def test_slowest_link_of_a_group_counts(group: int, link: Link) -> None:
    assert cluster().link(group) == link


def test_fast_domain_ends_with_the_node() -> None:
    assert cluster(gpus_per_node=2).fast_domain_gpus == 2
    assert cluster(gpus_per_node=2).link(4) == NETWORK
    assert cluster(fast=None).fast_domain_gpus == 1
    assert cluster(fast=None).link(1) == HOST


def test_nodes_are_filled() -> None:
    assert cluster(count=9).nodes == 2
    with pytest.raises(InvalidInputError, match=r"hardware.gpus_per_node: must be 1 or more"):
        cluster(gpus_per_node=0)


def test_catalog_knows_the_same_number_types() -> None:
    assert NumberType.__args__ == NUMBER_TYPES  # type: ignore[attr-defined]
