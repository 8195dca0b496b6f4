"""What a deployment costs and draws: USD by the hour, by the token, watts and joules.

Symbols: ``C`` USD per hour of all GPUs, ``r`` requests per second, ``i`` and ``o`` prompt and answer tokens of a
request. One request costs ``C / 3600 / r``. Its prompt and its answer are billed for the GPU time that each takes:
``u`` is the share of prefill, so that ``u C / 3600 / (r i)`` is a prompt token's price, ``(1 - u) C / 3600 / (r o)``
an answer token's, and both together are the bill.
"""

from dataclasses import dataclass

from llm_calc.core.arrays import Quantity

SECONDS_PER_HOUR = 3600
HOURS_PER_YEAR = 8766
MILLION = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCosts:
    """Prices of a deployment's own tokens [USD per million].

    ``input_usd`` and ``output_usd`` add up to the bill; ``all_in_output_usd`` charges the whole bill to the answers.
    """

    input_usd: Quantity
    output_usd: Quantity
    all_in_output_usd: Quantity


def request_usd(usd_per_hour: Quantity, requests_per_s: Quantity) -> Quantity:
    """What one request costs [USD].

    ``C / 3600 / r``.
    Definition: rent per hour over requests per hour; the deployment is paid for while idle as well.
    """
    return usd_per_hour / SECONDS_PER_HOUR / requests_per_s


def prefill_share(prefill_s: Quantity, decode_s: Quantity) -> Quantity:
    """Share of a request's GPU time that its prompt takes [1].

    ``prefill / (prefill + decode)``.
    Definition: both times are those that the request adds to a busy deployment.

    Args:
        prefill_s: time of the steps that the prompt adds [s].
        decode_s: its part of the decode steps that it shares with others [s].
    """
    return prefill_s / (prefill_s + decode_s)


def token_costs(
    each_request_usd: Quantity, share_fraction: Quantity, input_tokens: Quantity, output_tokens: Quantity
) -> TokenCosts:
    """Prices of a million tokens, for a request of ``p`` USD [USD per million].

    ``10^6 x u x p / i`` for prompts, ``10^6 x (1 - u) x p / o`` for answers, ``10^6 x p / o`` with all on the
    answers.
    Definition: both parts together are the bill, ``i x input + o x output = 10^6 x p``.
    """
    answer = MILLION * each_request_usd / output_tokens
    return TokenCosts(
        input_usd=MILLION * each_request_usd * share_fraction / input_tokens,
        output_usd=answer * (1 - share_fraction),
        all_in_output_usd=answer,
    )


def hosted_request_usd(
    input_usd_per_million: float, output_usd_per_million: float, input_tokens: float, output_tokens: float
) -> float:
    """What a request costs where it is billed by the token [USD].

    ``(i x a + o x b) / 10^6`` with prices a and b per million prompt and answer tokens.
    Definition: how providers bill; discounts for cached prompts are left out.
    """
    return (input_tokens * input_usd_per_million + output_tokens * output_usd_per_million) / MILLION


def break_even_requests_per_s(usd_per_hour: float, hosted_usd: float) -> float | None:
    """Load from which renting is cheaper than ``hosted_usd`` a request [requests/s]; None where hosting is free.

    ``C / 3600 / hosted``.
    Definition: where :func:`request_usd` equals the hosted price.
    """
    return usd_per_hour / SECONDS_PER_HOUR / hosted_usd if hosted_usd > 0 else None


def joules_per_token(power_w: Quantity, tokens_per_s: Quantity) -> Quantity:
    """Energy of a token [J].

    ``watts / tokens per second``.
    Definition: power over throughput; what power is given decides what it means (board limits in
    ``/api/deployment_plans``).
    """
    return power_w / tokens_per_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A GPU that is owned with its part of the host.

    ``busy_fraction``: part of all hours that pay for it; ``host_power_fraction``: power of the host over that of its
    GPUs; ``site_power_fraction``: of the site over that of its machines (PUE).
    """

    purchase_usd: float
    life_s: float
    busy_fraction: float
    upkeep_fraction_per_year: float
    host_power_fraction: float
    site_power_fraction: float
    usd_per_kwh: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedCosts:
    """Of what an hour of an owned GPU consists [USD/h]."""

    capital_usd_per_gpu_hour: float
    upkeep_usd_per_gpu_hour: float
    energy_usd_per_gpu_hour: float

    @property
    def usd_per_gpu_hour(self) -> float:
        """The whole [USD/h].

        Definition: the sum.
        """
        return self.capital_usd_per_gpu_hour + self.upkeep_usd_per_gpu_hour + self.energy_usd_per_gpu_hour


def owned_costs(owner: Owner, gpu_w: float) -> OwnedCosts:
    """What an hour of an owned GPU costs while it serves [USD/h].

    ``purchase / (life x busy)``, ``purchase x upkeep / (8766 x busy)``, ``watts x (1 + host) x PUE / 1000 x
    price of a kWh``.
    Definition: a purchase in equal parts over the hours that pay for it; energy only of those hours.
    Leaves out: interest, what is left of the value at the end, and the power of idle hours.
    """
    each = owner.purchase_usd / (HOURS_PER_YEAR * owner.busy_fraction)
    site_w = gpu_w * (1 + owner.host_power_fraction) * owner.site_power_fraction
    return OwnedCosts(
        capital_usd_per_gpu_hour=each * HOURS_PER_YEAR * SECONDS_PER_HOUR / owner.life_s,
        upkeep_usd_per_gpu_hour=each * owner.upkeep_fraction_per_year,
        energy_usd_per_gpu_hour=site_w / 1000 * owner.usd_per_kwh,
    )
