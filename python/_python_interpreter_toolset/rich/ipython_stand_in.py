"""`IPython.display` for environments without IPython: code that imports it shows what it means to.

The real IPython, where it is installed, is found before.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

_PACKAGES = ("IPython", "IPython.core")
_DISPLAY_MODULES = ("IPython.display", "IPython.core.display")
_MODULES = (*_PACKAGES, *_DISPLAY_MODULES, "IPython.core.getipython")


class StandIn(MetaPathFinder, Loader):
    """Finds and fills the modules of the stand-in; comes last of all finders."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Answer the spec of a module of the stand-in."""
        if fullname not in _MODULES:
            return None
        # Not where a real IPython lacks one of them.
        package = sys.modules.get("IPython")
        if package is not None and package.__loader__ is not self:
            return None
        return ModuleSpec(fullname, self, is_package=fullname in _PACKAGES)

    def exec_module(self, module: ModuleType) -> None:
        """Fill a module."""
        names = vars(module)
        if module.__name__ in _DISPLAY_MODULES:
            from . import ipython_display

            names.update({name: getattr(ipython_display, name) for name in ipython_display.__all__})
            names.update(__all__=ipython_display.__all__, __doc__=ipython_display.__doc__)
            return
        names["get_ipython"] = get_ipython
        if module.__name__ == "IPython":
            # No version at all: matplotlib asks for one, and pandas.show_versions().
            names.update(version_info=(0, 0, 0), __version__="0+stand.in", __doc__=__doc__)
            import IPython.display  # noqa: F401  # as IPython itself does


def get_ipython() -> None:
    """Answer None, as in any Python but IPython's own."""
