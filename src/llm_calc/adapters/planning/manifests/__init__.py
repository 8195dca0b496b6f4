"""A plan as objects that a cluster takes as they are."""
