"""Writes the JSON schemas of the catalogs anew from the types; run it after changing those."""

from llm_calc.adapters.catalog.schema import write_schemas

if __name__ == "__main__":
    write_schemas()
