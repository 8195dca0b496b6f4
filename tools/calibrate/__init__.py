"""The calibrate command: fits efficiencies to the measurements of the catalog."""
