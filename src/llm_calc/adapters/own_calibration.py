"""``/api/calibrate``: a few shared factors on the efficiencies, fitted to the caller's own measurements."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from llm_calc.adapters.calibration import scaled_calibration
from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.deployment import Placed
from llm_calc.adapters.images import refuse_images
from llm_calc.adapters.mean_lengths import lengths_of
from llm_calc.adapters.said_unused import told_of_several
from llm_calc.adapters.serving import place_request, time_load
from llm_calc.adapters.sessions import refuse_sessions
from llm_calc.adapters.stopping import checkpoint
from llm_calc.adapters.wire.calibrate import (
    CalibrateAnswer,
    CalibrateRequest,
    FitErrors,
    FittedFactor,
    Measurement,
)
from llm_calc.adapters.wire.calibration_part import LARGEST_FACTOR, CalibrationPart
from llm_calc.adapters.wire.serving import ServingEstimateRequest
from llm_calc.core.arrays import FloatArray
from llm_calc.core.calibration_factors import FACTORS, scales_of
from llm_calc.core.errors import CalcError, InvalidInputError
from llm_calc.core.fitting import Fit, fit_logs
from llm_calc.core.planning.bounds import in_flight, under_load
from llm_calc.core.planning.split import shape_of
from llm_calc.core.serving.calibrated import rates_of
from llm_calc.core.serving.estimate import Estimate
from llm_calc.core.serving.replicas import times

TRUST = {"ttft_s": 0.15}
USUAL_TRUST = 0.05
"""Standard deviation that measured figures are trusted to, in natural logarithms; first tokens vary more."""
FAR = 0.25
TRUSTED = "measured figures are trusted to 5 %, times to first token to 15 %; factors that they leave open stay at 1"
MIDDLE = 1.2816
"""Standard deviations on either side that hold the middle 80 %."""
HARDLY_LEARNT = 0.3
FEW = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One measured figure. ``ratio``: the endpoint's figure over that of the closed form that the fit works with."""

    place: int
    figure: str
    measured: float
    predicted: float
    ratio: float


def answer_calibrate(request: CalibrateRequest, catalogs: Catalogs) -> CalibrateAnswer:
    """A calibration for other requests, with the errors that it leaves.

    Raises:
        InvalidInputError: a measurement whose deployment cannot be right; names its place.
    """
    requests = [_request(each) for each in request.measurements]
    placed = [_placed(place, each, catalogs) for place, each in enumerate(requests)]
    cases = list(_cases(request.measurements, requests, placed))
    measured = np.log(np.array([case.measured for case in cases]))
    subjects, parts = [each.subject for each in placed], [each.engine for each in requests]

    def predict_log(logs: FloatArray) -> FloatArray:
        checkpoint()
        part = CalibrationPart(scales=scales_of(logs, LARGEST_FACTOR))
        found = [_closed(one, _rescaled(here, part)) for one, here in zip(requests, placed, strict=True)]
        return np.log([getattr(found[case.place], case.figure) * case.ratio for case in cases])

    fit = fit_logs(
        predict_log,
        measured,
        prior=np.array([factor.prior for factor in FACTORS]),
        trust=np.array([TRUST.get(case.figure, USUAL_TRUST) for case in cases]),
        bound=math.log(LARGEST_FACTOR),
    )
    part = CalibrationPart(
        scales=scales_of(fit.logs, LARGEST_FACTOR),
        measurements=len(cases),
        mean_error_fraction=round(float(np.mean(_errors(fit.left_out))), 6),
    )
    fit = replace(fit, after=_really_after(requests, placed, cases, part) - measured)
    return CalibrateAnswer(
        calibration=part,
        factors=list(_factors(fit)),
        errors=list(_fit_errors(cases, fit)),
        assumptions=[
            TRUSTED,
            "factors hold for every model, GPU and engine alike: send measurements of what you plan to run",
            *told_of_several("measurements", subjects, parts),
        ],
        warnings=list(_warnings(cases, fit)),
    )


def _really_after(
    requests: Sequence[ServingEstimateRequest],
    placed: Sequence[Placed],
    cases: Sequence[Case],
    part: CalibrationPart,
) -> FloatArray:
    """Logarithms of what the endpoint answers with the calibration."""
    found = [
        time_load(_rescaled(here, part), one.workload) for one, here in zip(requests, placed, strict=True)
    ]
    return np.array([math.log(float(getattr(found[case.place], case.figure))) for case in cases])


def _request(measurement: Measurement) -> ServingEstimateRequest:
    return ServingEstimateRequest(
        **{name: getattr(measurement, name) for name in ServingEstimateRequest.model_fields}
    )


def _placed(place: int, request: ServingEstimateRequest, catalogs: Catalogs) -> Placed:
    checkpoint()
    try:
        refuse_sessions(request.workload, "calibrate")
        refuse_images(request.workload, "calibrate")
        return place_request(request, catalogs)
    except CalcError as error:
        field = f"measurements[{place}]"
        raise InvalidInputError(f"{field}.{error.message}", field=field) from error


def _cases(
    measurements: Sequence[Measurement], requests: Sequence[ServingEstimateRequest], placed: Sequence[Placed]
) -> Iterator[Case]:
    for place, (measurement, request, here) in enumerate(zip(measurements, requests, placed, strict=True)):
        exact, closed = time_load(here, request.workload), _closed(request, here)
        for figure, value in measurement.measured.figures.items():
            if value is not None:
                predicted = float(getattr(exact, figure))
                ratio = predicted / float(getattr(closed, figure))
                yield Case(place=place, figure=figure, measured=value, predicted=predicted, ratio=ratio)


def _rescaled(placed: Placed, part: CalibrationPart) -> Placed:
    """The same deployment under other efficiencies."""
    calibration = scaled_calibration(placed.calibration, part)
    gpu = placed.subject.setup.gpu
    deployment = placed.deployment
    rates = rates_of(calibration, placed.machine, deployment.work, placed.engine, gpu)
    host = replace(
        deployment.host,
        **{
            name: getattr(deployment.host, name) * part.scales.get(name, 1.0)
            for name in ("request_s", "prompt_token_s", "arrival_s")
        },
    )
    return replace(placed, deployment=replace(deployment, rates=rates, host=host, server=None, alone=None))


def _closed(request: ServingEstimateRequest, placed: Placed) -> Estimate:
    """The deployment's figures without simulation."""
    workload, lengths, deployment = request.workload, lengths_of(request.workload), placed.deployment
    each = np.array([math.ceil(workload.requests_in_flight / placed.replicas)], dtype=np.float64)
    kind = shape_of(workload.load, placed.calibration.name)
    if workload.request_rate is not None:
        most = np.array([max(1.0, float(deployment.capacity))])
        each = np.maximum(in_flight(deployment, lengths, workload.request_rate / placed.replicas, most), 1.0)
    estimate = under_load(
        deployment, "batch" if kind == "concurrency" and each[0] == 1 else kind, lengths, each
    )
    busy = min(placed.replicas, workload.requests_in_flight)
    found = times(estimate, busy if workload.load in ("batch", "concurrency") else placed.replicas)
    return replace(
        found,
        ttft_s=float(np.max(found.ttft_s)),
        tpot_s=float(np.max(found.tpot_s)),
        request_latency_s=float(np.max(found.request_latency_s)),
        output_tokens_per_s=float(np.max(found.output_tokens_per_s)),
    )


def _errors(logs: FloatArray) -> FloatArray:
    """``|predicted / measured - 1|`` of logarithms of predicted over measured."""
    return np.abs(np.expm1(logs))


def _factors(fit: Fit) -> Iterator[FittedFactor]:
    for factor, log, deviation, learnt in zip(FACTORS, fit.logs, fit.deviations, fit.learnt, strict=True):
        yield FittedFactor(
            name=factor.name,
            efficiencies=list(factor.efficiencies),
            factor=math.exp(log),
            low=math.exp(log - MIDDLE * deviation),
            high=math.exp(log + MIDDLE * deviation),
            learnt_fraction=min(1.0, max(0.0, float(learnt))),
        )


def _fit_errors(cases: Sequence[Case], fit: Fit) -> Iterator[FitErrors]:
    figures = np.array([case.figure for case in cases])
    for figure in dict.fromkeys(figures.tolist()):
        chosen = figures == figure
        yield FitErrors(
            figure=figure,
            measurements=int(np.count_nonzero(chosen)),
            before_fraction=float(np.mean(_errors(fit.before[chosen]))),
            after_fraction=float(np.mean(_errors(fit.after[chosen]))),
            left_out_fraction=float(np.mean(_errors(fit.left_out[chosen]))),
        )


def _warnings(cases: Sequence[Case], fit: Fit) -> Iterator[str]:
    if len(cases) < FEW:
        yield f"measurements: {len(cases)} figures are too few to tell causes apart; at least {FEW} are better"
    for factor, log, learnt in zip(FACTORS, fit.logs, fit.learnt, strict=True):
        if learnt < HARDLY_LEARNT:
            yield (
                f"{factor.name}: the measurements say little of it; its factor stays near 1 (measure "
                f"{factor.needs} to learn it)"
            )
        if abs(log) >= 0.99 * math.log(LARGEST_FACTOR):
            yield f"{factor.name}: the factor is at its bound; check units and what really ran"
    far = [case.place for case, left in zip(cases, fit.after, strict=True) if abs(left) > FAR]
    if far:
        places = ", ".join(str(place) for place in dict.fromkeys(far))
        yield f"measurements: {places} are off by more than {FAR:.0%} even so; check what really ran"
