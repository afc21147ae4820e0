"""Where libraries show something by themselves, have them display it here, not open a viewer."""

from __future__ import annotations

import sys
from functools import partial
from types import ModuleType
from typing import Any

from .display import display

# Those of plotly's renderers that show a figure one can zoom in, in a browser or a notebook.
_INTERACTIVE = {
    *("", "plotly_mimetype", "jupyterlab", "nteract", "vscode", "notebook", "notebook_connected"),
    *("kaggle", "azure", "colab", "cocalc", "databricks"),
    *("browser", "firefox", "chrome", "chromium"),
}


def prepare(module: ModuleType) -> None:
    """Prepare a library whose module has just been imported."""
    _PREPARE[module.__name__](module)


def _prepare_plotly(module: Any) -> None:
    """Have `show` display the figure; plotly would need nbformat for that, or open a browser."""
    from .library_forms import plotly_bundle

    show_elsewhere = module.show

    def show(fig: Any, renderer: str | None = None, validate: bool = True, **options: Any) -> None:
        names = (renderer or module.renderers.default or "").split("+")
        if not _INTERACTIVE.issuperset(names):
            show_elsewhere(fig, renderer=renderer, validate=validate, **options)
            return
        display(plotly_bundle(fig, options.get("config")), raw=True)

    show.__doc__ = show_elsewhere.__doc__
    module.show = show
    # It has been imported before, where the worker comes from a template.
    io = sys.modules.get("plotly.io")
    if io is not None and "show" in vars(io):
        vars(io)["show"] = show


def _prepare_altair(module: Any) -> None:
    """Give charts as Vega-Lite; altair gives a page that loads its libraries from the network."""
    module.renderers.enable("mimetype")


def _prepare_pillow(module: Any) -> None:
    class Viewer(module.Viewer):  # type: ignore[misc]
        def show_image(self, image: Any, **options: Any) -> int:
            display(image)
            return 1

    module.register(Viewer, 0)


def _prepare_sympy(module: Any) -> None:
    """Have `init_printing()` change the text of sympy's values, not how all values are shown."""
    from .library_forms import SympyText

    def init_printing(stringify: Any, **settings: Any) -> None:
        SympyText.of = staticmethod(partial(stringify, **settings))

    # What it calls outside of IPython, and what would replace sys.displayhook.
    module._init_python_printing = init_printing


_PREPARE = {
    "plotly.io._renderers": _prepare_plotly,
    "altair": _prepare_altair,
    "PIL.ImageShow": _prepare_pillow,
    "sympy.interactive.printing": _prepare_sympy,
}
