"""How sure an estimate is: which measurements it rests on, and the range that held most of them."""

import math

from llm_calc.adapters.alone import measured_load
from llm_calc.adapters.arrivals import arrival_errors, were_measured, widened
from llm_calc.adapters.calibration import releases_of, unseen, was_seen
from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.data_version import data_version
from llm_calc.adapters.deployment import Placed
from llm_calc.adapters.memory_advice import Asked, runs
from llm_calc.adapters.nearest import evidence_of
from llm_calc.adapters.wire.serving import (
    Basis,
    BasisKind,
    HeldOut,
    Interval,
    Range,
    ServingEstimateRequest,
)
from llm_calc.core.calibration import HeldOutError, chip_class
from llm_calc.core.serving.estimate import Estimate

COVERAGE = 0.8
LEAST_CASES = 10
"""Fewer measured cases than this say nothing of the range that holds eight of ten."""
NEVER_MEASURED: BasisKind = "formula_only"


def held_out_errors(request: ServingEstimateRequest, placed: Placed) -> list[HeldOutError]:
    """Errors of answers of this kind; of a neighbouring load where this one was not measured."""
    gpu, calibration = placed.subject.setup.gpu, placed.calibration
    missing = unseen(calibration, placed.engine, gpu, placed.subject.setup.model)
    pair = f"{placed.engine}/{chip_class(gpu)}"
    rows = _nearest([error for error in calibration.errors if error.held_out == missing], pair)
    if not was_seen(calibration, placed.subject.setup.model):
        models = [error for error in calibration.errors if error.held_out == "model"]
        rows = [_as_wide(error, models) for error in rows]
    here = _of_load(rows, request, placed) or rows
    if request.workload.load == "request_rate" and placed.calibration.name == "served":
        return arrival_errors(placed.engine, here)
    return here


def _nearest(rows: list[HeldOutError], pair: str) -> list[HeldOutError]:
    """Those of this engine on this class of chips where enough runs of them were measured, else those of all."""
    own = {(error.load, error.metric) for error in rows if error.pair == pair}
    return [error for error in rows if error.pair == (pair if (error.load, error.metric) in own else "")]


def _as_wide(error: HeldOutError, models: list[HeldOutError]) -> HeldOutError:
    """Of a model that was measured nowhere: no narrower than the range of unseen models."""
    for other in models:
        if (other.load, other.metric) == (error.load, error.metric):
            return widened(error, other)
    return error


def _of_load(rows: list[HeldOutError], request: ServingEstimateRequest, placed: Placed) -> list[HeldOutError]:
    load = measured_load(placed.calibration.name, request.workload)
    return [error for error in rows if error.load == load]


def interval_of(request: ServingEstimateRequest, placed: Placed, found: Estimate) -> Interval:
    """Ranges around an estimate that held 80 % of the measured cases of its kind.

    That of a closed loop's output is of what measured times imply by Little's law (``docs/performance.md``). Random
    arrivals have none: their output is what arrives, as long as it can be served.
    """
    enough = [error for error in held_out_errors(request, placed) if error.measurements >= LEAST_CASES]
    # Where several neighbouring loads stand in, the one with most cases speaks.
    errors = {error.metric: error for error in sorted(enough, key=lambda error: error.measurements)}

    def span(metric: str, value: float) -> Range | None:
        error, spread = errors.get(metric), placed.offload.spread
        if placed.offload.used:
            return Range(low=value / spread, high=value * spread)
        if error is None:
            return None
        return Range(low=value * math.exp(error.low_log), high=value * math.exp(error.high_log))

    return Interval(
        status="calibrated" if _was_measured(request, placed) else "uncalibrated",
        coverage_fraction=COVERAGE,
        ttft_s=span("ttft_s", float(found.ttft_s)),
        tpot_s=span("tpot_s", float(found.tpot_s)),
        output_tokens_per_s=(
            None
            if request.workload.load == "request_rate"
            else span("output_tokens_per_s", float(found.output_tokens_per_s))
        ),
    )


def _was_measured(request: ServingEstimateRequest, placed: Placed) -> bool:
    """Whether loads of this kind were: no drafts, parts kept apart, or memory that is not there."""
    unusual = placed.offload.used or placed.untimed
    if request.speculative is not None or request.disaggregated is not None or unusual:
        return False
    if request.workload.load == "request_rate":
        return were_measured(placed.engine) and holds_one(placed)
    return bool(_of_load(list(placed.calibration.errors), request, placed)) and holds_one(placed)


def holds_one(placed: Placed) -> bool:
    """Whether the engine runs one request: it starts, takes this length, and has room for it."""
    return runs(placed.plan, Asked(sequences=1, context_tokens=math.ceil(placed.context_tokens)))


def basis_kind(placed: Placed) -> BasisKind:
    """How near the fit's measurements come; what memory cannot hold was never measured."""
    usual = holds_one(placed) and not placed.offload.used and not placed.untimed
    return kind_of_fit(placed) if usual else NEVER_MEASURED


def kind_of_fit(placed: Placed) -> BasisKind:
    """The same where memory holds a request."""
    missing = unseen(placed.calibration, placed.engine, placed.subject.setup.gpu, placed.subject.setup.model)
    kinds: dict[str, BasisKind] = {
        "row": "measured",
        "generation": NEVER_MEASURED,
        "vendor": NEVER_MEASURED,
    }
    return kinds.get(missing, "calibrated")


def basis_of(request: ServingEstimateRequest, placed: Placed, found: Estimate, catalogs: Catalogs) -> Basis:
    """Which calibration, its errors on what it had not seen, and the published runs nearest to the question."""
    calibration, evidence = placed.calibration, evidence_of(request, placed, found, catalogs)
    missing = unseen(calibration, placed.engine, placed.subject.setup.gpu, placed.subject.setup.model)
    return Basis(
        kind=basis_kind(placed),
        calibration=calibration.name,
        fitted_on=calibration.fitted_on,
        measurements=calibration.measurements,
        unseen=missing,
        held_out_errors=[
            HeldOut(
                metric=error.metric,
                load=error.load,
                held_out=error.held_out,
                measurements=error.measurements,
                mean_error_fraction=error.mean_fraction,
                median_error_fraction=error.median_fraction,
            )
            for error in held_out_errors(request, placed)
        ],
        releases=releases_of(calibration, placed.engine, placed.subject.setup.gpu),
        nearest=evidence.nearest,
        nearest_note=evidence.note,
        measured_curve=evidence.curve,
        data_version=data_version(catalogs),
    )
