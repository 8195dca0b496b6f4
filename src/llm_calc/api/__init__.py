"""The HTTP service: routers that delegate, one error map, one settings object."""
