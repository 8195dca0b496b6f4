"""``Notes``: what a reading of a configuration has to tell beside the model."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Notes:
    """What a reading has to tell: ``guesses`` make it approximate, ``warnings`` do not."""

    guesses: dict[str, None] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
