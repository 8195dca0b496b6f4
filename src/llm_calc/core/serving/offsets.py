"""What measured stacks and their layouts took over the formulas."""

from llm_calc.core.architectures.shape import shape_of
from llm_calc.core.calibration import Calibration, format_class, offset_load
from llm_calc.core.engines import Setup
from llm_calc.core.operators.work import StepWork
from llm_calc.core.parallelism import Layout, one_replica
from llm_calc.core.serving.estimate import Offsets

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
