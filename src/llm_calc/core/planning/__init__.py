"""Search for deployments: which layouts are possible, which of them are worth comparing."""
