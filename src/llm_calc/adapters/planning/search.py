"""The search of plans over requests' own types: how a load is shared out, and what a candidate does in full."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from llm_calc.adapters.planning.choices import Choice
from llm_calc.adapters.planning.exact import Evaluated, evaluate, holds
from llm_calc.adapters.planning.prices import GpuPrice
from llm_calc.adapters.planning.rows import Row
from llm_calc.adapters.planning.scene import Scene
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.core.planning.search import BestFirst
from llm_calc.core.planning.split import Load


@dataclass(slots=True, kw_only=True)
class Search(BestFirst[Choice, WorkloadPart, Evaluated]):
    """Candidates answered by the functions of memory plans and estimates."""

    scene: Scene
    prices: Mapping[str, GpuPrice | None]

    @property
    def workload(self) -> WorkloadPart:
        """What all replicas serve."""
        return self.scene.workload

    def evaluated(self, row: Row, workload: WorkloadPart, replicas: int, filled: float) -> Evaluated | None:
        """A candidate in full; None where it does not fit or breaks a limit."""
        return evaluate(self.scene, row, workload, replicas, filled)

    def holds(self, row: Row, workload: WorkloadPart) -> bool:
        """Whether the engine's memory holds such a load at all."""
        return holds(self.scene, row, workload)

    def with_requests(self, requests: int) -> WorkloadPart:
        """The same lengths with so many requests at once."""
        return self.workload.model_copy(update={"concurrency": requests})

    def share_of(self, replicas: int) -> WorkloadPart:
        """What one of so many replicas serves."""
        return share_of(self.workload, self.load, replicas)


def share_of(workload: WorkloadPart, load: Load, replicas: int) -> WorkloadPart:
    """What one of so many replicas serves; of users, the requests that they send."""
    if workload.session_rate is not None and workload.sessions is not None:
        return workload.model_copy(update={"session_rate": load.amount / replicas / workload.sessions.turns})
    if load.kind == "request_rate":
        own = {"users": None, "requests_per_user_per_minute": None}
        return workload.model_copy(update={**own, "request_rate": load.amount / replicas})
    return workload.model_copy(update={load.kind: math.ceil(load.amount / replicas)})
