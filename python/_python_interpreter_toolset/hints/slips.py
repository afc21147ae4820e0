"""Lines that are no Python but what is typed into a shell, a notebook or another language."""

from __future__ import annotations

import linecache
import re

from . import missing_modules
from .raised import frames_of

_COMMANDS = frozenset(
    [
        "apt",
        "apt-get",
        "cat",
        "chmod",
        "conda",
        "cp",
        "curl",
        "echo",
        "git",
        "grep",
        "head",
        "ls",
        "mkdir",
        "mv",
        "node",
        "npm",
        "npx",
        "pwd",
        "python",
        "python3",
        "rm",
        "sudo",
        "tail",
        "tar",
        "touch",
        "unzip",
        "uv",
        "wget",
    ]
)
# These say something on their own; other names alone are more likely those of variables.
_ALONE = ("cd", "ls", "pwd")
# Of a line of Python, what may follow a variable that is called like a command.
_OPERATOR = re.compile(r"[-+*/%&|^@<>=!:]+|(in|is|and|or|not|if|for)", re.ASCII)

_PIP = re.compile(r"(?:sudo\s+)?(?:python3?\s+-m\s+|uv\s+)?pip3?\s+(?P<arguments>.*)")
# Magics leave alone what a shell would do with some characters.
_SCRIPT = re.compile(
    r"python3?\s+(?P<arguments>[^\s$`&|;<>*?-][^\s$`&|;<>*?]*\.py(\s[^$`&|;<>*?]*)?)"
)
_CD = re.compile(r"cd(\s+[^$`&|;<>*?]*)?")
_EXPORT = re.compile(r"export\s+(?P<name>\w+)=(?P<value>.*)")
_PLAIN = re.compile(r"[\w./:,@+-]*|'[^']*'|\"[^\"$`\\]*\"", re.ASCII)

_HABITS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"\s*print\s+[^(\s=]"),
        "In Python 3, `print` is a function: write `print(...)`.",
    ),
    (
        re.compile(r"\s*(const|let|var)\s+\w"),
        "Python has no const, let or var: write `name = value`.",
    ),
    (
        re.compile(r"\s*(async\s+)?function(\s+\w+)?\s*\("),
        "In Python, begin a function with `def name(...):`.",
    ),
    (re.compile(r"\s*(\}\s*)?else\s+if\b"), "In Python, write `elif`."),
    (re.compile(r"\s*throw\s+\w"), "In Python, write `raise` for `throw`."),
    (
        re.compile(r"\s*([\w.\[\]]+\s*=\s*)?new\s+[A-Z]\w*\("),
        "Python has no `new`: write `Name(...)`.",
    ),
    (
        re.compile(r"\s*[\w.\[\]]+(\+\+|--)\s*;?\s*$"),
        "Python has no `++` and `--`: write `+= 1` or `-= 1`.",
    ),
    (re.compile(r"\s*(//|/\*)"), "In Python, begin a comment with `#`."),
)
# The compiler stops there, or at what looks wrong inside of them.
_BRACE = re.compile(
    r"\s*((\}\s*)?(else|try|finally)|(\}\s*)?(if|while|for|catch|switch)\b.*\))\s*\{\s*$"
)
_BRACES = (
    "Python has no braces around blocks: end the line with `:`, and indent what belongs to it."
)
_QUOTES = re.compile("\"{3}|'{3}")  # what stands before them may be a text
# Where the compiler stops.
_MARKS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile("==="), "In Python, write `==` for `===`."),
    (re.compile("!=="), "In Python, write `!=` for `!==`."),
    (re.compile("&&"), "In Python, write `and` for `&&`."),
    (re.compile(r"\|\|"), "In Python, write `or` for `||`."),
    (re.compile(r"!(?=[\w(])"), "In Python, write `not x` for `!x`."),
    (
        re.compile("=>"),
        "Python has no `=>`: write `>=` to compare, or `lambda x: ...` for a function.",
    ),
    (
        re.compile("[\u201c\u201d\u2018\u2019]"),
        "These quotes are typographic: write `\"` or `'`.",
    ),
)


def hint(error: BaseException) -> str | None:
    """Answer what the line should be, for a run's own code that is no Python."""
    line = _line(error)
    words = line.split()
    if not words:
        return None
    if type(error) is NameError and getattr(error, "name", None) != words[0]:
        return None
    is_command = words[0] in _ALONE if len(words) == 1 else not _OPERATOR.fullmatch(words[1])
    if is_command:
        command = _command(line.strip(), words[0])
        if command is not None:
            return command
    if type(error) is NameError:
        return None
    for pattern, advice in _HABITS:
        if pattern.match(line):
            return advice
    before = "" if _QUOTES.search(line) else _line(error, -1)
    if _BRACE.match(line) or _BRACE.match(before):
        return _BRACES
    column = (getattr(error, "offset", None) or 0) - 1
    for pattern, advice in _MARKS:
        if any(mark.start() <= column < mark.end() for mark in pattern.finditer(line)):
            return advice
    return None


def _command(line: str, name: str) -> str | None:
    """Answer how a line of the shell is run, so that it does what it is meant to."""
    pip = _PIP.fullmatch(line)
    if pip:
        arguments = pip["arguments"]
        is_in_vain = arguments.startswith("install") and not missing_modules.has_network
        return None if is_in_vain else _percent(line, f"%pip {arguments}")
    script = _SCRIPT.fullmatch(line)
    if script:
        return _percent(line, f"%run {script['arguments']}")
    if name == "cd":
        return _percent(line, f"%{line}") if _CD.fullmatch(line) else None
    if name == "export":
        return _export(line)
    if name == "source":
        return (
            "Each command has a shell of its own, which forgets what `source` sets: put what needs "
            f"that on the same line, as in `!{line} && command`."
        )
    if name == "alias":
        return "Aliases have no effect here: write the whole command, and begin the line with `!`."
    if name in _COMMANDS:
        return f"This is a shell command: begin the line with `!`, as in `!{line}`."
    return None


def _percent(line: str, instead: str) -> str:
    return f"This is no Python: write `{instead}` for `{line}`."


def _export(line: str) -> str | None:
    export = _EXPORT.fullmatch(line)
    if export is None:
        return None
    name, value = export["name"], export["value"]
    written = repr(value.strip("'\"")) if _PLAIN.fullmatch(value) else "..."
    return (
        f"In Python, write `os.environ[{name!r}] = {written}` for `export`, after `import os`: "
        "commands have it, too."
    )


def _line(error: BaseException, step: int = 0) -> str:
    """Answer the line of the run that cannot be compiled, or has a name that is not there.

    With a `step`, answer the one that comes so many after it.
    """
    if isinstance(error, SyntaxError):
        return _of_run(str(error.filename), (error.lineno or 0) + step)
    if type(error) is not NameError or error.__traceback__ is None:
        return ""
    *_, frame = frames_of(error)
    return _of_run(frame.f_code.co_filename, frame.f_lineno + step)


def _of_run(filename: str, number: int) -> str:
    return linecache.getline(filename, number) if filename.startswith("<run ") else ""
