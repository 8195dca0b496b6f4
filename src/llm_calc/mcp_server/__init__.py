"""The operations as tools for language models, over the Model Context Protocol.

Arguments are the parts of the service's requests, short forms included; answers are the service's answers, as
structured content.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llm_calc.mcp_server.server import new_server, run

__all__ = ["new_server", "run"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - what stands in ``server``
    """Load the server with its protocol's library when it is first used: whoever works on a tool needs neither."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("llm_calc.mcp_server.server"), name)
