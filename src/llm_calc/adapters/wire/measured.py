"""Published measurements beside an estimate: the nearest runs, and the loads that one deployment was measured at."""

from pydantic import Field

from llm_calc.adapters.wire.base import Answer


class NearestRun(Answer):
    """A published run near to the question, with what the product predicts for that very run."""

    model: str = Field(description="The model, by its catalog name where the catalog has it")
    gpu: str = Field(description="GPU id")
    engine: str = Field(description="The engine")
    engine_version: str | None = Field(description="Its release; null where the source does not say")
    tensor: int = Field(description="Tensor-parallel GPUs [GPUs]")
    pipeline: int = Field(description="Pipeline stages [stages]")
    data: int = Field(description="Replicas, or attention data parallelism [groups]")
    expert: int = Field(description="GPUs that experts are dealt over [GPUs]")
    weights: str = Field(description="Format of the weights")
    kv_cache: str = Field(description="Format of the KV cache; auto: the source does not say")
    input_tokens: int | None = Field(description="Prompt [tokens]; null where the source does not say")
    output_tokens: int | None = Field(description="Answer [tokens]; null where the source does not say")
    load: str = Field(description="single_stream, closed_loop, static_batch or offline")
    requests: int | None = Field(description="Requests at once [requests]; null for an offline run")
    ttft_s: float | None = Field(description="Measured time to first token [s]; null where it was not")
    tpot_s: float | None = Field(description="Measured time of each further token [s]; null where it was not")
    output_tokens_per_s: float | None = Field(
        description="Measured output of the deployment [tokens/s]; null where it was not"
    )
    predicted_ttft_s: float | None = Field(description="Predicted for this run [s]; null where not measured")
    predicted_tpot_s: float | None = Field(description="Predicted for this run [s]; null where not measured")
    predicted_output_tokens_per_s: float | None = Field(
        description="Predicted for this run [tokens/s]; null where not measured"
    )
    source: str = Field(description="Where it was published")
    distance: float = Field(description="How far it is from the question, by the documented formula [-]")
    differs: list[str] = Field(
        description="What differs from the question; 'input_tokens 8x': the run's is eight times the question's"
    )


class MeasuredPoint(Answer):
    """One load of a deployment that was measured at several."""

    requests: int = Field(description="Requests at once [requests]")
    ttft_s: float | None = Field(description="Measured time to first token [s]; null where it was not")
    tpot_s: float | None = Field(description="Measured time of each further token [s]; null where it was not")
    output_tokens_per_s: float | None = Field(
        description="Measured output of the deployment [tokens/s]; null where it was not"
    )
    engine_version: str | None = Field(
        description="Release of the engine; null where the source does not say"
    )
    source: str = Field(description="Where it was published")
