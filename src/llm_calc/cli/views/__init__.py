"""Answers as tables, a module for each kind of question."""
