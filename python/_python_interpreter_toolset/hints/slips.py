"""Lines that are no Python but what is typed into a shell, a notebook or another language."""

from __future__ import annotations

import linecache
import re

from .raised import frames_of

_COMMANDS = frozenset(
    [
        "apt",
        "apt-get",
        "cat",
        "cd",
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
        "pip",
        "pip3",
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
_INSTALLERS = ("pip", "pip3")
# Of a line of Python, what may follow a variable that is called like a command.
_OPERATOR = re.compile(r"[-+*/%&|^@<>=!:]+|(in|is|and|or|not|if|for)", re.ASCII)

_HABITS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\s*print\s+[^(\s=]"), "print is a function: print(...)."),
    (re.compile(r"\s*(const|let|var)\s+\w"), "Python declares no variables: name = value."),
    (re.compile(r"\s*(async\s+)?function(\s+\w+)?\s*\("), "A function begins with def name(...):"),
    (re.compile(r"\s*else\s+if\b"), "Python writes elif."),
    (
        re.compile(r"\s*[\w.\[\]]+(\+\+|--)\s*;?\s*$"),
        "Python has no ++ and --: write += 1 and -= 1.",
    ),
    (re.compile(r"\s*(//|/\*)"), "A comment begins with #."),
)
# Where the compiler stops.
_MARKS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"&&|\|\|"), "Python writes and, or and not."),
    (re.compile("[\u201c\u201d\u2018\u2019]"), "The quotes are typographic: use \" or '."),
)


def hint(error: BaseException) -> str | None:
    """Answer what the line should be, for a run's own code that is no Python."""
    line = _line(error)
    words = line.split()
    if not words:
        return None
    command = words[0]
    if type(error) is NameError and getattr(error, "name", None) != command:
        return None
    is_command = len(words) == 1 or not _OPERATOR.fullmatch(words[1])
    if is_command and command in _INSTALLERS:
        return f"That is a command: begin the line with %, as in %{line.strip()}"
    if is_command and command in _COMMANDS:
        return f"That is a command of the shell: begin the line with !, as in !{line.strip()}"
    if type(error) is NameError:
        return None
    for pattern, advice in _HABITS:
        if pattern.match(line):
            return advice
    column = (getattr(error, "offset", None) or 0) - 1
    for pattern, advice in _MARKS:
        if column >= 0 and pattern.search(line, max(column - 1, 0), column + 2):
            return advice
    return None


def _line(error: BaseException) -> str:
    """Answer the line of the run that cannot be compiled, or has a name that is not there."""
    if isinstance(error, SyntaxError):
        return _of_run(str(error.filename), error.lineno or 0)
    if type(error) is not NameError or error.__traceback__ is None:
        return ""
    *_, frame = frames_of(error)
    return _of_run(frame.f_code.co_filename, frame.f_lineno)


def _of_run(filename: str, number: int) -> str:
    return linecache.getline(filename, number) if filename.startswith("<run ") else ""
