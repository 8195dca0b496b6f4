"""What a calibration says of one engine on one GPU: rates, times of the host, what measured stacks took besides."""

from collections.abc import Callable
from functools import lru_cache

from llm_calc.core.architectures.shape import shape_of
from llm_calc.core.arrays import Quantity
from llm_calc.core.calibration import Calibration, chip_class, format_class, offset_load
from llm_calc.core.engines import Engine, Setup, traits_of
from llm_calc.core.hardware import Gpu
from llm_calc.core.model import Model
from llm_calc.core.operators.work import GROUPS, StepWork
from llm_calc.core.parallelism import Layout, one_replica
from llm_calc.core.serving.estimate import Offsets
from llm_calc.core.serving.host import HostTimes, stated_polls, with_polls
from llm_calc.core.serving.rates import Machine, Rates, reached_rates

FIRST_VENDOR = "nvidia"
"""Engines were written for its GPUs."""
HOST_TIMES = ("request_s", "prompt_token_s", "arrival_s", "stream_tokens")


def keys_of(engine: str, gpu: Gpu) -> tuple[str, ...]:
    """What efficiencies may depend on, but for number formats."""
    return _keys(engine, chip_class(gpu), gpu.vendor.lower())


@lru_cache(maxsize=1024)
def _keys(engine: str, chip: str, vendor: str) -> tuple[str, ...]:
    kinds = {
        "engine": engine,
        "generation": chip,
        "vendor": vendor,
        "maker": maker_of(vendor),
        "pair": f"{engine}/{chip}",
    }
    return tuple(f"{kind}:{label}" for kind, label in kinds.items())


def maker_of(vendor: str) -> str:
    """Vendors that engines were ported to share what is known of them all: one was never measured starts from that."""
    return vendor if vendor == FIRST_VENDOR else "other"


def maker_key(engine: str, vendor: str) -> str:
    """What a fit has seen together: an engine and a vendor; those of the others count as one."""
    return f"maker:{engine}/{maker_of(vendor)}"


def kernel_key(engine: str, experts: str, chip: str) -> str:
    """What grouped expert kernels depend on: engine, class of the experts' format and of the chip."""
    return f"{engine}/{format_class(experts)}/{chip}"


def rates_of(
    calibration: Calibration,
    machine: Machine,
    work: StepWork,
    engine: str,
    gpu: Gpu,
    *,
    many: bool = False,
) -> Rates:
    """The rates that this engine reaches on this GPU with these formats [bytes/s, FLOP/s, s].

    Definition: ``reached_rates`` with the efficiencies of the keys that engine, GPU and formats have.
    ``many``: several requests in flight. What engines of one user take for a prompt says nothing of that.
    """
    keys, with_formats = _rate_keys(
        engine, chip_class(gpu), gpu.vendor.lower(), tuple(each.format for each in work.linear)
    )

    def value(name: str, group: int | None) -> float:
        if many and name == "prefill_layer_s" and traits_of(engine).any_engine:
            return calibration.value(name, keys[1:])
        return calibration.value(name, keys if group is None else with_formats[group])

    return reached_rates(machine, value, calibration.kernels)


@lru_cache(maxsize=1024)
def _rate_keys(
    engine: str, chip: str, vendor: str, formats: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """What rates depend on, and for each group of matrices the same with its format."""
    experts = formats[GROUPS.index("experts")]
    keys = (*_keys(engine, chip, vendor), f"kernel:{kernel_key(engine, experts, chip)}")
    named = [format_class(each) for each in formats]
    return keys, tuple((*keys, f"format:{each}", f"chip_format:{chip}/{each}") for each in named)


def host_of(
    calibration: Calibration, engine: str, gpu: Gpu, work: StepWork, shape: str, polled: int | None = None
) -> HostTimes:
    """What the server adds to a first token of a model of this shape; nothing where no server was measured [s].

    Definition: the calibration's own times of these keys, with how often such a server looks for requests;
    ``polled``: steps between looks that a request states.
    """
    if "request_s" not in calibration.by_name:
        return HostTimes()
    keys = keys_of(engine, gpu)
    found = host_times(lambda name: calibration.value(name, keys), is_dealt(work))
    return with_polls(found, calibration.polls, engine, chip_class(gpu), shape, work, polled)


def host_under(calibration: Calibration, engine: Engine, setup: Setup, work: StepWork) -> HostTimes:
    """What the server adds to a first token, with the engine's options [s].

    Definition: :func:`host_of`.
    """
    shape = shape_of(setup.model)
    return host_of(calibration, engine.name, setup.gpu, work, shape, stated_polls(engine))


def host_times(value: Callable[[str], Quantity], dealt: Quantity) -> HostTimes:
    """Host times by name; where attention is dealt over replicas, with the steps that balancing them takes [s].

    ``stream_tokens + dealt x replica_steps``.
    Choice: a number of steps, whichever the replicas are, as measured servers took.
    Leaves out: how unevenly requests come to the replicas.
    """
    own = {name: value(name) for name in HOST_TIMES}
    waited = own.pop("stream_tokens") + dealt * value("replica_steps")
    return HostTimes(**own, stream_tokens=waited)


def is_dealt(work: StepWork) -> float:
    """1 where replicas of attention have sequences of their own, else 0 [1].

    Definition: a step's share of the sequences tells it.
    """
    return float(work.sequence_share < 1)


def measured_key(engine: str, gpu: str, model: Model) -> str:
    """What a fit has seen together: an engine, a GPU (its id) and a model, told by its shape."""
    return f"run:{engine}/{gpu}/{shape_of(model)}"


def unseen(calibration: Calibration, engine: str, gpu: Gpu, model: Model) -> str:
    """The most important thing that the fit had no measurements of.

    ``vendor``: the engine on any chip of this vendor; ``generation``: the engine on this class of chips; ``gpu``:
    this GPU, under any engine; ``model``: this model on this GPU under this engine, whether it was never measured or
    only elsewhere; ``row``: nothing, but these very formats, layout, lengths and load.
    """
    if maker_key(engine, gpu.vendor.lower()) not in calibration.seen:
        return "vendor"
    if f"{engine}/{chip_class(gpu)}" not in calibration.seen:
        return "generation"
    if f"gpu:{gpu.id}" not in calibration.seen:
        return "gpu"
    return "row" if measured_key(engine, gpu.id, model) in calibration.seen else "model"


OFFSETS = {"ttft": "ttft_s", "tpot": "tpot_s", "output": "output_tokens_per_s"}


def stack_key(engine: str, gpu: str, shape: str, work: StepWork) -> str:
    """A stack whose runs share an offset: engine, GPU (its id), shape of the model, classes of its formats."""
    formats = "+".join(format_class(each.format) or "-" for each in work.linear[:3])
    return f"{engine}/{gpu}/{shape}/{formats}"


def layout_key(stack: str, layout: Layout) -> str:
    """A stack in one layout, whose runs share a further offset; of independent replicas that of one."""
    one, _ = one_replica(layout)
    return f"{stack}/{one.tensor}.{one.pipeline}.{one.data}.{one.expert}"


def offsets_of(calibration: Calibration, load: str, engine: str, setup: Setup, work: StepWork) -> Offsets:
    """The offsets of a measured stack and of its layout under a kind of load; none of what was not measured [1].

    Definition: those of ``offsets_in`` for the stack's own key.
    """
    stack = stack_key(engine, setup.gpu.id, shape_of(setup.model), work)
    return offsets_in(calibration, offset_load(engine, load), stack, setup.layout)


def offsets_in(calibration: Calibration, alike: str, stack: str, layout: Layout) -> Offsets:
    """The same by the stack's key, and by the load whose runs tell of it [1].

    ``stack x layout`` of each metric.
    Choice: factors, as both were fitted to ratios of what was measured to what was predicted.
    Leaves out: how sure either is.
    """
    own = layout_key(stack, layout)
    found = {
        name: calibration.offset(stack, alike, metric) * calibration.offset(own, alike, metric)
        for name, metric in OFFSETS.items()
    }
    return Offsets(**found)


def measured_gpus(calibration: Calibration, engine: str) -> frozenset[str]:
    """Ids of the GPUs that an engine has any offset on."""
    own = (key.removeprefix(f"{engine}/") for key, _ in calibration.offsets if key.startswith(f"{engine}/"))
    return frozenset(key.partition("/")[0] for key in own)
