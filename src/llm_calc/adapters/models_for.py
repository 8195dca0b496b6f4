"""``/api/models_for``: which models of the catalog run on a machine, the largest first."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.catalog.models import CatalogModel
from llm_calc.adapters.certainty import basis_kind
from llm_calc.adapters.deployment import Placed
from llm_calc.adapters.engines import engine_rules, version_warnings
from llm_calc.adapters.fit import MOST_DEVICES, check_devices, estimate_request
from llm_calc.adapters.hosts import requested_host
from llm_calc.adapters.model_source import own_precision, served_model
from llm_calc.adapters.presets import OWN_KIND
from llm_calc.adapters.runs_on import runs_at_all, runs_format
from llm_calc.adapters.said_unused import EXACT
from llm_calc.adapters.serving import place_request, time_load
from llm_calc.adapters.serving_words import unit_words
from llm_calc.adapters.stopping import checkpoint
from llm_calc.adapters.unlike import llama_cpp_notes, requested_gpu, room_bytes, unlike_gpus
from llm_calc.adapters.wire.base import nearest_name_hint
from llm_calc.adapters.wire.engines import LlamaCppEngine
from llm_calc.adapters.wire.fitting import FitRequest, ModelsForAnswer, ModelsForRequest, RunningModel
from llm_calc.adapters.wire.parts import ModelPart
from llm_calc.core.deployments.question import Asked, fits
from llm_calc.core.engines import OWN_MACHINE
from llm_calc.core.engines.llama_cpp_split import layer_bytes
from llm_calc.core.errors import CalcError, InvalidInputError, UnsupportedError
from llm_calc.core.hardware import Gpu
from llm_calc.core.serving.estimate import Estimate

FORMATS = ("q8_0", "q6_k", "q4_k_m")
LEAST_BYTES_PER_PARAMETER = {"q8_0": 1.0, "q6_k": 0.78, "q4_k_m": 0.5}
"""What no file of the kind falls below by more than shared experts in fewer bits would: a first look at the size."""
SMALLEST = 0.4
LOOKED_AT = (
    f"weights: files of {', '.join(FORMATS)} (gpt-oss: {OWN_KIND}) with a 16-bit cache were looked at; "
    "/api/fit (llm-calc fit) tells of one model whether fewer bits or a smaller cache fit"
)

IDLE_HOST = (
    "hardware.host: models that need the host's memory are not listed; /api/fit tells how one runs with it"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ran:
    row: RunningModel
    fast_enough: bool


def answer_models_for(request: ModelsForRequest, catalogs: Catalogs) -> ModelsForAnswer:
    """Models that lie on the GPU whole with the asked context, largest first, until enough are found.

    Raises:
        UnknownNameError: no such GPU or format.
        UnsupportedError: llama.cpp does not run on the GPU, or runs no such format there.
        InvalidInputError: no model of the catalog is of the family, or a host that cannot be right.
    """
    gpus = unlike_gpus(request.hardware, catalogs, OWN_MACHINE) or (
        requested_gpu(request.hardware, catalogs),
    ) * min(request.hardware.count, MOST_DEVICES + 1)
    for gpu in dict.fromkeys(gpus):
        _check_chip(gpu, request.weights)
    check_devices(request.hardware.count)
    requested_host(request.hardware.host, gpus[0])
    _check_family(request.family, catalogs)
    room = room_bytes(gpus)
    known = sorted(catalogs.models, key=lambda entry: -entry.nominal_parameters_billions)
    found: list[RunningModel] = []
    slow, more = list[str](), False
    for entry in known:
        if not _looked_for(request, entry) or not _may_fit(request, entry, room):
            continue
        if len(found) == request.max_models:
            more = True
            break
        ran = _ran(request, entry, catalogs, room)
        if ran is not None and ran.fast_enough:
            found.append(ran.row)
        elif ran is not None:
            slow.append(entry.name)
    rules = engine_rules(OWN_MACHINE)
    return ModelsForAnswer(
        release=rules.answered,
        context_tokens=request.context_tokens,
        models=found,
        more=more,
        too_slow=slow,
        assumptions=[
            f"started by {rules.title} {rules.version} with one slot and everything on the GPU",
            *llama_cpp_notes(request.hardware, catalogs),
            *_left_out(request, gpus),
            *version_warnings(LlamaCppEngine()),
            *_approximate(found),
            *_why_none(request, known, found, slow),
        ],
    )


def _left_out(request: ModelsForRequest, gpus: Iterable[Gpu]) -> Iterator[str]:
    """What the list does not look at, and units of the chips that its times do not count."""
    yield from (words for gpu in dict.fromkeys(gpus) for words in unit_words(gpu))
    if request.hardware.host is not None:
        yield IDLE_HOST
    if request.weights is None:
        yield LOOKED_AT


def _approximate(found: list[RunningModel]) -> Iterator[str]:
    """Which of the listed models were not read whole."""
    names = [row.model for row in found if row.confidence != EXACT]
    if names:
        yield f"models: of {', '.join(names)} not everything was read; /api/inspect_model says what was assumed"


def _why_none(
    request: ModelsForRequest, known: list[CatalogModel], found: list[RunningModel], slow: list[str]
) -> Iterator[str]:
    """Why no model is listed."""
    if found:
        return
    looked_for = [entry for entry in known if _looked_for(request, entry)]
    family = "" if request.family is None else f" of family {request.family[:40]}"
    asked = f"{request.context_tokens} tokens"
    if slow:
        yield f"least_tokens_per_s: what fits{family} is slower than {request.least_tokens_per_s:g} tokens a second"
    elif not looked_for:
        own = [entry for entry in known if request.family is None or _of_family(request.family, entry)]
        most = max(entry.context_length_tokens for entry in own)
        yield f"context_tokens: no model{family} takes {asked}; the longest context of the catalog's is {most}"
    else:
        yield f"hardware: none of the {len(looked_for)} models{family} that take {asked} lies on the GPU with them"


def _of_family(asked: str, entry: CatalogModel) -> bool:
    """Whether it is the family's name or part of it, or what the model's name begins with."""
    wanted = _plain(asked)
    return bool(wanted) and (wanted in _plain(entry.family) or _plain(entry.name).startswith(wanted))


def _plain(name: str) -> str:
    """A name without case, spaces and hyphens, as people type it."""
    return "".join(letter for letter in name.lower() if letter.isalnum() or letter == ".")


def _check_chip(gpu: Gpu, weights: str | None) -> None:
    if not runs_at_all(OWN_MACHINE, gpu):
        msg = f"hardware.gpu: models are started by llama.cpp here, which does not run on {gpu.id}"
        raise UnsupportedError(msg, field="hardware.gpu")
    if not gpu.peaks:
        msg = (
            f"hardware.gpu: no dense rates of {gpu.id} are published, so that no speed is known there; custom takes "
            "your own (hardware.peak_flops_per_s)"
        )
        raise UnsupportedError(msg, field="hardware.gpu")
    if weights is not None and not runs_format(OWN_MACHINE, gpu, weights):
        raise UnsupportedError(f"weights: llama.cpp runs no {weights} on {gpu.id}", field="weights")


def _check_family(asked: str | None, catalogs: Catalogs) -> None:
    known = sorted({entry.family for entry in catalogs.models})
    if asked is not None and not any(_of_family(asked, entry) for entry in catalogs.models):
        hint = nearest_name_hint(asked[:40], known)
        msg = f"family: no model of the catalog is of family {asked[:40]!r}{hint}; known: {', '.join(known)}"
        raise InvalidInputError(msg, field="family", accepted=known)


def _looked_for(request: ModelsForRequest, entry: CatalogModel) -> bool:
    asked = request.family
    long_enough = request.context_tokens <= entry.context_length_tokens
    return long_enough and (asked is None or _of_family(asked, entry))


def _may_fit(request: ModelsForRequest, entry: CatalogModel, room: float) -> bool:
    """A look at the nominal size, so that only what may fit is planned."""
    kinds = (request.weights,) if request.weights else FORMATS
    least = min(LEAST_BYTES_PER_PARAMETER.get(kind.lower(), SMALLEST / 4) for kind in kinds)
    return entry.nominal_parameters_billions * 1e9 * least * 0.85 <= room


def _kinds(request: ModelsForRequest, entry: CatalogModel, catalogs: Catalogs) -> tuple[str, ...]:
    """Kinds of files to try: the one asked for, else the usual ones; of what is published in MXFP4 that first."""
    if request.weights:
        return (request.weights,)
    source = served_model(ModelPart(name=entry.name), catalogs)
    own = own_precision(source, OWN_MACHINE).weights
    return (OWN_KIND, FORMATS[-1]) if own.storage == OWN_KIND else FORMATS


def _ran(request: ModelsForRequest, entry: CatalogModel, catalogs: Catalogs, room: float) -> _Ran | None:
    """The kind with most bits that fits; None where none does, or llama.cpp has no such model."""
    for weights in _kinds(request, entry, catalogs):
        least = LEAST_BYTES_PER_PARAMETER.get(weights.lower(), 0.0)
        if entry.nominal_parameters_billions * 1e9 * least * 0.85 > room:
            continue
        checkpoint()
        fit = FitRequest(
            model=ModelPart(name=entry.name), hardware=request.hardware, context_tokens=request.context_tokens
        )
        asked = estimate_request(fit, weights, "f16", fit=False)
        try:
            placed = place_request(asked, catalogs)
        except UnsupportedError:
            return None
        except CalcError:
            if request.weights:
                raise
            continue
        if not fits(placed.plan, Asked(sequences=1, context_tokens=request.context_tokens)):
            continue
        return _row(request, entry, weights, placed, time_load(placed, asked.workload))
    return None


def _row(
    request: ModelsForRequest, entry: CatalogModel, weights: str, placed: Placed, found: Estimate
) -> _Ran:
    setup = placed.subject.setup
    speed = 1 / float(found.tpot_s)
    row = RunningModel(
        model=entry.name,
        family=entry.family,
        parameters_billions=entry.nominal_parameters_billions,
        weights=weights,
        file_bytes=round(layer_bytes(setup.model, setup.numbers.recipe).file_bytes),
        headroom_bytes=round(placed.plan.budget.unallocated_bytes),
        tokens_per_s=speed,
        ttft_s=float(found.ttft_s),
        basis=basis_kind(placed),
        confidence=placed.unused.confidence,
    )
    return _Ran(row=row, fast_enough=speed >= request.least_tokens_per_s)
