"""What each line magic does, but for those that time code, which `notebook_tree` knows itself."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable

from .script import run_script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .magics import Magics

_SECRET = re.compile("key|token|secret|password", re.IGNORECASE)
_MOST_CHARACTERS = 60  # of a value in %whos


def _autoreload(magics: Magics, argument: str) -> None:
    """%autoreload has no effect here."""
    if argument not in ("", "0", "off"):
        magics.notices.append(
            "%autoreload has no effect here; importlib.reload(module) takes a changed module in."
        )


def _cd(magics: Magics, argument: str) -> None:
    """%cd DIRECTORY changes the current directory; `%cd -` goes back to the one before."""
    words = shlex.split(argument, comments=True)
    quiet = words[:1] == ["-q"]
    target = os.path.expanduser(" ".join(words[quiet:]) or "~")
    before = os.getcwd()
    os.chdir(magics.directory_before if target == "-" else target)
    magics.directory_before = before
    if not quiet:
        print(os.getcwd())


def _config(magics: Magics, argument: str) -> None:
    """%config InlineBackend... has no effect here."""
    if not argument.startswith("InlineBackend"):
        raise ValueError("%config takes only InlineBackend settings here, which have no effect")


def _env(magics: Magics, argument: str) -> object:
    """%env NAME=VALUE sets an environment variable, %env NAME answers it, %env answers all."""
    name, separator, value = argument.partition("=" if "=" in argument else " ")
    name, value = name.strip(), value.strip()
    if separator:
        os.environ[name] = value
        print(f"env: {name}={value}")
        return None
    if name:
        return os.environ[name]
    return {k: "<hidden>" if _SECRET.search(k) else v for k, v in os.environ.items()}


def _load_ext(magics: Magics, argument: str) -> None:
    """%load_ext autoreload has no effect here; there are no other extensions."""
    if argument != "autoreload":
        raise ValueError(f"%load_ext takes only autoreload here, not {argument}")


def _ls(magics: Magics, argument: str) -> None:
    """%ls lists files, with the arguments of the command ls."""
    magics.commands.call(f"ls {argument}", f"%ls {argument}")


def _matplotlib(magics: Magics, argument: str) -> None:
    """%matplotlib has no effect here: figures are captured in any case."""


def _pip(magics: Magics, argument: str) -> None:
    """%pip install PACKAGE installs into the environment of this very Python."""
    magics.commands.pip(argument)


def _pwd(magics: Magics, argument: str) -> str:
    """%pwd answers the current directory."""
    return os.getcwd()


def _run(magics: Magics, argument: str) -> None:
    """%run FILE runs a Python file, and takes its variables over; with -i, it sees yours."""
    words = shlex.split(argument)
    shared = words[:1] == ["-i"]
    if len(words) == shared:
        raise ValueError("%run needs the path of a Python file")
    path, *arguments = words[shared:]
    run_script(os.path.expanduser(path), arguments, magics.namespace, shared)


def _who(magics: Magics, argument: str) -> None:
    """%who prints the names of the variables, with arguments only those of these types."""
    print(" ".join(f"{name}\t" for name in _variables(magics, argument)) or _NO_VARIABLES)


def _whos(magics: Magics, argument: str) -> None:
    """%whos prints a table of the variables, with arguments only those of these types."""
    variables = _variables(magics, argument)
    if not variables:
        print(_NO_VARIABLES)
        return
    rows = [(name, type(value).__name__, _summary(value)) for name, value in variables.items()]
    table = [("Variable", "Type", "Data/Info"), *rows]
    name_width, type_width = (max(len(row[column]) for row in table) for column in (0, 1))
    lines = [f"{n:<{name_width}}   {t:<{type_width}}   {info}".rstrip() for n, t, info in table]
    print("\n".join([lines[0], "-" * len(lines[0]), *lines[1:]]))


_NO_VARIABLES = "Interactive namespace is empty."


def _variables(magics: Magics, types: str) -> dict[str, object]:
    wanted = types.split()
    names = sorted(name for name in magics.namespace if type(name) is str)
    return {
        name: magics.namespace[name]
        for name in names
        if name.isidentifier() and not name.startswith("_")
        if not wanted or type(magics.namespace[name]).__name__ in wanted
    }


def _summary(value: object) -> str:
    """Answer what fits into a line of `value`: its size where it has one, else its text."""
    try:
        if hasattr(value, "shape"):
            return f"shape {value.shape}"
        if isinstance(value, (list, tuple, dict, set, frozenset)):
            return f"n={len(value)}"
        text = " ".join(repr(value).split())
    except Exception as error:
        return f"<{type(error).__name__}>"
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}..."


LINE_MAGICS: dict[str, Callable[[Magics, str], object]] = {
    "%autoreload": _autoreload,
    "%cd": _cd,
    "%config": _config,
    "%env": _env,
    "%load_ext": _load_ext,
    "%ls": _ls,
    "%matplotlib": _matplotlib,
    "%pip": _pip,
    "%pwd": _pwd,
    "%run": _run,
    "%who": _who,
    "%whos": _whos,
}
