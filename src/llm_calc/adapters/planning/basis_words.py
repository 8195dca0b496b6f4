"""Why the times of a plan rest on no measurement, in words."""

from collections.abc import Iterator

from llm_calc.adapters.certainty import (
    NEVER_MEASURED,
    as_sold,
    basis_kind,
    meets_unmeasured,
    packs_cache,
    unseen_of,
)
from llm_calc.adapters.deployment import Placed
from llm_calc.adapters.planning.ways import Way
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.core.engines import Engine
from llm_calc.core.engines.dealt_check import contexts_of

UNSEEN = ("generation", "vendor")
"""What a fit may not have seen of a chip that leaves its times to the formula."""


def basis_words(placed: Placed, engine: Engine, way: Way, workload: WorkloadPart) -> list[str]:
    """One sentence on a plan that rests on no measurement, with everything that was never measured; else nothing."""
    if basis_kind(placed) != NEVER_MEASURED:
        return []
    reasons = [*_beside(way, workload), *_deployed(placed, engine)] or ["a deployment of this kind"]
    return [f"no measurement of {', or of '.join(reasons)}: times are the formula's alone"]


def _beside(way: Way, workload: WorkloadPart) -> Iterator[str]:
    if way.speculative is not None:
        yield "speculative decoding"
    if way.lora is not None:
        yield "adapters (lora)"
    if workload.grows:
        yield "turns of sessions"
    if workload.varies:
        yield "requests that vary"


def _deployed(placed: Placed, engine: Engine) -> Iterator[str]:
    gpu = placed.subject.setup.gpu
    if contexts_of(engine) > 1:
        yield "contexts that are dealt over GPUs"
    if placed.offload.used:
        yield "weights or caches in the host's memory"
    if placed.untimed:
        yield f"what {', '.join(placed.untimed)} {'does' if len(placed.untimed) == 1 else 'do'} to times"
    if not as_sold(gpu):
        yield f"GPUs like {gpu.id}, which nobody sells so"
    if meets_unmeasured(placed):
        yield f"several requests at once under {placed.engine}"
    if packs_cache(placed):
        yield "a cache that MLX quantizes"
    if placed.subject.by_other_means:
        yield f"models of a type that {placed.engine} names none of"
    if unseen_of(placed) in UNSEEN:
        yield f"{placed.engine} on GPUs of the generation of {gpu.id}"
