"""Models under the names of published variants: ``Qwen/Qwen3-8B-AWQ``, ``llama3.3:70b-instruct-q4_K_M``."""

from dataclasses import dataclass

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.catalog.models import CatalogModel
from llm_calc.adapters.catalog.published_names import spoken_variant
from llm_calc.adapters.formats.recipes import find_recipe
from llm_calc.adapters.said_as import said_as
from llm_calc.core.errors import InvalidInputError, UnsupportedError
from llm_calc.core.names import bare_id

FIELD = "model.name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """The format that a name says beside its model.

    ``repository``: where it is published; None of a tag or file, which is no id of a hub.
    """

    name: str
    model: str
    weights: str
    repository: str | None

    @property
    def words(self) -> str:
        """What was taken for granted."""
        taken = (
            f"{FIELD}: {self.name} is taken for {self.model} with weights in {self.weights}, as its name says"
        )
        kept = (
            "which layers its publisher keeps in more bits, and whether its files ask for a KV cache in fewer, was not "
            "read: give its config.json or file for that"
        )
        return taken if self.is_whole else f"{taken}; {kept}"

    @property
    def is_whole(self) -> bool:
        """Whether the format leaves nothing to its publisher: 16 bits or more everywhere."""
        return not find_recipe(self.weights).rules and self.weights in ("fp16", "bf16", "fp32")

    @property
    def file_kind(self) -> str:
        """The kind of GGUF file that the name says.

        Raises:
            UnsupportedError: it says a format of other engines.
        """
        if find_recipe(self.weights).is_gguf:
            return self.weights
        msg = (
            f"{FIELD}: {self.name!r} has weights in {self.weights}, which llama.cpp reads no files of; name "
            f"{self.model!r} for those of its GGUF files"
        )
        raise UnsupportedError(msg, field=FIELD, accepted=[self.model])

    def agreed(self, weights: str | None) -> str:
        """The format to count with: the name's, or one of the same kind that a request states more closely.

        Raises:
            InvalidInputError: the request states another.
        """
        if weights is None:
            return self.weights
        said, asked = find_recipe(self.weights), find_recipe(weights)
        kind = said.is_gguf or asked.is_gguf
        if said.name == asked.name or (not kind and said.row.storage == asked.row.storage):
            return weights
        msg = (
            f"precision.weights: {weights!r} contradicts {FIELD} {self.name!r}, whose weights are {self.weights}; "
            f"leave it out, or name {self.model!r}"
        )
        raise InvalidInputError(msg, field="precision.weights", accepted=[self.weights])


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """An entry of the catalog as a request names it; ``variant``: the format that the name says, if it says one."""

    entry: CatalogModel
    variant: Variant | None = None

    def repository(self, name: str) -> str:
        """The hub's id to load."""
        stored = self.variant and self.variant.repository
        return stored or self.entry.repository_of(name)


def published(catalogs: Catalogs, name: str) -> Published:
    """The model of a name, alias, id or published variant.

    Raises:
        UnknownNameError: none of them; with the nearest names, and what to give instead.
        InvalidInputError: a variant of a format that publishers mix themselves.
    """
    spoken = None if name in catalogs.model_names else spoken_variant(name, catalogs.model_names)
    if spoken is None:
        return Published(entry=catalogs.model(name, FIELD))
    with said_as({"precision.weights": FIELD}):
        recipe = find_recipe(spoken.weights)
    plain = bare_id(name)
    is_id = plain.count("/") == 1 and ":" not in plain and not recipe.is_gguf
    variant = Variant(
        name=plain[:100],
        model=spoken.entry.name,
        weights=spoken.weights,
        repository=plain if is_id else None,
    )
    return Published(entry=spoken.entry, variant=variant)
