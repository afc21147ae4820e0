"""A module that is not installed: which one was meant, or how it would be."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import islice

from .near import is_slip
from .packages import PACKAGES

_MOST_ENTRIES = 10_000  # of a folder
_SUFFIXES = tuple(importlib.machinery.all_suffixes())
_MISTAKEN = (("opencv", "cv2"), ("pytorch", "torch"))  # no packages have these
_UNLIKELY = ("test", "tests")  # code imports its own

# https://docs.python.org/3/library/removed.html: a package of such a name would be something else.
_REMOVED = [
    "aifc",
    "asynchat",
    "asyncore",
    "audioop",
    "cgi",
    "cgitb",
    "chunk",
    "crypt",
    "distutils",
    "formatter",
    "imghdr",
    "imp",
    "lib2to3",
    "mailcap",
    "msilib",
    "nis",
    "nntplib",
    "ossaudiodev",
    "parser",
    "pipes",
    "smtpd",
    "sndhdr",
    "spwd",
    "sunau",
    "symbol",
    "telnetlib",
    "uu",
    "xdrlib",
]


# Set where there is no network, such as inside of walls.
has_network = True
# Where modules are, but for the workdir: anything may lie there. Set when the worker starts.
folders: Sequence[str] = ()


def hint(error: BaseException) -> str | None:
    """Answer, for a ModuleNotFoundError, which module was meant, or how it would be installed.

    None for what cannot be installed: modules of the standard library, and parts of packages that
    are there. A package is named only where it is known: others of a name that a model has made up
    may be anybody's.
    """
    if type(error) is not ModuleNotFoundError:
        return None
    name = error.name
    if type(name) is not str or not name.isidentifier() or _is_there(name):
        return None
    missing = f"The module {name} is not installed"
    if name in PACKAGES:
        return f"{missing}{_how_to_install(name)}"
    of_package = [module for module, package in PACKAGES.items() if _same(package, name)]

    of_package = [module for module in of_package if _same(module, name)] or of_package
    of_package += [module for wrong, module in _MISTAKEN if wrong == name.casefold()]

    def is_meant(module: str) -> bool:
        return module in of_package or (is_slip(name, module) and module not in _UNLIKELY)

    meant = _installed(is_meant)
    if meant is not None:
        return f"{missing}. Did you mean {meant}?"
    meant = next(filter(is_meant, PACKAGES), None)
    if meant is not None:
        return (
            f"{missing}. Did you mean {meant}? That is not installed either{_how_to_install(meant)}"
        )
    if not has_network:
        return f"{missing}, and there is no network here to install it."
    return (
        f"{missing}. Check its name, and which package has it, before you install anything: "
        "a package of the same name may be something else."
    )


def _how_to_install(name: str) -> str:
    """Complete a sentence that says that a known module is not there."""
    if not has_network:
        return ", and there is no network here to install it."
    return f". `%pip install {PACKAGES[name]}` would install it."


def _same(package: str, name: str) -> bool:
    """Answer whether a name is that of a package, or of a module, but for case and hyphens."""
    return re.sub("[-_.]", "", package).casefold() == name.replace("_", "").casefold()


def _installed(is_meant: Callable[[str], bool]) -> str | None:
    """Answer the first such module that is there, without a look into any."""
    names: Iterable[str] = getattr(sys, "stdlib_module_names", sys.builtin_module_names)
    for name in sorted(names):
        if is_meant(name):
            return name
    for folder in folders:
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in islice(entries, _MOST_ENTRIES):
                name = entry.name.partition(".")[0]
                if is_meant(name) and _is_module(entry):
                    return name
    return None


def _is_module(entry: os.DirEntry[str]) -> bool:
    if "." in entry.name:
        return entry.name.endswith(_SUFFIXES)
    return os.path.isfile(os.path.join(entry.path, "__init__.py"))


def _is_there(name: str) -> bool:
    # Python 3.9 does not list its modules.
    if name in _REMOVED or name in getattr(sys, "stdlib_module_names", ()):
        return True
    return importlib.util.find_spec(name) is not None
