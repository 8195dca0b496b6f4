"""What must hold in a workload, and what follows from it."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Annotated, Any, Protocol

from pydantic import AfterValidator, BaseModel, Field, GetJsonSchemaHandler, field_serializer
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from llm_calc.adapters.lengths import draw_of
from llm_calc.adapters.wire.base import StrictRequest
from llm_calc.adapters.wire.lengths import ClassPart, Length, LengthPart, TargetsPart
from llm_calc.adapters.wire.traces import TracePart
from llm_calc.adapters.wire.workloads import SessionsPart

LENGTHS = ("input_tokens", "output_tokens")
ROUNDING = 1e-6
SESSION_LOADS = ("concurrency", "session_rate")
BESIDE_TRACE = ("preset", "users", "classes", "sessions", "input_tokens", "output_tokens")
"""What a trace has its own of, or none."""


def plain_length(length: Length) -> Length:
    """The number where a distribution has one value alone; so has a histogram within one token."""
    if not isinstance(length, LengthPart):
        return length
    draw = draw_of(length)
    least, most = draw.values[0], draw.most
    narrow = length.distribution == "histogram" and most - least <= 1
    return max(1, ceil(draw.mean - 0.5)) if narrow or round(least) == round(most) else length


def _plain(part: ClassPart) -> ClassPart:
    lengths = {name: plain_length(getattr(part, name)) for name in ("input_tokens", "output_tokens")}
    return part.model_copy(update=lengths)


PlainLength = Annotated[Length, AfterValidator(plain_length)]
PlainClass = Annotated[ClassPart, AfterValidator(_plain)]
Classes = Annotated[list[PlainClass], Field(min_length=1, max_length=20)]


class Lengths(Protocol):
    """What is read of a class, or of a workload without any."""

    @property
    def input_tokens(self) -> Length:
        """Prompts."""
        ...

    @property
    def output_tokens(self) -> Length:
        """Answers."""
        ...


class Workload(Lengths, Protocol):
    """What is read of a workload for its lengths."""

    @property
    def classes(self) -> Sequence[ClassPart] | None:
        """Classes in their place."""
        ...

    @property
    def trace(self) -> TracePart | None:
        """Recorded requests in their place."""
        ...

    @property
    def sessions(self) -> SessionsPart | None:
        """Turns of conversations in place of single requests."""
        ...

    @property
    def targets(self) -> TargetsPart | None:
        """What a request is to keep."""
        ...


def varies(workload: Workload) -> bool:
    """Whether requests are not alike; a single class is all there is, and a target changes no request."""
    kinds = workload.classes or ()
    lengths = [each for kind in (kinds or (workload,)) for each in (kind.input_tokens, kind.output_tokens)]
    drawn = any(isinstance(each, LengthPart) for each in lengths)
    return drawn or len(kinds) > 1 or workload.trace is not None


def has_targets(workload: Workload) -> bool:
    """Whether requests are counted by what they keep."""
    own = (kind.targets for kind in workload.classes or ())
    return any(each is not None for each in (workload.targets, *own))


def check_alike(workload: Workload, load: str) -> None:
    """A batch and a queue have equal requests, of which none is counted by itself."""
    if load in ("batch", "offline") and (varies(workload) or has_targets(workload)):
        raise ValueError(f"{load} takes no distributions, classes or targets; all its requests are alike")


def check_sessions(sessions: SessionsPart | None, workload: Workload, loads: Sequence[str]) -> None:
    """Sessions have loads of their own, and begin with less than the whole first prompt of any class in common."""
    if sessions is None:
        if "session_rate" in loads:
            raise ValueError("session_rate needs sessions; requests by themselves have request_rate")
        return
    if wrong := [name for name in loads if name not in SESSION_LOADS]:
        raise ValueError(f"sessions take concurrency or session_rate; found {wrong[0]}")
    if sessions.shared_prefix_tokens >= min(map(first_tokens, workload.classes or (workload,))):
        raise ValueError(
            "sessions.shared_prefix_tokens must be below input_tokens, the first prompt that begins with them"
        )


def check_classes(classes: Sequence[ClassPart], given: set[str]) -> None:
    """Classes are all there is, each with a name of its own."""
    if both := sorted(given & {"input_tokens", "output_tokens"}):
        raise ValueError(f"{both[0]} and classes exclude each other; each class has its own")
    if abs(sum(each.share for each in classes) - 1) > ROUNDING:
        raise ValueError(
            f"classes: shares must add up to 1; they are {sum(each.share for each in classes):g}"
        )
    if len({each.name for each in classes}) < len(classes):
        raise ValueError("classes: each must have a name of its own")


def check_trace(trace: TracePart | None, given: set[str]) -> None:
    """A trace is all there is of lengths and of what comes."""
    both = [] if trace is None else [name for name in BESIDE_TRACE if name in given]
    if both:
        raise ValueError(f"{both[0]} and trace exclude each other; a trace has its own lengths and times")


def check_images(workload: Workload, *, has_images: bool) -> None:
    """Images lengthen a prompt of so many tokens; other lengths say theirs themselves."""
    if not has_images:
        return
    drawn = isinstance(workload.input_tokens, LengthPart)
    others = {
        "classes": workload.classes is not None,
        "a trace": workload.trace is not None,
        "a distribution": drawn,
    }
    if found := [name for name, given in others.items() if given]:
        raise ValueError(
            f"images go with input_tokens that is a number, not with {found[0]}; count their tokens there"
        )


def mean_tokens(workload: Workload, name: str) -> int:
    """The mean of a length over all requests [tokens]."""
    if workload.trace is not None:
        return workload.trace.mean_tokens(name)
    if workload.classes is None:
        return max(1, round(_mean(getattr(workload, name))))
    return max(1, round(sum(each.share * _mean(getattr(each, name)) for each in workload.classes)))


def first_tokens(kind: Lengths) -> int:
    """The mean first prompt of a class, or of a workload without any [tokens]."""
    return max(1, round(_mean(kind.input_tokens)))


def growth_of(kind: Lengths, sessions: SessionsPart) -> int:
    """What each later turn of a class's sessions adds [tokens]."""
    return sessions.growth_tokens or first_tokens(kind) - sessions.shared_prefix_tokens


def longest_session(workload: Workload, sessions: SessionsPart) -> int:
    """Prompt and answer of the last turn of the longest class, at mean growth [tokens]."""
    kinds = workload.classes or (workload,)
    return max(_last_prompt(kind, sessions) + most_of(kind.output_tokens) for kind in kinds)


def _last_prompt(kind: Lengths, sessions: SessionsPart) -> int:
    each = growth_of(kind, sessions) + max(1, round(_mean(kind.output_tokens)))
    return most_of(kind.input_tokens) + (sessions.turns - 1) * each


def _mean(length: Length) -> float:
    return draw_of(length).mean if isinstance(length, LengthPart) else float(length)


def most_tokens(workload: Workload) -> int:
    """The longest prompt and answer together [tokens]."""
    if workload.trace is not None:
        return workload.trace.longest_tokens
    pairs = [(each.input_tokens, each.output_tokens) for each in workload.classes or (workload,)]
    return max(sum(most_of(length) for length in pair) for pair in pairs)


def most_prompt_tokens(workload: Workload) -> int:
    """The longest prompt, of sessions that of the last turn [tokens]."""
    if workload.trace is not None:
        return round(max(workload.trace.trace.prompts))
    kinds, sessions = workload.classes or (workload,), workload.sessions
    if sessions is None:
        return max(most_of(kind.input_tokens) for kind in kinds)
    return max(_last_prompt(kind, sessions) for kind in kinds)


def most_of(length: Length) -> int:
    """The longest that is drawn [tokens]."""
    return round(draw_of(length).most) if isinstance(length, LengthPart) else length


def without_null_lengths(stated: Mapping[str, Any]) -> dict[str, Any]:
    """What is stated, where a length that is null is one left out."""
    return {name: value for name, value in stated.items() if name not in LENGTHS or value is not None}


class AbsentStaysAbsent(StrictRequest):
    """A workload whose lengths are null in its echo where classes or a trace have them."""

    @field_serializer(*LENGTHS, mode="plain", check_fields=False)
    def _null_beside_others(self, value: Length) -> Length | None:
        others = (getattr(self, name) for name in ("classes", "trace"))
        return None if any(each is not None for each in others) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """One schema for what is asked and what is echoed: a length may be null in both."""
        schema = super().__get_pydantic_json_schema__(core, handler)
        fields = handler.resolve_ref_schema(schema).get("properties", {})
        for name in LENGTHS if fields else ():
            fields[name].setdefault("default", cls.model_fields[name].default)
        return schema

    @property
    def cached_fraction(self) -> float:
        """Share of a prompt that is found in the cache as stated, 0 where nothing is stated [-]."""
        stated: float | None = getattr(self, "prefix_cache_hit_fraction", None)
        return stated or 0.0


def given_of(part: BaseModel) -> set[str]:
    """Fields that are stated and not null."""
    return {name for name in part.model_fields_set if getattr(part, name) is not None}
