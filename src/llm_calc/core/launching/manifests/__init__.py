"""Objects that a cluster takes for a deployment."""
