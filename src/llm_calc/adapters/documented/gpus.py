"""Catalog GPUs as columns, for one request on all of them, and as the documented list."""

from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache

from llm_calc.adapters.catalog import Catalogs, RentalPrice
from llm_calc.adapters.catalog.gpus import CatalogGpu
from llm_calc.adapters.units import GB, TERA, gib
from llm_calc.core.estimate import Demand, Scenario, tokens_per_s_by_gpu
from llm_calc.core.throughput import Columns


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuTable:
    """Ids and columns of the GPUs that support one number type, and their places in the order of usable memory."""

    ids: tuple[str, ...]
    columns: Columns
    rising_bytes: tuple[int, ...]
    rising_places: tuple[int, ...]


@lru_cache(maxsize=64)
def gpu_table(catalogs: Catalogs, precision: str) -> GpuTable:
    """The catalog's GPUs with a published dense rate for ``precision``, in order of their ids."""
    gpus = [gpu for gpu in catalogs.gpus if gpu.supports(precision)]
    rising = sorted((gpu.usable_memory_bytes, place) for place, gpu in enumerate(gpus))
    return GpuTable(
        ids=tuple(gpu.id for gpu in gpus),
        columns=Columns(
            tuple(gpu.peak_flops_per_s(precision) for gpu in gpus),
            tuple(gpu.memory_bandwidth_bytes_per_s for gpu in gpus),
        ),
        rising_bytes=tuple(usable for usable, _ in rising),
        rising_places=tuple(place for _, place in rising),
    )


def throughput_by_gpu(
    scenario: Scenario, needs: Demand, table: GpuTable, efficiency_fraction: float
) -> tuple[dict[str, float], list[str]]:
    """Tokens per second by GPU id, and the ids of GPUs that are too small for the scenario."""
    rates = tokens_per_s_by_gpu(scenario, needs, table.columns, efficiency_fraction)
    by_id = dict(zip(table.ids, rates, strict=True))
    first = bisect_left(table.rising_bytes, float(needs.gpu.system_bytes(scenario.overheads)))
    too_small = [table.ids[place] for place in sorted(table.rising_places[:first])]
    for gpu in too_small:
        del by_id[gpu]
    return by_id, too_small


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
