"""The tree's own budgets: short files and functions, shallow nesting, full hints, no import cycles."""

import ast
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from graphlib import TopologicalSorter
from importlib import import_module
from inspect import getmembers, isclass
from pathlib import Path
from statistics import median, quantiles

import pytest

import llm_calc
from tools.engine_names import texts_with_names
from tools.house import files_of_an_estimate, lines_by_room, share_outside

ROOT = Path(llm_calc.__file__).parent
MODULES = {".".join(path.relative_to(ROOT.parent).with_suffix("").parts): path for path in ROOT.rglob("*.py")}

Function = ast.FunctionDef | ast.AsyncFunctionDef

MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 40
MAX_P90_FUNCTION_LINES = 25
MAX_MEDIAN_FUNCTION_LINES = 10
MAX_NESTING = 3
MOST_ASKING = 49
MOST_FILES_OF_AN_ESTIMATE = 63
MOST_IN_ADAPTERS = 0.35
LEAST_OF_THEM_TRANSLATING = 0.9
BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.Match)
UNIT_WORDS = frozenset(
    {
        *(
            "bits",
            "bytes",
            "elements",
            "flops",
            "fraction",
            "gpus",
            "hz",
            "j",
            "layers",
            "links",
            "s",
            "seconds",
        ),
        *("sequences", "sessions", "tokens", "usd", "w"),
    }
)
# Pure numbers: exponents, factors, bounds of a value whose unit stands beside it, counts that may be a mean.
PURE_NUMBERS = frozenset(
    {
        *("acceptance", "amount", "base", "high", "high_log", "low", "low_log", "mean_running"),
        *("overlap_exponent", "used", "weights", "kv_cache", "activations", "system", "score", "prior"),
        *("stated_range", "assumed_range", "prompt_range"),
    }
)


@cache
def trees() -> dict[str, ast.Module]:
    """Every module of the package, parsed by the first test that asks."""
    return {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}


@cache
def functions() -> list[tuple[str, Function]]:
    """Every function with its module and name."""
    nodes = ((module, node) for module, tree in trees().items() for node in ast.walk(tree))
    return [(f"{module}.{node.name}", node) for module, node in nodes if isinstance(node, Function)]


def code_lines(function: Function) -> int:
    """Return the lines of a function without its docstring."""
    assert function.end_lineno is not None
    lines = function.end_lineno - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function, clean=False) is None or first.end_lineno is None:
        return lines
    return lines - (first.end_lineno - first.lineno + 1)


def nesting(node: ast.AST, depth: int = 0) -> int:
    """Return the depth of the deepest block below ``node``; an elif is no deeper than its if."""
    deepest = depth
    for child in ast.iter_child_nodes(node):
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        if isinstance(child, Function):
            continue
        deepest = max(deepest, nesting(child, depth + (isinstance(child, BLOCKS) and not is_elif)))
    return deepest


def imports(tree: ast.Module) -> Iterator[str]:
    """Yield the modules of the package that are imported when the module is."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("module", MODULES)
def test_files_are_short(module: str) -> None:
    assert len(MODULES[module].read_text(encoding="utf-8").splitlines()) <= MAX_FILE_LINES


def test_functions_are_short() -> None:
    lengths = {name: code_lines(function) for name, function in functions()}
    assert {name: lines for name, lines in lengths.items() if lines > MAX_FUNCTION_LINES} == {}
    assert quantiles(lengths.values(), n=10)[8] <= MAX_P90_FUNCTION_LINES
    assert median(lengths.values()) <= MAX_MEDIAN_FUNCTION_LINES


def test_blocks_are_shallow() -> None:
    assert [name for name, function in functions() if nesting(function) > MAX_NESTING] == []


def test_every_parameter_and_result_has_a_type() -> None:
    untyped = []
    for name, function in functions():
        arguments = function.args
        named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        starred = [argument for argument in (arguments.vararg, arguments.kwarg) if argument]
        hinted = [argument for argument in (*named, *starred) if argument.arg not in ("self", "cls")]
        if function.returns is None or any(argument.annotation is None for argument in hinted):
            untyped.append(name)
    assert untyped == []


def test_every_public_function_has_a_docstring() -> None:
    bare = []
    for module, tree in trees().items():
        scopes: list[ast.Module | ast.ClassDef] = [tree]
        scopes += (node for node in tree.body if isinstance(node, ast.ClassDef))
        methods = (node for scope in scopes for node in scope.body if isinstance(node, Function))
        public = (node for node in methods if ".core." in module and not node.name.startswith("_"))
        bare += [f"{module}.{node.name}" for node in public if not ast.get_docstring(node)]
    assert bare == []


def test_imports_have_no_cycle() -> None:
    graph = {
        module: {found for found in imports(tree) if found in MODULES and found != module}
        for module, tree in trees().items()
    }
    order = list(TopologicalSorter(graph).static_order())
    assert set(MODULES) <= set(order)


def test_nothing_new_asks_for_an_engines_name() -> None:
    """Only to be lowered: what sets engines apart stands in ``core/engines/*_traits.py``."""
    assert len(list(texts_with_names())) <= MOST_ASKING


def test_an_estimate_enters_no_more_files_than_it_did() -> None:
    """Only to be lowered: what a question does not have is left aside where it would be entered."""
    assert len(files_of_an_estimate()) <= MOST_FILES_OF_AN_ESTIMATE


def test_adapters_hold_a_third_of_the_package_and_translate() -> None:
    """What is domain lies in a room of the core: ``python -m tools.house`` prints how much of each there is."""
    lines = {room: count for room, (_, count) in lines_by_room().items()}
    assert lines["adapters"] <= MOST_IN_ADAPTERS * sum(lines.values())
    assert share_outside() >= LEAST_OF_THEM_TRANSLATING


def test_exported_names_exist() -> None:
    for name in MODULES:
        if name.endswith("__main__"):
            continue
        module = import_module(name.removesuffix(".__init__"))
        exported = list(getattr(module, "__all__", ()))
        assert all(hasattr(module, entry) for entry in exported), name


def test_core_quantities_say_their_unit() -> None:
    """A float of a public core dataclass carries its unit in its name, or is known to be a pure number.

    The options of engines are left out: they keep the engines' own names.
    """
    unclear = []
    for name in (module.removesuffix(".__init__") for module in MODULES if is_ours(module)):
        for title, kind in getmembers(import_module(name), isclass):
            if kind.__module__ == name and is_dataclass(kind) and not title.startswith("_"):
                floats = [field.name for field in fields(kind) if field.type in (float, "float")]
                unclear += [f"{title}.{field}" for field in floats if not says_its_unit(field)]
    assert unclear == []


def is_ours(module: str) -> bool:
    """Return whether a module of the core is free to name its fields."""
    return ".core." in module and ".core.engines." not in module


def says_its_unit(field: str) -> bool:
    """Return whether a name holds a unit or belongs to a pure number."""
    return field in PURE_NUMBERS or bool(UNIT_WORDS & set(field.split("_")))
