"""Rows of the lists of engines, number formats, prices and links."""

from typing import Literal

from pydantic import Field, JsonValue

from llm_calc.adapters.wire.base import Answer


class ListedOption(Answer):
    """An option of an engine under its own name."""

    name: str = Field(description="The option")
    default: JsonValue = Field(description="Its default in this release; null where the engine derives it")
    meaning: str = Field(description="What it says")


class ListedRelease(Answer):
    """One release of an engine: what its rules hold for and where they were read."""

    version: str = Field(description="The release that was read")
    since: str = Field(description="The first version that its rules hold for")
    until: str = Field(description="The last version that its rules hold for")
    rules_read_on: str = Field(description="The day of reading, YYYY-MM-DD")
    sources: list[str] = Field(description="What was read")
    options: list[ListedOption] = Field(description="Its options, without those that it lacks")
    without: list[str] = Field(description="Options of other releases that it does not have")


class ListedHardware(Answer):
    """Hardware that an engine runs on, and the formats of weights that it runs there."""

    hardware: str = Field(description="Vendor, with compute capabilities where they decide")
    gpus: list[str] = Field(description="The catalog's GPUs of that kind, by id")
    formats: list[str] = Field(description="Formats of weights, by name or by kind; gguf: all GGUF kinds")
    native_only: list[str] = Field(description="Those that it runs only where the GPU multiplies them itself")
    missing_up_to: str | None = Field(description="The last release without it; null: none is known")
    missing_from: str | None = Field(description="The first release without it; null: none is known")


class ListedLack(Answer):
    """Kinds of models that an engine, or some of its releases, has no implementation of."""

    types: list[str] = Field(description="Values of model_type")
    instead: str | None = Field(description="By what it may run them all the same; null: not at all")
    missing_up_to: str | None = Field(description="The last release without them; null: none is known")
    missing_from: str | None = Field(description="The first release without them; null: none is known")


class AvailableEngine(Answer):
    """An engine with its releases, the oldest first, and what it runs on."""

    name: str = Field(description="The name that requests give")
    title: str = Field(description="Its own name")
    newest: str = Field(description="The release that answers where none is named")
    releases: list[ListedRelease] = Field(description="Its releases, the oldest first")
    runs_on: list[ListedHardware] = Field(description="Hardware and formats; empty: everything")
    lacks: list[ListedLack] = Field(
        description="Kinds of models that it does not run, or not by its own means"
    )


class AvailableFormat(Answer):
    """A format of weights or of the KV cache."""

    name: str = Field(description="The name that requests give")
    aliases: list[str] = Field(description="Other names")
    kind: str = Field(description="The kind of numbers that it stores")
    is_gguf: bool = Field(description="Whether it is a kind of GGUF file")
    bits_per_element: float = Field(description="Bits of a number of its main format, with scales [bits]")
    arithmetic: str | None = Field(description="The number type that multiplies it natively; null: 16 bits")
    engines: list[str] = Field(description="Engines whose newest release runs such weights on some GPU")


class AvailablePrice(Answer):
    """What one instance of a provider costs."""

    gpu: str = Field(description="Id of the GPU")
    gpus: int = Field(description="GPUs of the instance [GPUs]")
    provider: str = Field(description="Who rents it out")
    instance: str = Field(description="Its name there")
    region: str = Field(description="Where")
    usd_per_hour: float | None = Field(description="On demand [USD/h]; null: not known")
    spot_usd_per_hour: float | None = Field(description="Interruptible [USD/h]; null: not known")
    reserved_usd_per_hour: float | None = Field(description="For a whole term [USD/h]; null: not known")
    reserved_months: int | None = Field(description="That term [months]; null: none, or not stated")
    usd_per_gpu_hour: float | None = Field(description="On demand for each GPU [USD/h]")
    typical: bool = Field(
        description="Whether it stands for the price of this GPU where no provider is named"
    )
    as_of: str = Field(description="What the price stands for: a day, month, year or interval of such")
    checked: str = Field(description="The day when it was looked up, YYYY-MM-DD")
    source: str = Field(description="Where")
    confidence: Literal["catalogue", "secondary", "recalled"] = Field(description="How the source knows it")


class AvailableLink(Answer):
    """A link between GPUs or hosts."""

    id: str = Field(description="Its id")
    name: str = Field(description="Its name")
    scope: Literal["fast", "host", "network"] = Field(description="What it joins")
    bytes_per_s_each_way: float | None = Field(
        description="Peak for each GPU [bytes/s]; null: each GPU's own"
    )
    latency_s: float = Field(description="Least time of a small collective between two devices [s]")
    gpus: list[str] = Field(description="GPUs that are joined by it, by id")
    checked: str = Field(description="The day when it was looked up, YYYY-MM-DD")
    source: str = Field(description="Where")
