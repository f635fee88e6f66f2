"""Sphinx's settings: `make docs` builds these pages into build/docs, warnings as errors, without any network."""

import re
import shutil
import sys
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE), str(ROOT)]

from gallery import write_gallery  # noqa: E402
from seat_interp.core.files import write_text  # noqa: E402

project = "seat_interp"
author = "seat_interp maintainers"
version = release = version_of("seat_interp")

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["generated"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # notebooks are run by their own tests and hold what came out
nb_ipywidgets_js: dict[str, dict[str, str]] = {}

default_role = "py:obj"  # what stands in single backticks in a docstring is a name, and a link where there is a page
add_module_names = False
python_maximum_signature_line_length = 88
autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_attr_annotations = False  # the signature has them
napoleon_use_rtype = False

html_theme = "pydata_sphinx_theme"
html_title = "seat_interp"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_extra_path = ["generated/extra"]
# Pages without pages below them have nothing to show on the left.
ALONE = ("quick_start", "concepts", "results", "gallery", "file_formats", "limits", "contributing", "changelog")
html_sidebars: dict[str, list[str]] = {page: [] for page in ALONE}
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navbar_end": ["theme-switcher"],
    "header_links_before_dropdown": 6,
    "show_toc_level": 2,
    # Where the left side lists the pages, the right one leaves its room to the code.
    "secondary_sidebar_items": {"**": ["page-toc"], **{f"how_to/{page.stem}": [] for page in HERE.glob("how_to/*.md")}},
    "footer_start": ["copyright"],
    "footer_end": [],
}
copyright = "seat_interp maintainers, MIT licence"


def copy_notebooks() -> None:
    """Sphinx reads what lies below this folder alone; the notebooks lie beside it, and there may be none yet."""
    there, found = HERE / "notebooks", sorted(ROOT.glob("notebooks/*.ipynb"))
    shutil.rmtree(there, ignore_errors=True)
    there.mkdir()
    for notebook in found:
        shutil.copy2(notebook, there)
    listed = ["```{toctree}", ":maxdepth: 1", "", *(f"notebooks/{each.stem}" for each in found), "```"]
    write_text(HERE / "generated" / "notebooks.md", "\n".join(listed if found else ["There is none yet."]) + "\n")


def readable(app: Any, what: str, name: str, obj: Any, options: Any, signature: str | None, returns: str | None) -> Any:
    """A signature as Python could read it, so that Sphinx can: defaults that are made, and those of enumerations."""
    if signature is not None:
        signature = re.sub(r"<(\w+\.\w+): [^>]+>", r"\1", signature.replace("<factory>", "..."))
    return signature, returns


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-signature", readable)


copy_notebooks()
write_gallery(HERE / "generated")
