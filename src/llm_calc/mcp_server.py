"""The operations as tools for language models, by the Model Context Protocol over standard input and output."""

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from llm_calc import __version__, library
from llm_calc.adapters.wire.compare import CompareAnswer
from llm_calc.adapters.wire.inspect import InspectResponse
from llm_calc.adapters.wire.limits import LimitsPart
from llm_calc.adapters.wire.memory import MemoryPlanAnswer
from llm_calc.adapters.wire.plans import DeploymentPlansAnswer, RecommendGpusAnswer
from llm_calc.adapters.wire.serving import ServingEstimateAnswer
from llm_calc.core.errors import CalcError

INSTRUCTIONS = (
    "Sizes and speed of large language models on GPUs. Memory in bytes, times in seconds. Every prediction has an "
    "interval and a basis; pass them on. Names of models and GPUs: catalog_names."
)
Model = Annotated[str, Field(description="Catalog name or Hugging Face id, such as llama-3.1-70b")]
Gpu = Annotated[str, Field(description="Catalog id, such as h100-80gb-sxm")]
Count = Annotated[int, Field(ge=1, description="GPUs in all")]
Weights = Annotated[str | None, Field(description="bf16, fp8, int4-awq, q4_k_m…; null: the checkpoint's own")]
Engine = Literal["vllm", "sglang", "trtllm", "llama.cpp", "generic"]
Input = Annotated[int, Field(ge=1, description="Prompt tokens of a request")]
Output = Annotated[int, Field(ge=1, description="Generated tokens of a request")]
InFlight = Annotated[int, Field(ge=1, description="Requests always in flight")]
Result = TypeVar("Result")


def told(work: Callable[[], Result]) -> Result:
    """Runs an operation; a refusal becomes the tool's error, with its sentence.

    Raises:
        ToolError: what cannot be answered.
    """
    try:
        return work()
    except CalcError as error:
        raise ToolError(error.message) from error


def inspect_model(model: Model, weights: Weights = None) -> InspectResponse:
    """Parameters, weight bytes, KV cache and FLOPs of a model, and whether its architecture is known exactly."""
    return told(lambda: library.inspect_model(model, **_given(weights=weights)))


def memory_plan(
    model: Model,
    gpu: Gpu,
    count: Count = 1,
    weights: Weights = None,
    engine: Engine = "vllm",
    input_tokens: Input = 1024,
    output_tokens: Output = 1024,
    concurrency: InFlight = 1,
) -> MemoryPlanAnswer:
    """Whether a model fits on GPUs under an engine, with how many requests, and what would make it fit."""
    options = _given(
        count=count,
        weights=weights,
        engine=engine,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        concurrency=concurrency,
    )
    return told(lambda: library.memory_plan(model, gpu, **options))


def serving_estimate(
    model: Model,
    gpu: Gpu,
    count: Count = 1,
    weights: Weights = None,
    engine: Engine = "vllm",
    input_tokens: Input = 1024,
    output_tokens: Output = 1024,
    concurrency: InFlight = 1,
) -> ServingEstimateAnswer:
    """Time to first token, time per token and throughput, with the range that holds 80 % of measured cases."""
    options = _given(
        count=count,
        weights=weights,
        engine=engine,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        concurrency=concurrency,
    )
    return told(lambda: library.estimate(model, gpu, **options))


def deployment_plans(
    model: Model,
    input_tokens: Input = 1024,
    output_tokens: Output = 1024,
    request_rate: Annotated[float | None, Field(description="Arrivals [requests/s]")] = None,
    concurrency: Annotated[int | None, Field(description="Requests always in flight")] = None,
    limits: Annotated[
        LimitsPart | None, Field(description="ttft_s, tpot_s, request_latency_s, max_gpus…")
    ] = None,
    gpus: Annotated[list[str] | None, Field(description="GPUs to consider; null: all")] = None,
) -> DeploymentPlansAnswer:
    """Deployments that serve a workload under limits, cheapest first, with cost and launch command."""
    further = _given(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        request_rate=request_rate,
        concurrency=concurrency,
        gpus=gpus,
    )
    held: Any = {} if limits is None else limits.model_dump(exclude_none=True)
    return told(lambda: library.plan(model, limits=held, **further))


def recommend_gpus(
    model: Model,
    weights: Weights = None,
    context_tokens: Annotated[int, Field(ge=1, description="Prompt and answer of a sequence")] = 8192,
    max_gpus: Annotated[int, Field(ge=1, le=64, description="Most GPUs of one kind")] = 8,
) -> RecommendGpusAnswer:
    """GPUs that hold a model with a context, best first."""
    further = _given(weights=weights, context_tokens=context_tokens, max_gpus=max_gpus)
    return told(lambda: library.recommend(model, **further))


def compare(
    scenarios: Annotated[
        list[dict[str, Any]],
        Field(description="Two to eight requests of serving_estimate, as the HTTP API takes them"),
    ],
) -> CompareAnswer:
    """Scenarios side by side: what differs, and why."""
    return told(lambda: library.compare(scenarios))


def catalog_names(
    kind: Literal["models", "gpus"],
    search: Annotated[str, Field(description="Part of the name; empty: all")] = "",
) -> list[str]:
    """Names of the models or GPUs that the catalogs hold."""
    rows = [row.name for row in library.models()] if kind == "models" else [row.id for row in library.gpus()]
    return [name for name in rows if search.lower() in name]


def _given(**values: Any) -> Any:  # noqa: ANN401 - keyword arguments of the library
    return {name: value for name, value in values.items() if value is not None}


def server() -> MCPServer:
    """The server with its tools."""
    made = MCPServer("llm-calc", version=__version__, instructions=INSTRUCTIONS)
    for tool in (
        inspect_model,
        memory_plan,
        serving_estimate,
        deployment_plans,
        recommend_gpus,
        compare,
        catalog_names,
    ):
        made.tool()(tool)
    return made


def run() -> None:
    """Answer over standard input and output until the client leaves."""
    server().run()
