"""Deployments: a question about one in the core's own terms, and what its memory says."""
