"""Plans with prefill and decode on GPUs of their own, in an answer of ``/api/deployment_plans``."""

from pydantic import Field

from llm_calc.adapters.wire.apart import DisaggregatedPart
from llm_calc.adapters.wire.base import Answer
from llm_calc.adapters.wire.engines import EnginePart, EngineRelease
from llm_calc.adapters.wire.lora import LoraPart
from llm_calc.adapters.wire.parts import HardwarePart, ParallelismPart, PrecisionPart, WorkloadPart
from llm_calc.adapters.wire.plan_parts import CLASSES_WORDS, MADE_WORDS, ClusterObject
from llm_calc.adapters.wire.serving import ClassAnswer
from llm_calc.adapters.wire.speculative import SpeculativePart


class ApartPlan(Answer):
    """Two sides that serve the workload. Model and these parts are a request to the other endpoints as they stand."""

    rank: int = Field(description="Place among those with both apart by the objective, from 1")
    better: bool = Field(
        description="Whether it is better in the objective than every plan with both together"
    )
    hardware: HardwarePart = Field(
        description="GPUs of both sides; of prefill alone where disaggregated says those that decode"
    )
    parallelism: ParallelismPart = Field(description="Layout of a prefill replica")
    disaggregated: DisaggregatedPart = Field(
        description="Replicas of both sides, and the layout of one that decodes"
    )
    precision: PrecisionPart = Field(description="Number formats")
    engine: EnginePart = Field(description="The engine with its options, of both sides")
    release: EngineRelease = Field(description="The release whose rules were used")
    workload: WorkloadPart = Field(description="What all of it serves")
    speculative: SpeculativePart | None = Field(description="Its speculative decoding; null: none")
    lora: LoraPart | None = Field(description="Adapters that it serves; null: none")
    gpus: int = Field(description="GPUs of both sides [GPUs]")
    ttft_s: float = Field(description="Time to the first token, mean [s]")
    tpot_s: float = Field(description="Time per further token, mean [s]")
    request_latency_s: float = Field(description="Time of a request, mean [s]")
    percentiles: dict[str, dict[str, float]] | None = Field(
        description="The same by percentile [s], where limits hold for one or requests differ"
    )
    classes: list[ClassAnswer] = Field(description=CLASSES_WORDS)
    output_tokens_per_s: float = Field(description="Generated tokens [tokens/s]")
    requests_per_s: float = Field(description="Requests finished [requests/s]")
    output_tokens_per_s_per_gpu: float = Field(description="Generated tokens of one GPU [tokens/s]")
    usd_per_hour: float | None = Field(description="Rent of all GPUs [USD/h]")
    usd_per_million_output_tokens_all_in: float | None = Field(
        description="The whole rent over the generated tokens alone [USD/10^6 tokens]"
    )
    launch_prefill: str = Field(description="Starts one replica that prefills")
    launch_decode: str = Field(description="Starts one replica that decodes")
    manifests: dict[str, list[ClusterObject]] | None = Field(description=MADE_WORDS)
    notes: list[str] = Field(description="What the plan and its commands take for granted")
