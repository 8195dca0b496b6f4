"""What data-parallel groups are to each other: groups of attention in one server, or servers of their own."""

from dataclasses import replace

from llm_calc.adapters.setup import Subject
from llm_calc.adapters.wire.engines import EnginePart
from llm_calc.core.engines import traits_of
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.parallelism import Layout


def with_groups(subject: Subject, engine: EnginePart) -> Subject:
    """The subject with what the engine makes of its groups: by a switch, or always one server of a mixture of experts.

    Where nothing is said, groups of a mixture of experts are one server, those of other models servers of their own.
    vLLM's of a mixture are one server whether experts are dealt or not: without expert parallelism they are cut over
    tensor x data GPUs (https://docs.vllm.ai/en/latest/serving/data_parallel_deployment.html).

    Raises:
        InvalidInputError: experts are dealt over more GPUs than one of several servers has.
    """
    layout, flags = subject.setup.layout, traits_of(engine.name).options.layout
    mixed = bool(subject.setup.model.num_experts)
    if layout.data == 1 or not (flags.joins or (flags.mixtures_joined and mixed)):
        return subject
    switch = flags.switches[0]
    said: bool | None = getattr(engine, switch, None) if flags.joins else None
    layout = replace(layout, shared=mixed if said is None else said)
    _check_experts(layout)
    words = _words(f"engine.{switch}", layout, mixed=mixed, own=flags.own_feed_forward)
    return replace(
        subject,
        setup=replace(subject.setup, layout=layout),
        assumptions=tuple(dict.fromkeys((*subject.assumptions, *words))),
    )


def _check_experts(layout: Layout) -> None:
    if layout.groups == 1 and layout.tensor % layout.expert:
        raise InvalidInputError(
            f"parallelism.expert: {layout.expert} must divide the {layout.tensor} GPUs of a stage of each of "
            f"{layout.data} servers",
            field="parallelism.expert",
        )


def _words(switch: str, layout: Layout, *, mixed: bool, own: bool) -> tuple[str, ...]:
    """What is otherwise than for such a model where nothing is said of groups."""
    if layout.shared == mixed or (own and not mixed):
        return ()
    if mixed:
        return (
            f"{switch}: off, so that {layout.data} servers have all weights each and share the load alone",
        )
    words = (
        f"{switch}: {layout.data} groups of one server, each with feed-forward parts of its own here; "
        "the engine cuts them over all GPUs"
    )
    return (words,)
