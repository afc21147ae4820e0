"""Which modules are of the standard library, where Python does not list them."""

import sys
import unittest
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))

from _python_interpreter_toolset import import_rules


class StandardModules(unittest.TestCase):
    """The two ways to tell agree."""

    @unittest.skipUnless(hasattr(sys, "stdlib_module_names"), "this Python does not list them")
    def test_are_found_without_a_list(self) -> None:
        """As on Python 3.9, for all that are installed here."""
        names = (name for name in sorted(sys.stdlib_module_names) if _is_installed(name))
        # Those that nobody imports are in no file.
        ours = [name for name in names if not name.startswith("_frozen")]
        self.assertGreater(len(ours), 200)
        others = [name for name in ours if not import_rules._is_where_the_standard_library_is(name)]
        self.assertEqual(others, [])

    def test_are_not_those_of_packages(self) -> None:
        """Nor those that do not exist."""
        for name in ("zmq", "pip", "not_there", "_python_interpreter_toolset"):
            self.assertFalse(import_rules._is_where_the_standard_library_is(name), name)
            self.assertFalse(import_rules.is_standard(name), name)


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ValueError:
        return False
