"""How sure an estimate is: which measurements it rests on, and the range that held most of them."""

import math
from functools import lru_cache

from llm_calc.adapters.alone import measured_load, share_of
from llm_calc.adapters.arrivals import arrival_errors, were_measured
from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.custom_gpu import CUSTOM_GPU
from llm_calc.adapters.data_version import data_version
from llm_calc.adapters.deployment import Placed
from llm_calc.adapters.nearest import evidence_of
from llm_calc.adapters.setup import Subject
from llm_calc.adapters.wire.serving import (
    Basis,
    BasisKind,
    HeldOut,
    Interval,
    Range,
    ServingEstimateRequest,
)
from llm_calc.core.architectures.shape import shape_of
from llm_calc.core.calibration import Calibration, HeldOutError, chip_class
from llm_calc.core.deployments.question import Asked, runs
from llm_calc.core.engines import Setup, traits_of
from llm_calc.core.hardware import Gpu
from llm_calc.core.novelty import PLACES, Newness, errors_told
from llm_calc.core.serving.breakdown import least_step_seconds
from llm_calc.core.serving.calibrated import FIRST_VENDOR, maker_of, unseen
from llm_calc.core.serving.estimate import Estimate

COVERAGE = 0.8
KEPT = 256
"""Kinds of questions whose errors are kept."""
KEPT_DEPLOYMENTS = 64
LEAST_CASES = 10
"""Fewer measured cases than this say nothing of the range that holds eight of ten."""
NEVER_MEASURED: BasisKind = "formula_only"
FEW_MODELS = 4
"""An engine measured with fewer models shares a family's fit, but not what is known of the errors on unseen ones; nor
does one on a GPU of another vendor than the first, whose models were too few there. Of such a vendor a generation that
was never measured is as new as the vendor: its other chips are of another kind (graphics cards, data centres)."""


def held_out_errors(request: ServingEstimateRequest, placed: Placed) -> tuple[HeldOutError, ...]:
    """Errors of answers of this kind; of neighbouring loads for what was not measured under this one."""
    return _told(*_kind_of_errors(request, placed))


def held_out_rows(request: ServingEstimateRequest, placed: Placed) -> list[HeldOut]:
    """The same as an answer shows them."""
    return list(_rows(*_kind_of_errors(request, placed)))


def _kind_of_errors(
    request: ServingEstimateRequest, placed: Placed
) -> tuple[Calibration, Newness, str, str | None]:
    """What errors follow from: the fit, what is new to it, the load, and the engine of random arrivals."""
    arriving = request.workload.load == "request_rate" and placed.known.name == "served"
    engine = placed.engine if arriving else None
    return placed.known, newness_of(placed), _measured_load(request, placed), engine


@lru_cache(KEPT)
def _told(known: Calibration, new: Newness, load: str, arriving_at: str | None) -> tuple[HeldOutError, ...]:
    rows = errors_told(known.errors, new)
    here = [error for error in rows if error.load == load]
    measured = {error.metric for error in here if error.measurements >= LEAST_CASES}
    here += [error for error in rows if error.load != load and error.metric not in measured]
    return tuple(here if arriving_at is None else arrival_errors(arriving_at, here))


@lru_cache(KEPT)
def _rows(known: Calibration, new: Newness, load: str, arriving_at: str | None) -> tuple[HeldOut, ...]:
    return tuple(
        HeldOut(
            metric=error.metric,
            load=error.load,
            held_out=error.held_out,
            measurements=error.measurements,
            mean_error_fraction=error.mean_fraction,
            median_error_fraction=error.median_fraction,
        )
        for error in _told(known, new, load, arriving_at)
    )


def newness_of(placed: Placed) -> Newness:
    """What the fit had seen of a question."""
    return _newness_of(placed.subject, placed.engine, placed.known, placed.calibration.name)


@lru_cache(KEPT_DEPLOYMENTS)
def _newness_of(subject: Subject, engine: str, known: Calibration, timed_by: str) -> Newness:
    setup = subject.setup
    place, maker = _unseen_of(setup, engine, known, timed_by), maker_of(setup.gpu.vendor.lower())
    ported = place == "model" and maker != FIRST_VENDOR
    few = models_seen(known, f"{engine}/{setup.gpu.id}" if ported else engine) < FEW_MODELS
    return Newness(
        place=place,
        pair=f"{engine}/{chip_class(setup.gpu)}",
        maker=maker,
        known_model=was_seen(known, shape_of(setup.model)),
        few_models=few or (place == "generation" and maker != FIRST_VENDOR),
    )


def unseen_of(placed: Placed) -> str:
    """What the fit had no measurements of: of unlike GPUs what it knows least of, and never less than such a GPU.

    What is timed by another load's measurements was never measured on this class of chips.
    """
    return newness_of(placed).place


def _unseen_of(setup: Setup, engine: str, known: Calibration, timed_by: str) -> str:
    found = {unseen(known, engine, gpu, setup.model) for gpu in setup.unlike or (setup.gpu,)}
    never = {"gpu"} if setup.unlike or not all(map(as_sold, setup.unlike or (setup.gpu,))) else set()
    if known.name != timed_by:
        never.add("generation")
    return min(found | never, key=PLACES.index)


def as_sold(gpu: Gpu) -> bool:
    """Whether it is a GPU that somebody can have measured: not custom, with no more memory than it is sold with."""
    return not gpu.id.startswith(f"{CUSTOM_GPU}:") and not gpu.enlarged


def _measured_load(request: ServingEstimateRequest, placed: Placed) -> str:
    return measured_load(placed.known.name, share_of(request.workload, placed.replicas))


def interval_of(request: ServingEstimateRequest, placed: Placed, found: Estimate) -> Interval:
    """Ranges around an estimate that held 80 % of the measured cases of its kind.

    That of a closed loop's output is of what measured times imply by Little's law (``docs/performance.md``). Random
    arrivals have none: their output is what arrives, as long as it can be served.
    """
    enough = [error for error in held_out_errors(request, placed) if error.measurements >= LEAST_CASES]
    # Where several neighbouring loads stand in, the one with most cases speaks.
    errors = {error.metric: error for error in sorted(enough, key=lambda error: error.measurements)}

    def span(metric: str, value: float) -> Range | None:
        error, spread = errors.get(metric), placed.offload.spread(metric)
        if placed.offload.used:
            return Range(low=value / spread, high=value * spread)
        if error is None:
            return None
        return Range(low=value * math.exp(error.low_log), high=value * math.exp(error.high_log))

    first = span("ttft_s", float(found.ttft_s))
    each = _above(span("tpot_s", float(found.tpot_s)), _least_tpot_s(placed), float(found.tpot_s))
    return Interval(
        status="calibrated" if _was_measured(request, placed) else "uncalibrated",
        coverage_fraction=COVERAGE,
        ttft_s=first,
        tpot_s=each,
        output_tokens_per_s=(
            None
            if request.workload.load == "request_rate" or request.workload.is_stream
            else span("output_tokens_per_s", float(found.output_tokens_per_s))
            or _of_times(request.workload.mean_output_tokens, found, first, each)
        ),
    )


def _above(span: Range | None, least: float, value: float) -> Range | None:
    """A range without what the memory's bandwidth rules out."""
    if span is None:
        return None
    return Range(low=min(max(span.low, least), value), high=span.high)


def _least_tpot_s(placed: Placed) -> float:
    """What no token takes less than [s]; 0 where a token is not a step, or a step not of one GPU's memory."""
    setup, work, host = placed.subject.setup, placed.operators, placed.offload.host
    if setup.unlike or setup.layout.pipeline > 1 or setup.drafted_tokens:
        return 0.0
    bandwidth = setup.gpu.memory_bandwidth_bytes_per_s
    least = least_step_seconds(work, bandwidth, experts_are_dealt=setup.layout.expert > 1)
    if work.host is not None and host is not None and host.stated:
        least += least_step_seconds(work.host, host.memory_bandwidth_bytes_per_s, experts_are_dealt=False)
    return least


def _of_times(output_tokens: float, found: Estimate, first: Range | None, each: Range | None) -> Range | None:
    """Output where only times were measured: as if both times were at the same end of their ranges."""
    if first is None or each is None:
        return None
    longest, shortest = (
        float(getattr(first, end) + (output_tokens - 1) * getattr(each, end)) for end in ("high", "low")
    )
    whole = float(found.ttft_s + (output_tokens - 1) * found.tpot_s) * float(found.output_tokens_per_s)
    return Range(low=whole / longest, high=whole / shortest)


def _was_measured(request: ServingEstimateRequest, placed: Placed) -> bool:
    """Whether loads of this kind were: no streams, drafts, parts kept apart, or memory that is not there."""
    if _is_beyond(placed):
        return False
    if request.workload.load == "request_rate":
        return were_measured(placed.engine) and holds_one(placed)
    load = _measured_load(request, placed)
    return any(error.load == load for error in placed.known.errors) and holds_one(placed)


def never_together(placed: Placed) -> bool:
    """Whether nothing of the kind was measured.

    Unlike, custom or larger GPUs, dealt contexts, requests that meet, models that are not the engine's own.
    """
    setup = placed.subject.setup
    if placed.subject.by_other_means:
        return True
    if any(each.decoding_only for each in placed.operators.collectives):
        return True
    return bool(setup.unlike) or not as_sold(setup.gpu) or meets_unmeasured(placed) or packs_cache(placed)


def meets_unmeasured(placed: Placed) -> bool:
    """Whether requests run at once under an engine that was only measured with single ones."""
    return placed.met and traits_of(placed.engine).load.alone_only


def packs_cache(placed: Placed) -> bool:
    """Whether MLX keeps a quantized cache, which nobody measured."""
    return traits_of(placed.engine).packs_cache and placed.subject.setup.numbers.cache.name.startswith("mlx-")


def holds_one(placed: Placed) -> bool:
    """Whether the engine runs one request: it starts, takes this length and its prompt, and has room for it."""
    context = math.ceil(placed.context_tokens)
    return runs(placed.plan, Asked(sequences=1, context_tokens=context, prompt_tokens=placed.prompt_tokens))


def basis_kind(placed: Placed) -> BasisKind:
    """How near the fit's measurements come; what memory cannot hold was never measured."""
    return kind_of_fit(placed) if holds_one(placed) else NEVER_MEASURED


def _is_beyond(placed: Placed) -> bool:
    """Whether nothing of the kind was measured, or an option says what nothing counts."""
    apart = placed.offload.used or placed.untimed or placed.unused.options or placed.novel
    return bool(apart) or never_together(placed)


def kind_of_fit(placed: Placed) -> BasisKind:
    """The same where memory holds a request; no run was measured of what is not understood whole."""
    if _is_beyond(placed):
        return NEVER_MEASURED
    missing = unseen_of(placed)
    kinds: dict[str, BasisKind] = {
        "row": "calibrated" if placed.larger_cache or placed.unused.further else "measured",
        "generation": NEVER_MEASURED,
        "vendor": NEVER_MEASURED,
    }
    return kinds.get(missing, "calibrated")


def basis_of(request: ServingEstimateRequest, placed: Placed, found: Estimate, catalogs: Catalogs) -> Basis:
    """Which calibration, its errors on what it had not seen, and the published runs nearest to the question."""
    calibration, evidence = placed.calibration, evidence_of(request, placed, found, catalogs)
    missing = unseen_of(placed)
    return Basis(
        kind=basis_kind(placed),
        calibration=calibration.name,
        fitted_on=calibration.fitted_on,
        measurements=calibration.measurements,
        unseen=missing,
        held_out_errors=held_out_rows(request, placed),
        releases=releases_of(calibration, placed.engine, placed.subject.setup.gpu),
        nearest=evidence.nearest,
        nearest_note=evidence.note,
        measured_curve=evidence.curve,
        data_version=data_version(catalogs),
    )


def releases_of(calibration: Calibration, engine: str, gpu: Gpu) -> list[str]:
    """Releases that sources name of measured runs of an engine on a class of chips, oldest first."""
    return list(dict(calibration.releases).get(f"{engine}/{chip_class(gpu)}", ()))


@lru_cache(KEPT)
def was_seen(calibration: Calibration, shape: str) -> bool:
    """Whether a fit has measurements of a model of this shape, under any engine on any GPU."""
    return any(key.endswith(f"/{shape}") for key in calibration.seen)


@lru_cache(KEPT)
def models_seen(calibration: Calibration, where: str) -> int:
    """How many models a fit has runs of under an engine, or under ``<engine>/<GPU>``, told by their shapes."""
    runs_of = [key for key in calibration.seen if key.startswith(f"run:{where}/")]
    return len({key.split("/", 2)[2] for key in runs_of})
