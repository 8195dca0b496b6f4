"""The catalog of formats: number formats and recipes, read once, with every reference checked."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType

from llm_calc.adapters.catalog.files import catalog_folder, read_toml
from llm_calc.adapters.formats.rows import NumberRow, NumbersFile, RecipeRow, RecipesFile, RuleRow
from llm_calc.core.checkpoints.recipes.rules import FIELD, SIXTEEN_BIT, FormatCatalog, RecipeEntry, Trade
from llm_calc.core.errors import CatalogError
from llm_calc.core.formats import ABSENT, NumberFormat
from llm_calc.core.names import NameIndex
from llm_calc.core.weights import COMPONENTS


@cache
def format_catalog(root: Path | None = None) -> FormatCatalog:
    """Reads and checks ``catalogs/formats``, once a process and path.

    Raises:
        CatalogError: a file or row is wrong, or refers to what does not exist; names file and key.
    """
    folder = catalog_folder("formats", root)
    checkpoints, gguf = (read_toml(RecipesFile, folder / name) for name in ("checkpoints.toml", "gguf.toml"))
    rows = _number_rows(
        {
            "numbers": read_toml(NumbersFile, folder / "numbers.toml"),
            "checkpoints": checkpoints,
            "gguf": gguf,
        }
    )
    numbers = MappingProxyType(_numbers(rows))
    entries = [*_recipes("checkpoints", checkpoints, numbers), *_recipes("gguf", gguf, numbers)]
    names: NameIndex[RecipeEntry] = NameIndex("number format", FIELD)
    for entry in entries:
        names.add(entry, entry.name, (entry.name, *entry.row.aliases))
    _check_gguf_twins(entries, names)
    return FormatCatalog(
        numbers=numbers,
        recipes=tuple(entries),
        names=names,
        trade=tuple(Trade(pattern=row.pattern, says=row.says) for row in gguf.trade),
    )


def _number_rows(files: Mapping[str, NumbersFile | RecipesFile]) -> dict[str, NumberRow]:
    """The rows of all files; each name stands in one of them."""
    found: dict[str, NumberRow] = {}
    for place, file in files.items():
        _check_sources(place, ((name, row.source) for name, row in file.numbers.items()), file.sources)
        twice = found.keys() & file.numbers.keys()
        if twice:
            raise CatalogError(f"formats/{place}.toml: numbers: {min(twice)} stands in another file as well")
        found |= file.numbers
    return found


def _numbers(rows: Mapping[str, NumberRow]) -> dict[str, NumberFormat]:
    built = {ABSENT.name: ABSENT}
    for name in rows:
        _number(name, rows, built, ())
    return built


def _number(
    name: str, rows: Mapping[str, NumberRow], built: dict[str, NumberFormat], path: tuple[str, ...]
) -> NumberFormat:
    if name in built:
        return built[name]
    if name not in rows or name in path:
        raise CatalogError(
            f"formats/numbers.toml: {path[-1]}: fallback {name!r} does not exist or leads back to itself"
        )
    row = rows[name]
    fallback = None if row.fallback is None else _number(row.fallback, rows, built, (*path, name))
    built[name] = NumberFormat(
        name=name,
        element_bits=row.element_bits,
        group_size=row.group_size,
        scale_bits=row.scale_bits,
        zero_bits=row.zero_bits,
        block=None if row.block is None else (row.block[0], row.block[1]),
        row_bits=row.row_bits,
        column_bits=row.column_bits,
        tensor_bits=row.tensor_bits,
        compute=row.compute,
        fallback=fallback,
    )
    return built[name]


def _recipes(place: str, file: RecipesFile, numbers: Mapping[str, NumberFormat]) -> Iterator[RecipeEntry]:
    _check_sources(place, ((name, row.source) for name, row in file.recipes.items()), file.sources)
    for name, row in file.recipes.items():
        rules = tuple(_filled(name, row, file))
        _check_formats(f"formats/{place}.toml: {name}", row, rules, numbers)
        _check_groups(f"formats/{place}.toml: {name}", rules, file.groups)
        yield RecipeEntry(
            name=name,
            row=row.recipe,
            rules=tuple(rule.rule for rule in rules),
            is_gguf=place == "gguf",
            groups=MappingProxyType(file.groups),
        )


def _filled(name: str, row: RecipeRow, file: RecipesFile) -> Iterator[RuleRow]:
    for rule in row.rules:
        if isinstance(rule, RuleRow):
            yield rule
        elif rule.set in file.sets:
            yield from file.sets[rule.set]
        else:
            raise CatalogError(f"formats: {name}: there is no set {rule.set!r}")


def _check_formats(
    place: str, row: RecipeRow, rules: tuple[RuleRow, ...], numbers: Mapping[str, NumberFormat]
) -> None:
    named = {row.default, row.vectors or row.default, *(rule.format for rule in rules)}
    missing = named - {SIXTEEN_BIT} - set(numbers)
    if missing:
        raise CatalogError(f"{place}: unknown number formats {', '.join(sorted(missing))}")


def _check_groups(place: str, rules: tuple[RuleRow, ...], groups: Mapping[str, object]) -> None:
    named = {each[1:] for rule in rules for each in rule.tensors if each.startswith("@")}
    if not named <= set(groups):
        raise CatalogError(f"{place}: there are no tensors {', '.join(sorted(named - set(groups)))}")
    if not groups:
        _check_components(place, [each.partition(".")[0] for rule in rules for each in rule.tensors])


def _check_components(place: str, named: Sequence[str]) -> None:
    """Patterns of checkpoints are of ``component.name``."""
    stray = {name for name in named if "*" not in name} - set(COMPONENTS)
    if stray:
        msg = f"rules: no component of a model is called {', '.join(sorted(stray))}"
        raise CatalogError(f"{place}: {msg}; known: {', '.join(COMPONENTS)}")


def _check_sources(place: str, used: Iterator[tuple[str, str]], sources: Mapping[str, object]) -> None:
    for name, source in used:
        if source not in sources:
            raise CatalogError(f"formats/{place}.toml: {name}: there is no source {source!r}")


def _check_gguf_twins(entries: list[RecipeEntry], names: NameIndex[RecipeEntry]) -> None:
    for entry in entries:
        if entry.row.gguf is not None and entry.row.gguf not in names:
            raise CatalogError(
                f"formats/checkpoints.toml: {entry.name}: there is no GGUF kind {entry.row.gguf!r}"
            )
