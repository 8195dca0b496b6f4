"""Candidates of plans: rows of the core over what requests choose among."""

from llm_calc.adapters.planning.choices import Choice
from llm_calc.core.planning import candidates
from llm_calc.core.planning.bounded import Candidates as Bounded

Row = candidates.Row[Choice]
Rows = candidates.Rows[Choice]
Table = candidates.Table[Choice]
Candidates = Bounded[Choice]
