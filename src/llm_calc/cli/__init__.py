"""The command ``llm-calc``: reads a request from options and files, shows the answer as tables or JSON.

Every command computes in this process, by the same operations as the service. What takes long to load is imported by
the command that needs it.
"""
