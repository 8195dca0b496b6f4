"""Catalog GPUs as columns, for one request on all of them, and as the documented list."""

from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache
from math import inf

from llm_calc.adapters.catalog import Catalogs, RentalPrice
from llm_calc.adapters.catalog.gpus import CatalogGpu
from llm_calc.adapters.units import GB, TERA, gib
from llm_calc.core.estimate import Demand, Scenario, tokens_per_s_by_gpu
from llm_calc.core.hardware import Gpu
from llm_calc.core.throughput import Columns


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuTable:
    """Ids and columns of GPUs, and the ids of those that are too small."""

    ids: tuple[str, ...]
    columns: Columns
    too_small: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GpuTables:
    """The GPUs that support one number type; ``rising_bytes``: their usable memory."""

    gpus: tuple[Gpu, ...]
    precision: str
    rising_bytes: tuple[int, ...]


@lru_cache(maxsize=64)
def gpu_tables(catalogs: Catalogs, precision: str) -> GpuTables:
    """The catalog's GPUs with a published dense rate for ``precision``, in order of their ids."""
    gpus = tuple(gpu for gpu in catalogs.gpus if gpu.supports(precision))
    return GpuTables(
        gpus=gpus,
        precision=precision,
        rising_bytes=tuple(sorted(gpu.usable_memory_bytes for gpu in gpus)),
    )


@lru_cache(maxsize=64)
def _without(tables: GpuTables, small: int) -> GpuTable:
    """All but the so many smallest ones."""
    least = tables.rising_bytes[small] if small < len(tables.rising_bytes) else inf
    kept = [gpu for gpu in tables.gpus if gpu.usable_memory_bytes >= least]
    return GpuTable(
        ids=tuple(gpu.id for gpu in kept),
        columns=Columns(
            tuple(gpu.peak_flops_per_s(tables.precision) for gpu in kept),
            tuple(gpu.memory_bandwidth_bytes_per_s for gpu in kept),
        ),
        too_small=tuple(gpu.id for gpu in tables.gpus if gpu.usable_memory_bytes < least),
    )


def throughput_by_gpu(
    scenario: Scenario, needs: Demand, tables: GpuTables, efficiency_fraction: float
) -> tuple[dict[str, float], list[str]]:
    """Tokens per second by GPU id, and the ids of GPUs that are too small for the scenario."""
    needed = float(needs.gpu.system_bytes(scenario.overheads))
    table = _without(tables, bisect_left(tables.rising_bytes, needed))
    rates = tokens_per_s_by_gpu(scenario, needs, table.columns, efficiency_fraction)
    return dict(zip(table.ids, rates, strict=True)), list(table.too_small)


def available_gpu(entry: CatalogGpu, price: RentalPrice | None) -> dict[str, object]:
    """One row of the GPU list."""
    gpu = entry.gpu
    link = gpu.link_bytes_per_s_per_gpu_each_way
    return {
        "id": gpu.id,
        "name": gpu.name,
        "vendor": gpu.vendor,
        "family": gpu.family,
        "generation": gpu.generation,
        "aliases": list(entry.aliases),
        "vram_gb": gib(gpu.memory_bytes),
        "memory_options_gb": list(entry.memory_options_gib),
        "usable_memory_gb": gib(gpu.usable_memory_bytes),
        "memory_bandwidth_gb_per_s": gpu.memory_bandwidth_bytes_per_s / GB,
        "tflops": {name: rate / TERA for name, rate in gpu.peaks},
        "supported_precisions": list(gpu.supported_precisions),
        "link_gb_per_s_each_way": None if link is None else link / GB,
        "gpus_per_fast_domain": gpu.gpus_per_fast_domain,
        "tdp_w": gpu.tdp_w,
        "typical_usd_per_hour": None if price is None else price.usd_per_gpu_hour,
        "price_as_of": None if price is None else str(price.as_of),
        "price_source": None if price is None else f"{price.provider}: {price.source}",
    }
