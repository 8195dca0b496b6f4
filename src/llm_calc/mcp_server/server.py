"""The server: all tools, and refusals in the service's words."""

from collections.abc import Awaitable, Callable
from functools import partial, wraps
from inspect import getdoc
from typing import Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools.base import Tool
from mcp_types import ToolAnnotations
from pydantic import ValidationError

from llm_calc import __version__
from llm_calc.adapters.all_catalogs import chosen_catalogs as catalogs
from llm_calc.adapters.json_text import with_whole_numbers
from llm_calc.adapters.operations import OPERATIONS
from llm_calc.adapters.validation_text import refusal_of
from llm_calc.adapters.wire.base import nearest_name_hint
from llm_calc.core.errors import CalcError
from llm_calc.mcp_server.further import estimate_from_link
from llm_calc.mcp_server.schemas import (
    AS_AN_ESTIMATE,
    ENGINE_OPTIONS,
    OPTIONS_OF_AN_ESTIMATE,
    slim_input,
    slim_output,
)
from llm_calc.mcp_server.tools import TOOLS

INSTRUCTIONS = (
    "Exact memory and calibrated speed of large language models on GPUs. Does it fit: memory_plan. How fast is it: "
    "serving_estimate. What should I rent: deployment_plans, or recommend_gpus for memory alone. What is better: "
    "compare. How does it change with load or length: sweep. What is this model: inspect_model. A link of the "
    "calculator's page: estimate_from_link. Names of models and GPUs come from search_catalog; a model that is not "
    "there is described by its whole config.json. Fields carry their unit in their name (_bytes, _s, _tokens_per_s, "
    "_usd); a fraction is of one. Say what `warnings` and `assumptions` say, and give intervals with figures of speed."
)

Runner = Callable[[partial[Any], bool], Awaitable[Any]]
"""Runs a tool's function with its arguments; the second argument says whether that is heavy."""
HEAVY = frozenset(("sweep", *(operation.name for operation in OPERATIONS if operation.takes_long)))

LISTS_OPTIONS = "serving_estimate"
"""The tool whose schema lists the options of engines; others refer to it."""


class _Tool(Tool):
    """A tool that refuses arguments in the service's words."""

    async def run(
        self,
        arguments: dict[str, Any],
        context: Context[Any, Any],
        convert_result: bool = False,  # noqa: FBT001, FBT002 - as the protocol's library has it
    ) -> Any:  # noqa: ANN401
        """Run the tool.

        Raises:
            ToolError: an argument that cannot be right, or an answer that is no; says which and why.
        """
        self._check_names(arguments)
        try:
            return await super().run(with_whole_numbers(arguments), context, convert_result)
        except CalcError as error:
            raise ToolError(error.message) from error
        except ToolError as error:
            cause = error.__cause__
            if isinstance(cause, CalcError):
                raise ToolError(cause.message) from cause
            if isinstance(cause, ValidationError):
                raise ToolError(refusal_of(cause, self.fn_metadata.arg_model).message) from cause
            raise

    def _check_names(self, arguments: dict[str, Any]) -> None:
        """Refuse what the tool does not take: an argument that is passed over in silence changes the answer."""
        known = list(self.parameters["properties"])
        for name in arguments:
            if name not in known:
                hint = nearest_name_hint(name, known) or f"; known: {', '.join(known)}"
                raise ToolError(f"{name}: is not a known argument{hint}")


def _run_by(runner: Runner, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, its work done by ``runner``."""
    heavy = function.__name__ in HEAVY

    @wraps(function)
    async def run(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - what the function takes and answers
        return await runner(partial(function, *arguments, **named), heavy)

    return run


def _tool(function: Callable[..., Any], runner: Runner | None) -> Tool:
    """A function as a tool, its schemas without what language models need not read."""
    run = function if runner is None else _run_by(runner, function)
    annotations = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
    tool = _Tool.from_function(run, description=getdoc(function), annotations=annotations)
    listed = function.__name__ == LISTS_OPTIONS
    options = ENGINE_OPTIONS if listed else OPTIONS_OF_AN_ESTIMATE
    tool.parameters = slim_input(tool.parameters, options)
    if function is estimate_from_link:
        tool.fn_metadata.output_schema = AS_AN_ESTIMATE
    elif tool.fn_metadata.output_schema is not None:
        tool.fn_metadata.output_schema = slim_output(tool.fn_metadata.output_schema)
    return tool


def new_server(runner: Runner | None = None) -> MCPServer[Any]:
    """A server with all tools, yet to be connected to a transport; ``runner`` runs the work of each."""
    return MCPServer(
        "llm-calc",
        version=__version__,
        instructions=INSTRUCTIONS,
        tools=[_tool(each, runner) for each in TOOLS],
        log_level="WARNING",
    )


def run() -> None:
    """Answer one client over standard input and output until it leaves.

    Raises:
        InvalidInputError: the catalogs cannot be read.
    """
    catalogs()
    new_server().run("stdio")
