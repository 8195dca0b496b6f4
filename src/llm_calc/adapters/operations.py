"""The operations: for each its request, its answer and what computes one from the other.

The service, the command line, the library, its client and the MCP server all take them from here. The grid of
``/api/sweep`` answers with a stream and stands in ``adapters.sweep``.

What computes an answer is loaded when the first one is asked for: a command asks one question, a client none. The
service calls ``load_all`` when it starts.
"""

from typing import Any

from llm_calc.adapters.operation import CALCULATE, AnswerT, Late, Operation, RequestT, validated
from llm_calc.adapters.wire.calibrate import CalibrateAnswer, CalibrateRequest
from llm_calc.adapters.wire.compare import CompareAnswer, CompareRequest
from llm_calc.adapters.wire.fitting import FitAnswer, FitRequest, ModelsForAnswer, ModelsForRequest
from llm_calc.adapters.wire.inspect import InspectRequest, InspectResponse
from llm_calc.adapters.wire.memory import MemoryPlanAnswer, MemoryPlanRequest
from llm_calc.adapters.wire.plans import DeploymentPlansAnswer, DeploymentPlansRequest
from llm_calc.adapters.wire.recommend import RecommendGpusAnswer, RecommendGpusRequest
from llm_calc.adapters.wire.serving import ServingEstimateAnswer, ServingEstimateRequest

__all__ = [
    "CALCULATE",
    "MOST_ROWS",
    "OPERATIONS",
    "AnswerT",
    "Operation",
    "RequestT",
    "load_all",
    "validated",
]

MOST_ROWS = 10**9
"""Rows of a sweep beyond which somebody has mistyped the grid [rows]."""


def load_all(*, light: bool = False) -> None:
    """Load what computes the answers, so that the first question waits for none of it; ``light``: of those alone."""
    for operation in OPERATIONS:
        if not (light and operation.takes_long):
            operation.run.load()


INSPECT_MODEL = Operation(
    name="inspect_model",
    description="Parameters by component, weight bytes, KV cache by kind of layer and FLOPs of one model.\n\n"
    "The model is a catalog name, a whole Hugging Face config.json, dimensions, or the head of a GGUF file. "
    "`confidence` says whether its architecture is known; `assumptions` say what was guessed.",
    request=InspectRequest,
    answer=InspectResponse,
    run=Late("inspection", "inspect_model"),
)
MEMORY_PLAN = Operation(
    name="memory_plan",
    description="Where the memory of each GPU goes under an engine, how many sequences fit, and what would make it "
    "fit.",
    request=MemoryPlanRequest,
    answer=MemoryPlanAnswer,
    run=Late("memory_plan", "answer_memory_plan"),
)
SERVING_ESTIMATE = Operation(
    name="serving_estimate",
    description="Time to first token, time per token and throughput of a model on GPUs under an engine and a load.\n\n"
    "Physics with efficiencies that were fitted to published measurements; `basis` and `interval` say how far off "
    "answers of this kind have been.",
    request=ServingEstimateRequest,
    answer=ServingEstimateAnswer,
    run=Late("serving", "answer_serving_estimate"),
)
DEPLOYMENT_PLANS = Operation(
    name="deployment_plans",
    description="Search GPUs, counts, layouts, formats, engines and load for the best ways to serve a workload under "
    "limits.\n\nEvery plan is estimated by the same functions as /api/memory_plan and /api/serving_estimate, and its "
    "parts are a request to them as they stand. `refused` says why other GPUs have no plan.",
    request=DeploymentPlansRequest,
    answer=DeploymentPlansAnswer,
    run=Late("planning.plans", "answer_deployment_plans"),
    takes_long=True,
)
RECOMMEND_GPUS = Operation(
    name="recommend_gpus",
    description="Find for each kind of GPU the fewest that hold a model with its context, and put the best first.",
    request=RecommendGpusRequest,
    answer=RecommendGpusAnswer,
    run=Late("planning.recommend", "answer_recommend_gpus"),
    takes_long=True,
)
FIT = Operation(
    name="fit",
    description="Which quantization of a model fits on a machine, with which cache, how fast, and how to run it.\n\n"
    "Every kind of GGUF file with every cache type at the asked context, as llama.cpp starts it: on the GPU, or with "
    "layers or experts on the host. The best row is marked.",
    request=FitRequest,
    answer=FitAnswer,
    run=Late("fit", "answer_fit"),
    takes_long=True,
)
MODELS_FOR = Operation(
    name="models_for",
    description="Which models of the catalog run on a machine at a context and a speed, the largest first.",
    request=ModelsForRequest,
    answer=ModelsForAnswer,
    run=Late("models_for", "answer_models_for"),
    takes_long=True,
)
COMPARE = Operation(
    name="compare",
    description="Two to eight scenarios side by side: what differs in them, what follows from it, and why.",
    request=CompareRequest,
    answer=CompareAnswer,
    run=Late("compare", "answer_compare"),
    takes_long=True,
)
CALIBRATE = Operation(
    name="calibrate",
    description="Fit a few factors on the efficiencies to the caller's own measurements.\n\n"
    "The answer's `calibration` goes into other requests as it stands. Nothing is stored.",
    request=CalibrateRequest,
    answer=CalibrateAnswer,
    run=Late("own_calibration", "answer_calibrate"),
    takes_long=True,
)

OPERATIONS: tuple[Operation[Any, Any], ...] = (
    CALCULATE,
    INSPECT_MODEL,
    MEMORY_PLAN,
    SERVING_ESTIMATE,
    DEPLOYMENT_PLANS,
    RECOMMEND_GPUS,
    FIT,
    MODELS_FOR,
    COMPARE,
    CALIBRATE,
)
