"""``Notes``: what a reading of a configuration has to tell beside the model."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Notes:
    """What a reading has to tell: ``guesses`` make it approximate, ``warnings`` do not."""

    guesses: dict[str, None] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


WITHOUT_PREDICTION = (
    "the layers that predict several tokens ahead are left out, as where engines run the model alone"
)
"""What is said of a model with such layers, unless speculation holds them."""
