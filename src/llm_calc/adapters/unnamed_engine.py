"""Which engine answers a request that names none: vLLM, or another where vLLM does not run what is asked for."""

from typing import TypeVar

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.model_source import model_precision, served_model
from llm_calc.adapters.runs_on import refusal, runs_at_all
from llm_calc.adapters.setup import load_of
from llm_calc.adapters.unlike import requested_gpu
from llm_calc.adapters.wire.engines import LlamaCppEngine, VllmEngine
from llm_calc.adapters.wire.machines import UnlikeHardware
from llm_calc.adapters.wire.memory import MemoryPlanRequest
from llm_calc.adapters.wire.mlx import MlxEngine
from llm_calc.adapters.wire.serving import ServingEstimateRequest
from llm_calc.core.engines import OWN_MACHINE, USUAL
from llm_calc.core.hardware import Gpu

RequestT = TypeVar("RequestT", MemoryPlanRequest, ServingEstimateRequest)
UNNAMED = "engine: not named; {engine} was taken, since the default, vLLM, does not run these weights on this hardware"


def unnamed_words(request: MemoryPlanRequest | ServingEstimateRequest) -> list[str]:
    """That an engine was chosen for want of a name."""
    taken = request.engine.name
    return [] if "engine" in request.model_fields_set or taken == USUAL else [UNNAMED.format(engine=taken)]


def with_an_engine_that_runs(request: RequestT, catalogs: Catalogs) -> RequestT:
    """The request, where it names no engine, with another than the default where that does not run it.

    llama.cpp on machines that vLLM does not run on and for GGUF files, MLX for its own checkpoints.
    """
    if "engine" in request.model_fields_set:
        return request
    gpu = None if isinstance(request.hardware, UnlikeHardware) else requested_gpu(request.hardware, catalogs)
    if gpu is None:
        return with_engine(request, LlamaCppEngine())
    part = _reader(request, catalogs, gpu)
    if part is not None:
        return with_engine(request, part)
    if runs_at_all(USUAL, gpu) or not runs_at_all(OWN_MACHINE, gpu):
        return request
    return with_engine(request, LlamaCppEngine())


def _reader(request: RequestT, catalogs: Catalogs, gpu: Gpu) -> LlamaCppEngine | MlxEngine | None:
    """The engine whose own kind of weights is named, where the default does not read it."""
    source = served_model(request.model, catalogs)
    if not (source.states(request.precision.weights) or source.gguf):
        return None
    is_gguf = model_precision(source, request.precision).weights.is_gguf
    own: LlamaCppEngine | MlxEngine = LlamaCppEngine() if is_gguf else MlxEngine()
    for part in (VllmEngine(), own):
        load = load_of(source, model_precision(source, request.precision, part.name))
        if refusal(part.name, gpu, load) is None:
            return None if isinstance(part, VllmEngine) else part
    return None


def with_engine(request: RequestT, part: LlamaCppEngine | MlxEngine) -> RequestT:
    """Another engine part; one that nobody named stays unnamed."""
    chosen = request.model_copy(update={"engine": part})
    if "engine" not in request.model_fields_set:
        chosen.model_fields_set.discard("engine")
    return chosen
