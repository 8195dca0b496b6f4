"""What a deployment costs by the hour and by the token, with the price's date and source."""

from dataclasses import dataclass

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.custom_gpu import CUSTOM_GPU
from llm_calc.adapters.planning.prices import GpuPrice, gpu_price
from llm_calc.adapters.wire.machines import UnlikeHardware
from llm_calc.adapters.wire.serving import ServingEstimateAnswer, ServingEstimateRequest
from llm_calc.core.costs import request_usd, token_costs


@dataclass(frozen=True, slots=True, kw_only=True)
class Rent:
    """The rent of all GPUs, and of a million generated tokens that carry all of it."""

    price: GpuPrice
    usd_per_hour: float
    usd_per_million_output_tokens: float


def rent_of(
    request: ServingEstimateRequest,
    estimate: ServingEstimateAnswer,
    catalogs: Catalogs,
    usd_per_gpu_hour: float | None = None,
) -> Rent | None:
    """The rent of a deployment under its load; None where no price is known, and of unlike GPUs.

    ``usd_per_gpu_hour``: the caller's own price in place of the catalog's.
    """
    unlike = isinstance(request.hardware, UnlikeHardware)
    if (unlike or request.hardware.gpu.strip().lower() == CUSTOM_GPU) and usd_per_gpu_hour is None:
        return None
    gpu = CUSTOM_GPU if request.hardware.like else catalogs.gpu(request.hardware.gpu).id
    price = gpu_price(catalogs, gpu, {} if usd_per_gpu_hour is None else {gpu: usd_per_gpu_hour})
    if price is None:
        return None
    usd = price.usd_per_gpu_hour * request.hardware.count
    workload = request.workload
    each = request_usd(usd, estimate.requests_per_s)
    costs = token_costs(each, 0.0, workload.mean_input_tokens, workload.mean_output_tokens)
    return Rent(price=price, usd_per_hour=usd, usd_per_million_output_tokens=float(costs.all_in_output_usd))
