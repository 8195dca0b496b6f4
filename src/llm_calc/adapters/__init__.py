"""Everything that translates between the outside and the core: catalogs, configs, wire types, answers."""
