"""What answers of plans and of recommended GPUs have in common."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, JsonValue

from llm_calc.adapters.wire.base import Answer
from llm_calc.adapters.wire.engine_names import typed_word
from llm_calc.adapters.wire.owner import OwnedPrice, PriceKind

ManifestKind = Literal["kubernetes", "leader_worker_set", "kserve", "dynamo", "llm_d"]
Manifests = Annotated[
    list[Annotated[ManifestKind, BeforeValidator(typed_word)]], Field(min_length=1, max_length=5)
]
ClusterObject = dict[str, JsonValue]
MANIFESTS_WORDS = (
    "Objects for kubectl: kubernetes (a Deployment), leader_worker_set (several hosts), kserve, dynamo; "
    "or llm_d, values of a Helm chart; absent: none"
)
RENTAL_WORDS = "Which of the catalog's rents are taken; reserved ones are paid in every hour of a term"
OWNER_WORDS = "GPUs that you own: what an hour of them costs takes the place of a rent"
CLASSES_WORDS = (
    "What classes of requests saw of a replica, and how many of all replicas keep their targets, as "
    "/api/serving_estimate says it; empty where all are alike"
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


class PlanPrice(Answer):
    """Where a price comes from."""

    usd_per_gpu_hour: float = Field(description="What an hour of one GPU costs [USD/h]")
    kind: PriceKind = Field(
        description="on_demand, spot, reserved: rented at the catalog's price; own: at the request's; owned: not rented"
    )
    term_months: int | None = Field(
        description="Term of a reserved rent [months]; null: none, or its source states none"
    )
    provider: str = Field(description="Who asks it")
    as_of: str = Field(description="Day, month or year that it stands for; empty for a price of the request")
    source: str = Field(description="Where it was read")
    owned: OwnedPrice | None = Field(description="Of what it consists; null where the GPU is rented")
