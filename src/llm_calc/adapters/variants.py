"""Models under the names of published variants: ``Qwen/Qwen3-8B-AWQ``, ``llama3.3:70b-instruct-q4_K_M``."""

from dataclasses import dataclass, replace

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.catalog.models import CatalogModel
from llm_calc.adapters.catalog.published_names import (
    Several,
    Shared,
    Spoken,
    said_format,
    several_formats,
    spoken_variant,
    unpacked,
)
from llm_calc.adapters.formats.recipes import find_recipe, number_format
from llm_calc.adapters.said_as import said_as
from llm_calc.core.engines import OWN_MACHINE
from llm_calc.core.errors import InvalidInputError, UnknownNameError, UnsupportedError
from llm_calc.core.meant_names import Meant, meant, words_of
from llm_calc.core.names import bare_id, joined_name

FIELD = "model.name"
WEIGHTS = "precision.weights"
GGUF = ".gguf"
WHOLE = ("fp16", "bf16", "fp32")
MOST_NAMED = 8
"""Models that a refusal or an assumption names."""
MOST_CHARACTERS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """The format that a name says beside its model.

    ``repository``: where it is published; None of a tag or file, which is no id of a hub. ``files``: the hub's
    repository of GGUF files that holds it; ``file``: the file that is named.
    """

    name: str
    model: str
    weights: str
    repository: str | None
    files: str | None = None
    file: str | None = None

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
        return not find_recipe(self.weights).rules and self.weights in WHOLE

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
            f"{WEIGHTS}: {weights!r} contradicts {FIELD} {self.name!r}, whose weights are {self.weights}; "
            f"leave it out, or name {self.model!r}"
        )
        raise InvalidInputError(msg, field=WEIGHTS, accepted=[self.weights])


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The format that a request must state, where a name stands for files of several (``-GGUF``).

    ``like``: one of the formats; ``same``: what they share; ``plans``: those that a plan looks at; ``give``: what to
    give, in words. ``repository``, ``files``: where they are published, of GGUF files the second.
    """

    name: str
    model: str
    like: str
    same: Shared
    plans: tuple[str, ...]
    give: str
    repository: str | None
    files: str | None

    @property
    def is_gguf(self) -> bool:
        """Whether they are GGUF files."""
        return find_recipe(self.like).is_gguf

    def check(self, weights: str | None) -> None:
        """Refuse what is no format of such files.

        Raises:
            InvalidInputError: none is stated, or one of other files.
        """
        if weights is not None and self.holds(weights):
            return
        msg = f"{WEIGHTS}: {self.name} stands for files of several formats of {self.model}; give {self.give}"
        raise InvalidInputError(msg, field=WEIGHTS)

    def holds(self, weights: str) -> bool:
        """Whether such files hold a format: one that shares with the others what the name says."""
        like, asked = find_recipe(self.like), find_recipe(weights, OWN_MACHINE if self.is_gguf else None)
        if self.same == "files":
            return asked.is_gguf
        if self.same == "storage":
            return asked.row.storage == like.row.storage
        bits = [int(number_format(each.row.default).element_bits) for each in (like, asked)]
        return asked.is_gguf == like.is_gguf and bits[0] == bits[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """An entry of the catalog as a request names it.

    ``variant``: the format that the name says, if it says one; ``taken``: what a name was taken for that leaves its
    version open, and what else it may mean; ``wanted``: the format to state, where it stands for files of
    several. ``base``: what the name calls the model itself, where it says more.
    """

    entry: CatalogModel
    variant: Variant | None = None
    taken: str | None = None
    wanted: Wanted | None = None
    base: str | None = None

    def repository(self, name: str) -> str:
        """The hub's id to load."""
        said = self.variant or self.wanted
        stored = said and said.repository
        return stored or self.entry.repository_of(self.base or name)

    def title(self, name: str) -> str:
        """What files of the model are called: by its repository, or by a variant that the name says."""
        last = self.entry.repository_of(self.base or name).rpartition("/")[2]
        return last if self.base is None or joined_name(last) == joined_name(self.base) else self.base

    @property
    def files(self) -> str | None:
        """The hub's repository of the GGUF files that are named; None where none is."""
        said = self.variant or self.wanted
        return None if said is None else said.files

    @property
    def file(self) -> str | None:
        """The GGUF file that is named; None where none is."""
        return None if self.variant is None else self.variant.file


def published(catalogs: Catalogs, name: str) -> Published:
    """The model of a name, alias, id or published variant, or of a name that leaves its version open.

    Raises:
        UnknownNameError: none of them, or several; with the nearest names, and what to give instead.
        InvalidInputError: a variant of a format that publishers mix themselves.
    """
    names = catalogs.model_names
    if name in names:
        return Published(entry=catalogs.model(name, FIELD), taken=_also_words(catalogs, name))
    spoken = spoken_variant(name, names)
    if spoken is not None:
        return _in_its_format(name, spoken)
    several = several_formats(name, names)
    if several is not None:
        return _in_a_format_to_state(name, several)
    base, weights = said_format(name)
    found = _meant(catalogs, base if weights else name)
    if found.name is None:
        _refuse(catalogs, name, found)
        return Published(entry=catalogs.model(name, FIELD))
    taken = _taken_words(name, names.find(found.name), found)
    if weights:
        return replace(
            _in_its_format(name, Spoken(entry=names.find(found.name), weights=weights)),
            taken=taken,
            base=None,
        )
    return Published(entry=names.find(found.name), taken=taken)


def _in_its_format(name: str, spoken: Spoken[CatalogModel]) -> Published:
    """A variant's model in the format that its name says."""
    with said_as({WEIGHTS: FIELD}):
        recipe = find_recipe(spoken.weights)
    plain = bare_id(name)
    files = _files(plain) if recipe.is_gguf else None
    variant = Variant(
        name=plain[:MOST_CHARACTERS],
        model=spoken.entry.name,
        weights=spoken.weights,
        repository=None if recipe.is_gguf else _id(plain),
        files=files,
        file=plain if recipe.is_gguf and files is None and plain.endswith(GGUF) else None,
    )
    return Published(entry=spoken.entry, variant=variant, base=unpacked(name))


def _id(plain: str) -> str | None:
    """A name that is a hub's id."""
    return plain if plain.count("/") == 1 and ":" not in plain else None


def _files(plain: str) -> str | None:
    """The hub's repository of GGUF files in a name, without the kind behind it; they say so in their own names."""
    found = _id(plain.partition(":")[0])
    return found if found and "gguf" in found.casefold() and not found.endswith(GGUF) else None


def _in_a_format_to_state(name: str, several: Several[CatalogModel]) -> Published:
    """The model of a name that stands for files of several formats."""
    model, plain = several.entry.name, bare_id(name)
    gguf = find_recipe(several.like).is_gguf
    files = "its files were not read: a format is counted as engines define it"
    wanted = Wanted(
        name=plain[:MOST_CHARACTERS],
        model=model,
        like=several.like,
        same=several.same,
        plans=several.plans,
        give=several.give,
        repository=None if gguf else _id(plain),
        files=_files(plain) if gguf else None,
    )
    taken = f"{FIELD}: {wanted.name} is taken for {model}; {files}"
    return Published(entry=several.entry, taken=taken, wanted=wanted, base=unpacked(name))


def _meant(catalogs: Catalogs, name: str) -> Meant:
    sizes = {each.name: each.nominal_parameters_billions for each in catalogs.models}
    return meant(bare_id(name)[:MOST_CHARACTERS], catalogs.model_names.names, sizes)


def _refuse(catalogs: Catalogs, name: str, found: Meant) -> None:
    """Names the models that a name may mean, where it may mean several."""
    if found.others:
        near = found.others[:MOST_NAMED]
        sizes = {each.name: each.nominal_parameters_billions for each in catalogs.models}
        each = ", ".join(f"{other} {sizes[other]:g}" for other in near if other in sizes)
        more = f", and {len(found.others) - len(near)} more" if len(found.others) > len(near) else ""
        hint = f"it may mean each of these; name one (10^9 parameters: {each}{more})"
        raise UnknownNameError("model", name, near, field=FIELD, hint=hint)


def _taken_words(name: str, entry: CatalogModel, found: Meant) -> str:
    newest = (
        f", the newest of the name; others: {', '.join(found.others[:MOST_NAMED])}" if found.others else ""
    )
    release = "" if entry.name == found.name else f" ({entry.hugging_face_ids[0]})"
    return f"{FIELD}: {name.strip()[:100]!r} is taken for {entry.name}{release}{newest}"


def _also_words(catalogs: Catalogs, name: str) -> str | None:
    """Of a known name that leaves its version open: what it is taken for, and what else there is."""
    owner = catalogs.model_names.owner_of(name)
    spoken = " " in name.strip() or bare_id(name).casefold() != owner
    if not spoken or "/" in bare_id(name) or ":" in name or words_of(name).versions:
        return None
    found = _meant(catalogs, name)
    named = filter(None, (found.name, *found.others))
    others = [each for each in named if catalogs.model_names.owner_of(each) != owner][:MOST_NAMED]
    return (
        f"{FIELD}: {name.strip()[:100]!r} is {owner}; there are also {', '.join(others)}" if others else None
    )
