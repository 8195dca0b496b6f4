"""How engines are started: commands, and objects for clusters, from rules of a catalog."""
