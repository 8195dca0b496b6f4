"""The documented ``parallelism``: strategy and sizes to a split, and back."""

from math import gcd

from llm_calc.adapters.wire.documented_requests import RequestedParallelism
from llm_calc.adapters.wire.documented_responses import StrategyName
from llm_calc.core.errors import InvalidInputError, UnsupportedError
from llm_calc.core.footprint import Split
from llm_calc.core.model import Model
from llm_calc.core.parallelism import Layout, check_layout

GPUS_PER_NODE = 8
FIELD_NAMES = {"parallelism.tensor": "parallelism.tp_size", "parallelism.pipeline": "parallelism.pp_size"}


def requested_split(wanted: RequestedParallelism, model: Model) -> Split:
    """The split that a request describes.

    Raises:
        InvalidInputError: sizes contradict each other or the strategy.
        UnsupportedError: heads, experts or layers cannot be divided so.
    """
    strategy = wanted.strategy or _strategy_of_sizes(wanted)
    split = _split(strategy, wanted)
    if wanted.num_gpus is not None and split.gpus != wanted.num_gpus:
        msg = f"parallelism.num_gpus: {wanted.num_gpus} contradicts the sizes, which make {split.gpus} ({strategy})"
        raise InvalidInputError(msg, field="parallelism.num_gpus")
    try:
        check_layout(model, split.layout)
    except UnsupportedError as error:
        field = FIELD_NAMES.get(error.field or "", error.field)
        message = error.message.replace(f"{error.field}:", f"{field}:")
        raise UnsupportedError(message, field=field) from error
    return split


def _strategy_of_sizes(wanted: RequestedParallelism) -> StrategyName:
    tensor, pipeline = wanted.tp_size or 1, wanted.pp_size or 1
    if wanted.tp_size is None and wanted.pp_size is None:
        return "tensor" if (wanted.num_gpus or 1) > 1 else "none"
    if pipeline > 1:
        return "tensor_pipeline" if tensor > 1 else "pipeline"
    return "tensor" if tensor > 1 else "none"


def _split(strategy: StrategyName, wanted: RequestedParallelism) -> Split:
    tensor, pipeline, gpus = wanted.tp_size, wanted.pp_size, wanted.num_gpus
    _refuse_other_sizes(strategy, wanted)
    match strategy:
        case "none":
            return Split()
        case "tensor":
            return Split(layout=Layout(tensor=tensor or gpus or 1))
        case "pipeline":
            return Split(layout=Layout(pipeline=pipeline or gpus or 1))
        case "tensor_pipeline":
            return _stages_of_tensors(tensor, pipeline, gpus or 1)
        case "sequence":
            return Split(sequence=tensor or gpus or 1)
        case "expert":
            ways = tensor or gpus or 1
            return Split(layout=Layout(data=ways, expert=ways))


def _stages_of_tensors(tensor: int | None, pipeline: int | None, gpus: int) -> Split:
    """The size left out follows from the other; without either, two stages or more of at most a node each."""
    if pipeline is None:
        tensor = tensor or gcd(max(1, gpus // 2), GPUS_PER_NODE)
        return Split(layout=Layout(tensor=tensor, pipeline=max(1, gpus // tensor)))
    return Split(layout=Layout(tensor=tensor or max(1, gpus // pipeline), pipeline=pipeline))


def _refuse_other_sizes(strategy: StrategyName, wanted: RequestedParallelism) -> None:
    """A size that the strategy has no use for must be 1 or absent."""
    unused = {"none": ("tp_size", "pp_size"), "tensor": ("pp_size",), "pipeline": ("tp_size",)}
    for name in unused.get(strategy, ("pp_size",) if strategy in ("sequence", "expert") else ()):
        if (getattr(wanted, name) or 1) > 1:
            msg = f"parallelism.{name}: must be 1 or absent with strategy {strategy!r}"
            raise InvalidInputError(msg, field=f"parallelism.{name}")


def strategy_name(split: Split) -> StrategyName:
    """The documented name of a split."""
    layout = split.layout
    if split.sequence > 1:
        return "sequence"
    if layout.expert > 1:
        return "expert"
    if layout.tensor > 1:
        return "tensor_pipeline" if layout.pipeline > 1 else "tensor"
    return "pipeline" if layout.pipeline > 1 else "none"


def parallelism_answer(split: Split, peak_tflops: float) -> dict[str, object]:
    """Both vocabularies of the document at once."""
    strategy, layout = strategy_name(split), split.layout
    return {
        "recommended_strategy": strategy,
        "tensor_parallel_gpus": layout.tensor,
        "pipeline_parallel_gpus": layout.pipeline,
        "strategy": strategy,
        "tp_size": layout.tensor,
        "pp_size": layout.pipeline,
        "num_gpus": split.gpus,
        "effective_tflops": peak_tflops * layout.stage_gpus * split.sequence,
    }
