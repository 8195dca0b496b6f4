"""Plans: which hardware, layout, formats and engine serve a model under limits, what it costs, how to start it."""
