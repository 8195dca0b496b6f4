"""Loads as people have them: lengths that vary, several classes of requests, sessions that grow from turn to turn."""
