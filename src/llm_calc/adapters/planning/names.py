"""What a model is called where it is published, how large it is there, and who hosts it."""

from dataclasses import dataclass

from llm_calc.adapters.catalog import Catalogs, TokenPrice
from llm_calc.adapters.model_source import SourcedModel, own_precision
from llm_calc.adapters.variants import published
from llm_calc.adapters.wire.parts import ModelPart
from llm_calc.core.engines import USUAL
from llm_calc.core.memory import weights_bytes

PLACEHOLDER = "YOUR_MODEL"
"""What commands and manifests say in place of a model that a request describes and does not name."""
TO_REPLACE = (
    f"the request describes its model and names none: put the path or the hub's id of its checkpoint in place of "
    f"{PLACEHOLDER}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What commands call the model, how large its checkpoint is, and who hosts it at what price.

    ``title``: what files of it are called; ``files``: the hub's repository of its GGUF files, ``file``: one of them,
    where the request names them.
    """

    repository: str
    checkpoint_bytes: float
    title: str
    files: str | None = None
    file: str | None = None
    hosted: tuple[TokenPrice, ...] = ()


def names_of(part: ModelPart, source: SourcedModel, catalogs: Catalogs) -> Names:
    """Repository and hosted prices of a catalog model; a placeholder for others."""
    own = own_precision(source, USUAL).numbers.recipe
    size = float(weights_bytes(source.model, own))
    if part.name is None:
        return Names(repository=PLACEHOLDER, checkpoint_bytes=size, title=PLACEHOLDER)
    found = published(catalogs, part.name)
    return Names(
        repository=found.repository(part.name),
        checkpoint_bytes=size,
        title=found.title(part.name),
        files=found.files,
        file=found.file,
        hosted=catalogs.prices_of_model(found.entry.name),
    )
