"""The operations as tools for language models, over the Model Context Protocol.

Arguments are the parts of the service's requests, short forms included; answers are the service's answers, as
structured content. Everything is computed in this process.
"""

from llm_calc.mcp_server.server import new_server, run

__all__ = ["new_server", "run"]
