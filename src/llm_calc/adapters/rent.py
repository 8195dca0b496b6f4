"""What a deployment costs by the hour and by the token, with the price's date and source."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.custom_gpu import CUSTOM_GPU
from llm_calc.adapters.planning.price_words import KINDS
from llm_calc.adapters.planning.prices import GpuPrice, gpu_price
from llm_calc.adapters.unlike import kinds_of
from llm_calc.adapters.wire.owner import RentalKind
from llm_calc.adapters.wire.parts import HardwarePart
from llm_calc.adapters.wire.serving import ServingEstimateAnswer, ServingEstimateRequest
from llm_calc.core.costs import request_usd, token_costs


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Which prices are taken: the request's own by catalog id, what its own GPUs cost, else rents of a kind.

    ``of_all``: the caller's own price of every GPU, whatever it is.
    """

    own: Mapping[str, float] = field(default_factory=dict)
    owned: Mapping[str, GpuPrice] = field(default_factory=dict)
    rental: RentalKind = "on_demand"
    of_all: float | None = None

    def of(self, gpu: str, catalogs: Catalogs) -> GpuPrice | None:
        """The price of a GPU by its id; None where none is known."""
        own = self.own if self.of_all is None else {gpu: self.of_all}
        return self.owned.get(gpu) or gpu_price(catalogs, gpu, own, self.rental)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """GPUs of one kind, and what one of them costs."""

    gpu: str
    count: int
    price: GpuPrice

    @property
    def usd_per_hour(self) -> float:
        """Rent of all of them."""
        return self.price.usd_per_gpu_hour * self.count


@dataclass(frozen=True, slots=True, kw_only=True)
class Rent:
    """The rent of all GPUs, and of a million generated tokens that carry all of it.

    ``sides``: the GPUs by kind; where prefill and decode have GPUs of their own, those of prefill and those of decode.
    """

    sides: tuple[Side, ...]
    usd_per_million_output_tokens: float

    @property
    def price(self) -> GpuPrice:
        """Price of one GPU, the first kind's."""
        return self.sides[0].price

    @property
    def usd_per_hour(self) -> float:
        """Rent of all GPUs of all sides."""
        return sum(side.usd_per_hour for side in self.sides)


CATALOG_PRICES = Prices()


def rent_of(
    request: ServingEstimateRequest,
    estimate: ServingEstimateAnswer,
    catalogs: Catalogs,
    prices: Prices = CATALOG_PRICES,
) -> Rent | None:
    """The rent of a deployment under its load, of all kinds of its GPUs; None where the price of one is not known."""
    sides = [_side(part, catalogs, prices) for part in _kinds(request)]
    known = tuple(side for side in sides if side is not None)
    if len(known) < len(sides):
        return None
    workload = request.workload
    each = request_usd(sum(side.usd_per_hour for side in known), estimate.requests_per_s)
    costs = token_costs(each, 0.0, workload.mean_input_tokens, workload.mean_output_tokens)
    return Rent(sides=known, usd_per_million_output_tokens=float(costs.all_in_output_usd))


def _hardware(request: ServingEstimateRequest) -> Iterator[HardwarePart]:
    """All GPUs of a deployment, those that decode too where they are said apart."""
    yield request.hardware
    apart = request.disaggregated
    if apart is not None and apart.decode_hardware is not None:
        yield apart.decode_hardware


def _kinds(request: ServingEstimateRequest) -> Iterator[HardwarePart]:
    """The same, each kind of unlike GPUs by itself."""
    for side in _hardware(request):
        yield from kinds_of(side)


def gpus_of(requests: Iterable[ServingEstimateRequest], catalogs: Catalogs) -> Iterator[str]:
    """Ids of all GPUs of the catalog that these are about, each kind of unlike ones by itself."""
    for request in requests:
        for part in _kinds(request):
            if part.gpu.strip().lower() != CUSTOM_GPU:
                yield catalogs.gpu(part.gpu).id


def _side(part: HardwarePart, catalogs: Catalogs, prices: Prices) -> Side | None:
    if _is_custom(part) and prices.of_all is None:
        return None
    gpu = _id(part, catalogs)
    price = prices.of(gpu, catalogs)
    return None if price is None else Side(gpu=gpu, count=part.count, price=price)


def _is_custom(part: HardwarePart) -> bool:
    return part.gpu.strip().lower() == CUSTOM_GPU


def _id(part: HardwarePart, catalogs: Catalogs) -> str:
    return CUSTOM_GPU if _is_custom(part) or part.like else catalogs.gpu(part.gpu).id


def rent_words(
    request: ServingEstimateRequest, rent: Rent | None, catalogs: Catalogs, prices: Prices = CATALOG_PRICES
) -> Iterator[str]:
    """Whose price is not known, and what is in the rent of several kinds of GPUs."""
    if rent is None:
        parts = [part for part in _kinds(request) if _side(part, catalogs, prices) is None]
        unknown = ", ".join(dict.fromkeys(_id(part, catalogs) for part in parts))
        give = "" if all(_is_custom(part) for part in parts) else "; give it in prices"
        yield f"usd_per_hour: no {KINDS[prices.rental]}price of {unknown} is known, so that the rent is not{give}"
    elif len({side.gpu for side in rent.sides}) > 1:
        told = " and ".join(f"{side.count} x {side.gpu} at {_told(side.price)}" for side in rent.sides)
        yield f"usd_per_hour: is that of {told}; price is that of the first"


def _told(price: GpuPrice) -> str:
    of = f"{price.provider}, {price.as_of}: {price.source}" if price.as_of else price.source
    term = f", for {price.term_months} months" if price.term_months else ""
    return f"{price.usd_per_gpu_hour:g} USD a GPU and hour{term} ({of})"
