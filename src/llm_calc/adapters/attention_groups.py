"""What data-parallel groups are to each other: groups of attention in one server, or servers of their own."""

from dataclasses import replace

from llm_calc.adapters.setup import Subject
from llm_calc.adapters.wire.engines import EnginePart
from llm_calc.core.engines import traits_of
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.parallelism import Layout


def with_groups(subject: Subject, engine: EnginePart) -> Subject:
    """The subject with what the engine's switch makes of its groups, where it has one that says so.

    Where nothing is said, groups of a mixture of experts are one server, those of other models servers of their own.

    Raises:
        InvalidInputError: experts are dealt over more GPUs than one of several servers has.
    """
    layout, flags = subject.setup.layout, traits_of(engine.name).options.layout
    if layout.data == 1 or not flags.joins:
        return subject
    switch, mixed = flags.switches[0], bool(subject.setup.model.num_experts)
    said: bool | None = getattr(engine, switch, None)
    layout = replace(layout, shared=mixed if said is None else said)
    _check_experts(layout)
    words = _words(f"engine.{switch}", layout, mixed=mixed)
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


def _words(switch: str, layout: Layout, *, mixed: bool) -> tuple[str, ...]:
    """What is otherwise than for such a model where nothing is said of groups."""
    if layout.shared == mixed:
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
