"""What would make a deployment fit: single changes, the mildest first."""
