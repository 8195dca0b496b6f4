"""Catalog GPUs as arrays, for one request on all of them, and as the documented list."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import compress

import numpy as np

from llm_calc.adapters.catalog import Catalogs, RentalPrice
from llm_calc.adapters.catalog.gpus import CatalogGpu
from llm_calc.adapters.units import GB, TERA, gib
from llm_calc.core.arrays import FloatArray
from llm_calc.core.estimate import Demand, Scenario, tokens_per_s_by_gpu


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuTable:
    """Ids and columns of the GPUs that support one number type."""

    ids: tuple[str, ...]
    peaks_flops_per_s: FloatArray
    bandwidths_bytes_per_s: FloatArray
    usable_bytes: FloatArray


@lru_cache(maxsize=64)
def gpu_table(catalogs: Catalogs, precision: str) -> GpuTable:
    """The catalog's GPUs with a published dense rate for ``precision``, in order of their ids."""
    gpus = [gpu for gpu in catalogs.gpus if gpu.supports(precision)]
    return GpuTable(
        ids=tuple(gpu.id for gpu in gpus),
        peaks_flops_per_s=np.array([gpu.peak_flops_per_s(precision) for gpu in gpus], dtype=np.float64),
        bandwidths_bytes_per_s=np.array([gpu.memory_bandwidth_bytes_per_s for gpu in gpus], dtype=np.float64),
        usable_bytes=np.array([gpu.usable_memory_bytes for gpu in gpus], dtype=np.float64),
    )


def throughput_by_gpu(
    scenario: Scenario, needs: Demand, table: GpuTable, efficiency_fraction: float
) -> tuple[dict[str, float], list[str]]:
    """Tokens per second by GPU id, and the ids of GPUs that are too small for the scenario."""
    rates = tokens_per_s_by_gpu(
        scenario,
        needs,
        peaks=table.peaks_flops_per_s,
        bandwidths=table.bandwidths_bytes_per_s,
        efficiency_fraction=efficiency_fraction,
    )
    roomy = table.usable_bytes >= needs.gpu.system_bytes(scenario.overheads)
    if roomy.all():
        return dict(zip(table.ids, rates.tolist(), strict=True)), []
    fitting = dict(compress(zip(table.ids, rates.tolist(), strict=True), roomy.tolist()))
    return fitting, list(compress(table.ids, (~roomy).tolist()))


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
