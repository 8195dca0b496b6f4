"""The three families of kernels that are fitted apart, with what is the same for all of their cases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llm_calc.core.engines import traits_of
from llm_calc.core.serving.rates import Kernels
from tools.calibrate.cases import Case, build_cases
from tools.calibrate.measurements import Measurement, read_measurements
from tools.calibrate.priors import BATCH, LLAMA_CPP, SERVED, Prior


@dataclass(frozen=True)
class Family:
    """A name, what it covers, priors and kernels."""

    name: str
    title: str
    priors: Mapping[str, Prior]
    kernels: Kernels


FAMILIES = (
    Family(
        "served",
        "vLLM, SGLang and TensorRT-LLM as servers under a closed loop",
        SERVED,
        Kernels(name="served", stage_batches=True),
    ),
    Family(
        "batch",
        "the same engines and others without a client: single streams, static batches, offline runs",
        BATCH,
        Kernels(name="batch", stage_batches=True),
    ),
    Family(
        "llama.cpp",
        "llama.cpp on CUDA, Metal, ROCm and SYCL; MLX",
        LLAMA_CPP,
        Kernels(
            name="llama.cpp",
            vector_tokens=8,
            tile_tokens=32,
            overlap_exponent=1.0,
            prompt_tokens=512,
            stages_overlap=True,
        ),
    ),
)


def family_name(row: Measurement) -> str:
    """The family that a measurement belongs to."""
    if traits_of(row.engine).load.own_machine:
        return "llama.cpp"
    return "served" if row.load == "closed_loop" else "batch"


def follows(row: Measurement) -> bool:
    """Whether a number follows from others of its run: the output of a closed loop, by Little's law."""
    return row.load == "closed_loop" and row.metric == "output_tokens_per_s"


def cases_by_family() -> dict[str, Sequence[Case]]:
    """All measurements as cases, dealt to their families."""
    cases = build_cases(read_measurements())
    return {
        family.name: [
            case for case in cases if family_name(case.row) == family.name and not follows(case.row)
        ]
        for family in FAMILIES
    }
