"""Prefill and decode on GPUs of their own."""

from llm_calc.adapters.deployment import Placed
from llm_calc.adapters.wire.serving import ServingEstimateRequest
from llm_calc.core.errors import InvalidInputError, UnsupportedError
from llm_calc.core.hardware import Gpu
from llm_calc.core.memory import kv_cache_bytes_per_token
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.disaggregated import Pools, estimate
from llm_calc.core.serving.estimate import Estimate

NETWORK_BYTES_PER_S = 12.5e9
"""100 Gbit/s Ethernet: what the cache travels over where no faster link of the GPU is known."""


def cache_link(gpu: Gpu) -> tuple[float, str]:
    """Bytes a second that each GPU sends its share of the cache at, and over what."""
    if gpu.link_bytes_per_s_per_gpu_each_way:
        return gpu.link_bytes_per_s_per_gpu_each_way, "the GPU's own link, as within one node"
    if gpu.pcie_bytes_per_s_each_way:
        return gpu.pcie_bytes_per_s_each_way, "PCIe"
    return NETWORK_BYTES_PER_S, "100 Gbit/s Ethernet, since no link of the GPU is known"


def link_assumption(gpu: Gpu) -> str:
    """What was taken as the way of the cache."""
    link, name = cache_link(gpu)
    return f"disaggregated: the cache travels at {link / 1e9:.4g} GB/s a GPU ({name}); nothing of it was calibrated"


def disaggregated_estimate(placed: Placed, request: ServingEstimateRequest) -> Estimate:
    """The closed loop over a pool that prefills and one that decodes.

    Raises:
        UnsupportedError: another load than requests in flight.
        InvalidInputError: the replicas do not fill the GPUs.
    """
    part, workload = request.disaggregated, request.workload
    if part is None or workload.load != "concurrency":
        msg = "disaggregated: only answers workload.concurrency"
        raise UnsupportedError(msg, field="disaggregated", accepted=["concurrency"])
    replicas = part.prefill_replicas + part.decode_replicas
    needed = replicas * placed.layout.gpus * placed.replicas
    if needed != request.hardware.count:
        found = request.hardware.count
        msg = f"hardware.count: {replicas} replicas of {needed // replicas} GPUs are {needed}; it is {found}"
        raise InvalidInputError(msg, field="hardware.count", expected=needed)
    setup = placed.subject.setup
    per_token = kv_cache_bytes_per_token(setup.model, setup.numbers.cache_format)
    link, _ = cache_link(setup.gpu)
    pools = Pools(
        prefill_replicas=part.prefill_replicas * placed.replicas,
        decode_replicas=part.decode_replicas * placed.replicas,
        cache_bytes_per_token=per_token,
        link_bytes_per_s=link * placed.layout.gpus,
    )
    lengths = Lengths(
        input_tokens=float(workload.mean_input_tokens),
        output_tokens=float(workload.mean_output_tokens),
        cached_fraction=workload.prefix_cache_hit_fraction,
    )
    return estimate(placed.deployment, pools, lengths, float(workload.requests_in_flight))
