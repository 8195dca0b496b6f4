"""What answers of plans and of recommended GPUs have in common."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from llm_calc.adapters.wire.base import Answer

ManifestKind = Literal["kubernetes", "leader_worker_set", "kserve"]
Manifests = Annotated[list[ManifestKind], Field(min_length=1, max_length=3)]
ClusterObject = dict[str, JsonValue]
MANIFESTS_WORDS = (
    "Objects for kubectl: kubernetes (a Deployment), leader_worker_set (several hosts), kserve; absent: none"
)
MADE_WORDS = "Objects of a cluster that start all of it, by kind; null where none were asked for"


class LikelyRange(Answer):
    """The range that holds 80 % of the measured cases of its kind, as ``/api/serving_estimate`` says it."""

    low: float | None = Field(description="Lower bound")
    high: float | None = Field(description="Upper bound")


class RefusedGpu(Answer):
    """A kind of GPU without a plan."""

    gpu: str = Field(description="Its id")
    reason: str = Field(description="Why it has none, with the numbers that decide")
