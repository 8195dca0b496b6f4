"""Request and answer of ``/api/compare``."""

from typing import Annotated

from pydantic import ConfigDict, Field, JsonValue

from llm_calc.adapters.said_as import within_list
from llm_calc.adapters.wire.base import Answer, StrictRequest
from llm_calc.adapters.wire.limits import GpuName, UsdPerHour
from llm_calc.adapters.wire.owner import OwnerPart, Rental
from llm_calc.adapters.wire.plan_parts import OWNER_WORDS, RENTAL_WORDS, PlanPrice
from llm_calc.adapters.wire.plans import PlanMemory
from llm_calc.adapters.wire.serving import ServingEstimateAnswer, ServingEstimateRequest

COMPARE_EXAMPLES: list[JsonValue] = [
    {
        "scenarios": [
            {
                "label": "one H100",
                "model": {"name": "llama-3.1-8b"},
                "hardware": {"gpu": "h100-80gb-sxm"},
                "workload": {"input_tokens": 1024, "output_tokens": 256, "concurrency": 16},
            },
            {
                "label": "one L40S, fp8",
                "model": {"name": "llama-3.1-8b"},
                "precision": {"weights": "fp8"},
                "hardware": {"gpu": "l40s"},
                "workload": {"input_tokens": 1024, "output_tokens": 256, "concurrency": 16},
            },
        ]
    }
]


class Scenario(ServingEstimateRequest):
    """A request to ``/api/serving_estimate`` with a label."""

    label: Annotated[str, Field(min_length=1, max_length=100)] | None = Field(
        None, description="What to call it; absent: its place, from 1"
    )


class CompareRequest(StrictRequest):
    """Two to eight scenarios; the first is what the others are held against."""

    model_config = ConfigDict(json_schema_extra={"examples": COMPARE_EXAMPLES})

    scenarios: Annotated[list[Scenario], Field(min_length=2, max_length=8), within_list("scenarios")] = Field(
        description="The scenarios"
    )
    prices: Annotated[dict[GpuName, UsdPerHour], Field(max_length=200)] = Field(
        {}, description="Your own rental prices by GPU id [USD/h a GPU], in place of the catalog's"
    )
    rental: Rental = Field("on_demand", description=RENTAL_WORDS)
    owner: OwnerPart | None = Field(None, description=OWNER_WORDS)


class ComparedScenario(Answer):
    """One scenario: what its memory holds, what users wait for, what it costs."""

    label: str = Field(description="What it is called")
    memory: PlanMemory = Field(
        description="Memory of the fullest GPU under the load; of two sides that of a decode replica under its share"
    )
    estimate: ServingEstimateAnswer = Field(description="As /api/serving_estimate answers it")
    price: PlanPrice | None = Field(
        description="What an hour of one GPU costs, of the first kind where there are several; null where one is not "
        "known"
    )
    usd_per_hour: float | None = Field(
        description="Rent of all GPUs, of all kinds and those that decode apart [USD/h]"
    )
    usd_per_million_output_tokens_all_in: float | None = Field(
        description="The rent over the generated tokens [USD/10^6 tokens]"
    )


class FieldDifference(Answer):
    """A field of the requests that is not the same in all scenarios."""

    field: str = Field(description="Its path")
    values: list[str] = Field(
        description="Its value in each scenario, as JSON; what a request leaves out is null"
    )


class FigureDifference(Answer):
    """A figure of the answers, side by side."""

    figure: str = Field(description="Its name")
    values: list[float | None] = Field(description="Its value in each scenario")
    ratios: list[float | None] = Field(description="Each value over that of the first scenario")
    best: int = Field(description="Place of the best scenario, from 0")


class Reason(Answer):
    """Why a scenario is faster or slower than the first one."""

    scenario: int = Field(description="Place of the scenario, from 0")
    text: str = Field(description="What takes the time in both, with the numbers")


class CompareAnswer(Answer):
    """The scenarios side by side: what differs in them, what follows, and why."""

    scenarios: list[ComparedScenario] = Field(description="In the order of the request")
    differences: list[FieldDifference] = Field(description="What differs in the requests")
    figures: list[FigureDifference] = Field(description="What differs in the answers")
    reasons: list[Reason] = Field(description="Why, for each scenario after the first")
