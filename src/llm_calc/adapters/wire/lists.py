"""What the catalogs hold beside models and GPUs, as lists."""

from pydantic import Field

from llm_calc.adapters.wire.base import Answer


class ListedRelease(Answer):
    """One release of an engine whose rules are known."""

    version: str = Field(description="The release whose code or pages were read")
    since: str = Field(description="First version that the rules hold for")
    until: str = Field(description="Last version that the rules hold for")
    rules_read_on: str = Field(description="Day of reading")
    sources: list[str] = Field(description="What was read")
    options: list[str] = Field(description="Options that a request may set, under the engine's own names")


class ListedEngine(Answer):
    """One engine with the releases that are known of it, the oldest first."""

    name: str = Field(description="Name, as engine.name takes it")
    title: str = Field(description="Name in words")
    releases: list[ListedRelease] = Field(description="Releases, the oldest first")


class ListedFormat(Answer):
    """One number format of weights."""

    name: str = Field(description="Name, as precision.weights takes it")
    aliases: list[str] = Field(description="Further names that are accepted")
    is_gguf: bool = Field(description="Whether it is a kind of GGUF file")


class ListedPrice(Answer):
    """One price of rented GPUs."""

    gpu: str = Field(description="Id of the GPU")
    provider: str = Field(description="Who rents it out")
    instance: str = Field(description="Name of the instance")
    gpus: int = Field(description="GPUs of the instance [GPUs]")
    usd_per_hour: float | None = Field(description="On-demand price of the instance [USD/h]")
    spot_usd_per_hour: float | None = Field(description="Spot price of the instance [USD/h]")
    region: str = Field(description="Region")
    as_of: str = Field(description="Day or month of the price")
    source: str = Field(description="Where it stands")
    typical: bool = Field(description="Whether it stands for the GPU where no provider is named")


class ListedLink(Answer):
    """One kind of link between GPUs or hosts."""

    id: str = Field(description="Id of the link")
    name: str = Field(description="Name in words")
    scope: str = Field(description="fast: between GPUs; host: within a host; network: between hosts")
    gb_per_s_each_way: float | None = Field(description="Peak of one GPU, each way [1e9 bytes/s]")
    latency_us: float = Field(description="Least time of a small collective between two devices [us]")
    source: str = Field(description="Where it stands")
