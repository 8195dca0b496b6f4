"""What engines' switches of expert parallelism and data-parallel attention make of the sizes of a layout."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from llm_calc.core.errors import InvalidInputError

Stated = dict[str, tuple[str, int]]
"""Sizes of the layout, each with the flag that says it."""
Meant = Callable[[Stated, Mapping[str, int], bool], Stated]


def as_stated(stated: Stated, _said: Mapping[str, int], _on: bool) -> Stated:  # noqa: FBT001
    """The sizes as flags say them [GPUs].

    Definition: what is stated.
    """
    return stated


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutFlags:
    """Flags of an engine that say how the model is laid over GPUs.

    ``sizes``: flags and their names here. ``switches``: flags that say how the sizes are meant. ``switched``: the size
    that a switch makes larger than 1 where it does anything. ``meant``: the sizes with the switch on or off.
    ``joins``: whether the switch makes one server of data-parallel groups, which are servers of their own without it.
    ``mixtures_joined``: groups of a mixture of experts are always one server, dealt experts or cut ones.
    ``own_feed_forward``: each group of one server has dense feed-forward parts of its own.
    ``nodes``, ``node_size``: flags that say over how many hosts the GPUs are, or how many each has.
    ``width``: a flag that says ``switched`` and turns the switch on, in one; ``width_since``: its first release.
    """

    sizes: Mapping[str, str] = field(default_factory=dict)
    switches: tuple[str, ...] = ()
    switched: str = ""
    meant: Meant = as_stated
    joins: bool = False
    mixtures_joined: bool = False
    own_feed_forward: bool = False
    nodes: str = ""
    node_size: str = ""
    width: str = ""
    width_since: tuple[int, ...] = ()

    @property
    def counted(self) -> str:
        """The flag that says the switched size without the switch."""
        return next((flag for flag, size in self.sizes.items() if size == self.switched), "")


def with_dealt_experts(stated: Stated, said: Mapping[str, int], on: bool) -> Stated:  # noqa: FBT001
    """vLLM: with experts dealt, they are over all GPUs of a stage, else over none [GPUs].

    Definition: ``tensor x data`` with the switch on, else 1.
    """
    spread = said.get("tensor", 1) * said.get("data", 1) if on else 1
    if on or "expert" in said:
        stated["expert"] = ("enable_expert_parallel", spread)
    return stated


def with_shared_attention(stated: Stated, said: Mapping[str, int], on: bool) -> Stated:  # noqa: FBT001
    """SGLang: with data-parallel attention ``tp_size`` counts all GPUs of a stage [GPUs].

    Definition: ``tp_size / dp_size`` with the switch on.

    Raises:
        InvalidInputError: they are no multiple of the groups.
    """
    if on and "tensor" in stated:
        flag, all_gpus = stated["tensor"]
        groups = said.get("data", 1)
        if all_gpus % groups:
            raise InvalidInputError(
                f"engine.{flag}: must be a multiple of {stated.get('data', ('dp_size', groups))[0]} {groups}",
                field=f"engine.{flag}",
            )
        stated["tensor"] = (flag, all_gpus // groups)
    return stated


def with_attention_of_each(stated: Stated, said: Mapping[str, int], on: bool) -> Stated:  # noqa: FBT001
    """TensorRT-LLM: with data-parallel attention every GPU of a stage is a group of its own [GPUs].

    Definition: ``data = tp_size``, ``tensor = 1`` with the switch on.
    """
    if on and "tensor" in stated:
        flag, all_gpus = stated["tensor"]
        stated["data"], stated["tensor"] = ("enable_attention_dp", all_gpus), (flag, 1)
    elif on and "tensor" in said:
        stated["tensor"] = ("enable_attention_dp", 1)
    return stated


def with_width(found: Mapping[str, Any], flags: LayoutFlags, asked: tuple[int, ...] | None) -> dict[str, Any]:
    """The flags with the switch on where the width of one server's groups is said, off where that is 1 [-].

    ``asked``: the numbers of the release that is asked for. SGLang's ``attn_dp_size`` N is what ``dp_size`` N with
    ``enable_dp_attention`` was; beside it ``dp_size`` counts servers, of which it takes 1 alone. A width of 1 is its
    default, beside which the older pair says the groups.

    Definition: SGLang 0.5.23 ``srt/arg_groups/parallel_hook.py``, ``handle_deprecated_dp_attention`` and
    ``handle_data_parallelism``; releases have it since 0.5.22. ``checked: 2026-11-30``, read.

    Raises:
        InvalidInputError: no size; a release without the flag; servers or a switch that is off beside it.
    """
    width = found.get(flags.width) if flags.width else None
    if width is None:
        return dict(found)
    switch, counted = flags.switches[0], flags.counted
    _check_width(found, flags, asked)
    rest = {flag: value for flag, value in found.items() if flag != flags.width}
    if width == 1:
        return rest if rest.get(switch) is not None else {**rest, switch: False}
    return {**rest, counted: None, flags.width: width, switch: True}


def _check_width(found: Mapping[str, Any], flags: LayoutFlags, asked: tuple[int, ...] | None) -> None:
    width, switch, counted = found[flags.width], flags.switches[0], flags.counted
    since, servers = flags.width_since, found.get(counted)
    if not isinstance(width, int) or isinstance(width, bool) or width < 1:
        problem = "must be a whole number of at least 1"
    elif asked is not None and asked < since[: len(asked)]:
        first = ".".join(map(str, since))
        problem = f"releases before {first} have no such option; say {counted} and {switch}"
    elif width > 1 and servers not in (None, 1):
        problem = (
            f"{width} groups of one server, beside which engine.{counted} {servers} counts servers; "
            f"the engine does not take both: leave {counted} out"
        )
    elif width > 1 and found.get(switch) is False:
        problem = f"{width} turns engine.{switch} on, which is off; they must agree"
    else:
        return
    raise InvalidInputError(f"engine.{flags.width}: {problem}", field=f"engine.{flags.width}")
