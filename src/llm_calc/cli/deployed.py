"""What people want to know beside an estimate: whether the deployment fits, and what it costs."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llm_calc.core.errors import CalcError

if TYPE_CHECKING:
    from llm_calc.adapters.rent import Rent
    from llm_calc.adapters.wire.memory import MemoryPlanAnswer, MemoryPlanRequest
    from llm_calc.adapters.wire.parts import HardwarePart
    from llm_calc.adapters.wire.serving import ServingEstimateAnswer
    from llm_calc.cli.bodies import Body

TIGHT_FRACTION = 0.05
"""Of a GPU's memory: with less than that left, a deployment is tight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """A deployment that was estimated.

    ``gpus``: as people write them. ``asked``: the request for its memory, with the load and the cache of the
    estimate. ``runs``: whether the engine starts and holds at least one of its requests. ``rent``: None where no
    price is known.
    """

    gpus: str
    asked: "MemoryPlanRequest"
    runs: bool
    rent: "Rent | None"

    def memory(self) -> "MemoryPlanAnswer | None":
        """Where the memory goes; None where the engine's rules refuse the deployment."""
        from llm_calc.adapters.all_catalogs import chosen_catalogs as catalogs
        from llm_calc.adapters.memory_plan import answer_memory_plan

        try:
            return answer_memory_plan(self.asked, catalogs())
        except CalcError:
            return None


def deployed(
    body: "Body", estimate: "ServingEstimateAnswer", usd_per_gpu_hour: float | None = None
) -> Deployed:
    """Memory and rent of what was estimated; ``usd_per_gpu_hour`` in place of the catalog's price."""
    from llm_calc.adapters.all_catalogs import chosen_catalogs as catalogs
    from llm_calc.adapters.operations import SERVING_ESTIMATE, validated
    from llm_calc.adapters.planning.as_requests import memory_request
    from llm_calc.adapters.rent import Prices, rent_of

    request = validated(SERVING_ESTIMATE.request, SERVING_ESTIMATE.body(body))
    precision = request.precision.model_copy(update={"kv_cache": estimate.resolved.kv_cache})
    asked = memory_request(request.model_copy(update={"precision": precision}))
    return Deployed(
        gpus=_gpus(request.hardware),
        asked=asked,
        runs=_runs(asked),
        rent=rent_of(request, estimate, catalogs(), Prices(of_all=usd_per_gpu_hour)),
    )


def _gpus(hardware: "HardwarePart") -> str:
    from llm_calc.adapters.all_catalogs import chosen_catalogs as catalogs
    from llm_calc.adapters.unlike import kinds_of, requested_gpu

    named = [(part.count, requested_gpu(part, catalogs()).id) for part in kinds_of(hardware)]
    return " + ".join(gpu if count == 1 else f"{count} x {gpu}" for count, gpu in named)


def _runs(asked: "MemoryPlanRequest") -> bool:
    from llm_calc.adapters.all_catalogs import chosen_catalogs as catalogs
    from llm_calc.adapters.memory_plan import planned_memory
    from llm_calc.core.deployments.question import runs

    try:
        found = planned_memory(asked, catalogs())
    except CalcError:
        return True
    return runs(found.plan, found.asked)
