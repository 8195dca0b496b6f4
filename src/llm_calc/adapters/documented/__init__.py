"""The documented endpoints: requests to core scenarios, estimates to the documented shapes."""
