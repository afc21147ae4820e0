"""Finding notebook syntax in a source: magics, shell commands, questions, and code fences.

Only a source that is not Python is looked at, and only where a statement starts: never inside a
string, a comment or brackets. Whether one starts is what the tokenizer says of the lines before.
The syntax is that of IPython: https://ipython.readthedocs.io/en/stable/interactive/reference.html
"""

from __future__ import annotations

import re
import tokenize
from collections.abc import Iterator
from typing import NamedTuple

PLACEHOLDER = "_"

_NAME = r"[^\W\d]\w*"
_TARGET = rf"\*?{_NAME}(?:\.{_NAME}|\[[^\[\]=]*\])*"
_CALL = re.compile(
    rf"(?P<targets>{_TARGET}(?:\s*,\s*{_TARGET})*\s*=\s*)?"
    rf"(?:(?P<shell>!!?)(?!=)|%(?P<magic>%?{_NAME}))\s*"
)
_ASKED = rf"%{{0,2}}{_NAME}(?:\.{_NAME}|\[(?:-?\d+|'[^']*'|\"[^\"]*\")\])*"
_QUESTION = re.compile(rf"(?P<first>\?{{0,2}})\s*(?P<asked>{_ASKED})(?P<last>\?{{0,2}})\s*")
_CELL = re.compile(r"(%%\w+)\s*")
_FENCE = re.compile(r"\s*(```+|~~~+)\s*(i?python3?|py3?)?\s*", re.IGNORECASE)
_FENCE_END = re.compile(r"\s*(```+|~~~+)\s*")
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")


class Found(NamedTuple):
    """A piece of notebook syntax: one line, and those that it goes on in after a backslash."""

    mark: str
    """`!`, `!!`, `?`, `??`, or the name of a magic with its `%`."""
    argument: str
    argument_at: int
    """The column of the argument, in characters."""
    before: str
    """What stands before it in its line: white space, or the targets of an assignment."""
    line: int
    last_line: int

    @property
    def is_assigned(self) -> bool:
        """Answer whether it is the right side of an assignment."""
        return bool(self.before.strip())


class NotebookSource:
    """The lines of a source, and what is found in them."""

    def __init__(self, source: str, filename: str) -> None:
        """Look at nothing yet."""
        # The parser's own idea of a line; str.splitlines() has others.
        self.written = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self.lines = list(self.written)
        """As the parser is to see them: without what has been found."""
        self.found: dict[tuple[int, int], Found] = {}
        """By the line and column of its placeholder; columns are in bytes, as in trees."""
        self._filename = filename
        self._fed = self._end = 0
        self._at_start = True

    def take_off_fence(self) -> bool:
        """Take off the Markdown fence around all of it; answer whether there is one."""
        filled = [number for number, line in enumerate(self.lines) if line.strip()]
        if len(filled) < 2:
            return False
        first, last = filled[0], filled[-1]
        if not (_FENCE.fullmatch(self.lines[first]) and _FENCE_END.fullmatch(self.lines[last])):
            return False
        self.lines[first] = ""
        del self.lines[last:]
        return True

    def take_cell_magic(self) -> Found | None:
        """Take off the cell magic that the code begins with, if it does.

        Raises SyntaxError for one that is not known.
        """
        for number, line in enumerate(self.lines):
            if not line.strip() or line.startswith("#"):
                continue
            cell = _CELL.match(line)
            if cell is None:
                return None
            found = Found(
                cell[1], line[cell.end() :].rstrip(), cell.end(), "", number + 1, number + 1
            )
            self._require_known(found)
            self.lines[number] = ""
            return found
        return None

    def find(self) -> None:
        """Find the notebook syntax in the lines, and put placeholders there.

        Raises SyntaxError for a magic that is not known.
        """
        # Most sources that do not compile have no line that could be any: they are not tokenized.
        looks_like_it = [n for n in range(len(self.lines)) if self._look_at(n) is not None]
        if not looks_like_it:
            return
        self._end = looks_like_it[-1] + 1
        depth = 0
        try:
            for token in tokenize.generate_tokens(self._feed().__next__):
                if token.type == tokenize.OP:
                    depth += (token.string in _OPENING) - (token.string in _CLOSING)
                self._at_start = depth == 0 and token.type in (tokenize.NEWLINE, tokenize.NL)
        except (tokenize.TokenError, SyntaxError):
            pass  # the parser, which stops there too, says better what is wrong
        for found in self.found.values():
            if found.mark[0] == "%":
                self._require_known(found)

    def error(self, message: str, found: Found) -> SyntaxError:
        """Answer the error that `message` is about what was found."""
        text = self.written[found.line - 1]
        return SyntaxError(message, (self._filename, found.line, len(found.before) + 1, text))

    def _feed(self) -> Iterator[str]:
        """Yield each line when the tokenizer has told all of those before it."""
        while self._fed < self._end:
            if self._at_start:
                self._replace(self._fed)
            line = self.lines[self._fed]
            self._fed += 1
            self._at_start = False  # until a token ends the line, it goes on in the next
            yield line + "\n"

    def _replace(self, number: int) -> None:
        found = self._look_at(number)
        if found is None:
            return
        self.lines[number] = found.before + PLACEHOLDER
        for taken in range(found.line, found.last_line):
            self.lines[taken] = ""
        self.found[found.line, len(found.before.encode())] = found

    def _look_at(self, number: int) -> Found | None:
        line = self.lines[number]
        text = line.lstrip()
        before = line[: len(line) - len(text)]
        question = _QUESTION.fullmatch(text)
        if question and (question["first"] == "") != (question["last"] == ""):
            mark = question["first"] or question["last"]
            return Found(mark, question["asked"], 0, before, number + 1, number + 1)
        call = _CALL.match(text)
        if call is None:
            return None
        start, last = len(before) + call.end(), number
        while line.endswith("\\") and last + 1 < len(self.lines):
            last += 1
            line += "\n" + self.lines[last]
        before += call["targets"] or ""
        mark = call["shell"] or "%" + call["magic"]
        return Found(mark, line[start:].rstrip(), start, before, number + 1, last + 1)

    def _require_known(self, found: Found) -> None:
        from .magics import known_magics

        known = known_magics()
        if found.mark in known:
            if not found.mark.startswith("%%") or not self._fed:
                return
            message = f"{found.mark} has to be the first line of the code"
        elif "%" + found.mark in known:
            message = f"{found.mark} is not known; %{found.mark} is, as the first line of the code"
        else:
            message = f"{found.mark} is not known; known are {', '.join(known)}, !command and name?"
        raise self.error(message, found)
