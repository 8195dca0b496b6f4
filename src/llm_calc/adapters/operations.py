"""The operations: for each its request, its answer and what computes one from the other.

The service, the command line, the library, its client and the MCP server all take them from here. The grid of
``/api/sweep`` answers with a stream and stands in ``adapters.sweep``.

What computes an answer is loaded when the first one is asked for: a command asks one question, a client none. The
service calls ``load_all`` when it starts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.json_text import with_whole_numbers
from llm_calc.adapters.model_files import GGUF_HEAD_BYTES
from llm_calc.adapters.shorthand import expanded
from llm_calc.adapters.validation_text import faults_of, sentence_of
from llm_calc.adapters.wire.calibrate import CalibrateAnswer, CalibrateRequest
from llm_calc.adapters.wire.compare import CompareAnswer, CompareRequest
from llm_calc.adapters.wire.documented_requests import CalculateRequest
from llm_calc.adapters.wire.documented_responses import CalculateResponse
from llm_calc.adapters.wire.fitting import FitAnswer, FitRequest, ModelsForAnswer, ModelsForRequest
from llm_calc.adapters.wire.inspect import InspectRequest, InspectResponse
from llm_calc.adapters.wire.memory import MemoryPlanAnswer, MemoryPlanRequest
from llm_calc.adapters.wire.plans import DeploymentPlansAnswer, DeploymentPlansRequest
from llm_calc.adapters.wire.recommend import RecommendGpusAnswer, RecommendGpusRequest
from llm_calc.adapters.wire.serving import ServingEstimateAnswer, ServingEstimateRequest
from llm_calc.core.errors import InvalidInputError

MOST_ROWS = 10**9
"""Rows of a sweep beyond which somebody has mistyped the grid [rows]."""

RequestT = TypeVar("RequestT", bound=BaseModel)
AnswerT = TypeVar("AnswerT", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class _Late:
    """A function of a module of ``adapters`` that is loaded with its first call."""

    module: str
    function: str

    def load(self) -> Callable[[Any, Catalogs], Any]:
        """The function itself."""
        found: Callable[[Any, Catalogs], Any] = getattr(
            import_module(f"llm_calc.adapters.{self.module}"), self.function
        )
        return found

    def __call__(self, request: BaseModel, catalogs: Catalogs) -> Any:  # noqa: ANN401 - the operation's answer
        return self.load()(request, catalogs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Generic[RequestT, AnswerT]):
    """One question that can be asked.

    ``description``: what it is, for readers of the API. ``takes_long``: it may run for longer than a few
    milliseconds. ``has_parts``: its request is made of parts, which have short forms.
    """

    name: str
    description: str
    request: type[RequestT]
    answer: type[AnswerT]
    run: _Late
    takes_long: bool = False
    has_parts: bool = True

    @property
    def path(self) -> str:
        """Where the service answers it."""
        return f"/api/{self.name}"

    def body(self, fields: Mapping[str, Any], gguf_head_bytes: int = GGUF_HEAD_BYTES) -> dict[str, Any]:
        """The request as the service takes it: every short form replaced by its part.

        Raises:
            InvalidInputError: a model's file that cannot be read.
        """
        return expanded(fields, gguf_head_bytes) if self.has_parts else dict(fields)

    def answered(self, fields: Mapping[str, Any], catalogs: Catalogs) -> AnswerT:
        """The answer to a request given by its fields, short forms included.

        Raises:
            InvalidInputError: a field that cannot be right; names each and says what is accepted.
            RefusedError: the request is sound and the answer is no.
        """
        found: AnswerT = self.run(validated(self.request, self.body(fields)), catalogs)
        return found


def validated(kind: type[RequestT], body: Mapping[str, Any]) -> RequestT:
    """A body as a request, in the words in which the service refuses one.

    Raises:
        InvalidInputError: it is none; names every wrong field and what it accepts.
    """
    try:
        return kind.model_validate(with_whole_numbers(dict(body)))
    except ValidationError as error:
        problems = [
            {**problem, "loc": ("body", *problem["loc"])} for problem in error.errors(include_url=False)
        ]
        faults = faults_of(problems, kind)
        raise InvalidInputError(sentence_of(faults), fields=faults) from None


def load_all() -> None:
    """Load what computes the answers, so that the first question waits for none of it."""
    for operation in OPERATIONS:
        operation.run.load()


CALCULATE = Operation(
    name="calculate",
    description="Memory, FLOPs, flat-roofline timing and parallelism of one model on one kind of GPU.\n\n"
    "Sizes called GB are 2^30 bytes. Decode never runs above the GPU's memory bandwidth; without a `gpu` only the "
    "compute roof is known. Unknown fields are answered with a warning.",
    request=CalculateRequest,
    answer=CalculateResponse,
    run=_Late("documented.calculate", "answer_calculate"),
    has_parts=False,
)
INSPECT_MODEL = Operation(
    name="inspect_model",
    description="Parameters by component, weight bytes, KV cache by kind of layer and FLOPs of one model.\n\n"
    "The model is a catalog name, a whole Hugging Face config.json, dimensions, or the head of a GGUF file. "
    "`confidence` says whether its architecture is known; `assumptions` say what was guessed.",
    request=InspectRequest,
    answer=InspectResponse,
    run=_Late("inspection", "inspect_model"),
)
MEMORY_PLAN = Operation(
    name="memory_plan",
    description="Where the memory of each GPU goes under an engine, how many sequences fit, and what would make it "
    "fit.",
    request=MemoryPlanRequest,
    answer=MemoryPlanAnswer,
    run=_Late("memory_plan", "answer_memory_plan"),
)
SERVING_ESTIMATE = Operation(
    name="serving_estimate",
    description="Time to first token, time per token and throughput of a model on GPUs under an engine and a load.\n\n"
    "Physics with efficiencies that were fitted to published measurements; `basis` and `interval` say how far off "
    "answers of this kind have been.",
    request=ServingEstimateRequest,
    answer=ServingEstimateAnswer,
    run=_Late("serving", "answer_serving_estimate"),
)
DEPLOYMENT_PLANS = Operation(
    name="deployment_plans",
    description="Search GPUs, counts, layouts, formats, engines and load for the best ways to serve a workload under "
    "limits.\n\nEvery plan is estimated by the same functions as /api/memory_plan and /api/serving_estimate, and its "
    "parts are a request to them as they stand. `refused` says why other GPUs have no plan.",
    request=DeploymentPlansRequest,
    answer=DeploymentPlansAnswer,
    run=_Late("planning.plans", "answer_deployment_plans"),
    takes_long=True,
)
RECOMMEND_GPUS = Operation(
    name="recommend_gpus",
    description="Find for each kind of GPU the fewest that hold a model with its context, and put the best first.",
    request=RecommendGpusRequest,
    answer=RecommendGpusAnswer,
    run=_Late("planning.recommend", "answer_recommend_gpus"),
    takes_long=True,
)
FIT = Operation(
    name="fit",
    description="Which quantization of a model fits on a machine, with which cache, how fast, and how to run it.\n\n"
    "Every kind of GGUF file with every cache type at the asked context, as llama.cpp starts it: on the GPU, or with "
    "layers or experts on the host. The best row is marked.",
    request=FitRequest,
    answer=FitAnswer,
    run=_Late("fit", "answer_fit"),
    takes_long=True,
)
MODELS_FOR = Operation(
    name="models_for",
    description="Which models of the catalog run on a machine at a context and a speed, the largest first.",
    request=ModelsForRequest,
    answer=ModelsForAnswer,
    run=_Late("models_for", "answer_models_for"),
    takes_long=True,
)
COMPARE = Operation(
    name="compare",
    description="Two to eight scenarios side by side: what differs in them, what follows from it, and why.",
    request=CompareRequest,
    answer=CompareAnswer,
    run=_Late("compare", "answer_compare"),
    takes_long=True,
)
CALIBRATE = Operation(
    name="calibrate",
    description="Fit a few factors on the efficiencies to the caller's own measurements.\n\n"
    "The answer's `calibration` goes into other requests as it stands. Nothing is stored.",
    request=CalibrateRequest,
    answer=CalibrateAnswer,
    run=_Late("own_calibration", "answer_calibrate"),
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
