"""What vLLM would run in place of a GGUF file: a format of a like number of bits, where a plan starts with it."""

import math
from collections.abc import Iterable

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.engines import version_warnings
from llm_calc.adapters.memory_plan import planned_memory
from llm_calc.adapters.model_source import own_precision, served_in_any_format
from llm_calc.adapters.variants import published
from llm_calc.adapters.wire.engines import LlamaCppEngine, VllmEngine
from llm_calc.adapters.wire.fitting import FitRequest, FitRow
from llm_calc.adapters.wire.memory import MemoryPlanRequest
from llm_calc.adapters.wire.parts import PrecisionPart, WorkloadPart
from llm_calc.core.engines import USUAL
from llm_calc.core.errors import CalcError
from llm_calc.core.memory import total_parameters, weights_bytes

FEWEST_BITS, HALF_WAY_BITS, UNQUANTIZED_BITS = 4, 6.0, 15.0
ONLINE, CHECKPOINT = "fp8", "int4-awq"
"""Of 16-bit weights vLLM makes the first while it loads; the second is a checkpoint of its own."""


def vllm_command(request: FitRequest, catalogs: Catalogs, bits: float, *, small_cache: bool) -> str | None:
    """The command of a deployment that starts and holds what was asked; None where there is none.

    A model whose published checkpoint is quantized (gpt-oss: experts in MXFP4) is run as published where that has a
    like number of bits, or fewer than any other would.
    """
    if bits < FEWEST_BITS:
        return None
    weights, cache = _weights(_own_bits(request, catalogs), bits), "fp8" if small_cache else "auto"
    if not _starts(request, catalogs, weights, cache):
        return None
    name = _repository(request, catalogs)
    model = f"AN_AWQ_CHECKPOINT_OF_{name}" if weights == CHECKPOINT else name
    online = " --quantization fp8" if weights == ONLINE else ""
    limits = f"--max-model-len {request.context_tokens} --max-num-seqs {request.concurrency}"
    split = f" --tensor-parallel-size {request.hardware.count}" if request.hardware.count > 1 else ""
    return f"vllm serve {model}{online} {limits}{split}{' --kv-cache-dtype fp8' if small_cache else ''}"


def _weights(own_bits: float, bits: float) -> str | None:
    """The format to run; None: the checkpoint as published."""
    if own_bits < UNQUANTIZED_BITS and (own_bits <= HALF_WAY_BITS or bits > HALF_WAY_BITS):
        return None
    return ONLINE if bits > HALF_WAY_BITS else CHECKPOINT


def _own_bits(request: FitRequest, catalogs: Catalogs) -> float:
    """Bits a parameter of the checkpoint as published; 16 of a GGUF file, which vLLM is not given here."""
    source = served_in_any_format(request.model, catalogs)
    if source.gguf is not None:
        return 16.0
    numbers = own_precision(source, USUAL).numbers
    return 8 * weights_bytes(source.model, numbers.recipe) / total_parameters(source.model)


def _starts(request: FitRequest, catalogs: Catalogs, weights: str | None, cache: str) -> bool:
    half = math.ceil(request.context_tokens / 2)
    try:
        asked = MemoryPlanRequest(
            model=request.model,
            precision=PrecisionPart(weights=weights, kv_cache=cache),
            hardware=request.hardware.model_copy(update={"host": None}),
            engine=VllmEngine(max_model_len=request.context_tokens, max_num_seqs=request.concurrency),
            workload=WorkloadPart(
                input_tokens=max(1, request.context_tokens - half),
                output_tokens=half,
                concurrency=request.concurrency,
            ),
        )
        planned = planned_memory(asked, catalogs)
    except CalcError:
        return False
    return planned.plan.starts and planned.plan.holds(request.concurrency, request.context_tokens)


def _repository(request: FitRequest, catalogs: Catalogs) -> str:
    if request.model.name is None:
        return "MODEL"
    return published(catalogs, request.model.name).repository(request.model.name)


def old_rules_of(rows: Iterable[FitRow]) -> list[str]:
    """What to say of the engines that the rows are for, where their rules were read long ago."""
    vllm = any(row.run_with is not None and row.run_with.vllm for row in rows)
    return version_warnings(LlamaCppEngine()) + (version_warnings(VllmEngine()) if vllm else [])
