import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent / "_ext"), str(Path(__file__).parents[1])]

from llm_calc import __version__

project = "llm-calc"
author = "The llm-calc authors"
copyright = "The llm-calc authors, Apache-2.0"
release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "formula_docstrings", "catalog_tables", "openapi_tables"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
nitpicky = True
# Types of other packages, named in aliases of our own: their documentation is not asked for.
nitpick_ignore_regex = [("py:class", r"(numpy|collections\.abc)\..*")]

add_module_names = False
autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints = "none"
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_title = f"llm-calc {release}"
html_theme_options = {"source_edit_link": "", "top_of_page_buttons": []}
# "All formulas at a glance" is the index.
html_use_index = False
html_domain_indices = False
html_copy_source = False
html_show_sourcelink = False
