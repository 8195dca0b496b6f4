"""The routes of the service, a module for each group; ``api.routers`` names them all."""
