"""The tree of a source with notebook syntax: calls of `Magics` stand where that stood.

Every other line is parsed as it is, and all positions are those of the source as written, so that
tracebacks and errors show that.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from .syntax import Found, NotebookSource

MAGICS = "%magics"  # the name by which code finds a `Magics`: one that it cannot spell itself

_OPTIONS = re.compile(r"(?:-[nr]\s*\d+(?:\s+|$))*")

_TIMED_STATEMENTS = "with _: pass"
# The names are those of the module timeit. The function is timed by its decorator, which answers
# None; what that is bound to is no name that code could use.
_TIMED_LOOP = """
@_
def _(_it, _timer):
    _t0 = _timer()
    for _i in _it: pass
    return _timer() - _t0
"""
_TIMED_NAME = "%timeit"

_Node = TypeVar("_Node", bound=ast.AST)


class Notebook(NamedTuple):
    """What a source with notebook syntax comes to."""

    tree: ast.Module
    around: list[tuple[str, str]]
    """Name and argument of the cell magics inside of which the tree is run, outermost first."""


def parse(source: str, filename: str, flags: int) -> Notebook | None:
    """Answer the tree of `source`, parsed with these `flags`; None if it has no notebook syntax.

    Raises SyntaxError for what is neither that nor Python, and for a magic that is not known.
    """
    try:
        return _parse(source, filename, flags)
    except SyntaxError as error:
        raise error.with_traceback(None) from None  # where it was found is nobody's business


def _parse(source: str, filename: str, flags: int) -> Notebook | None:
    notebook = NotebookSource(source, filename)
    had_fence = notebook.take_off_fence()
    builder = _Builder(notebook, filename, flags)
    around: list[tuple[str, str]] = []
    while cell := notebook.take_cell_magic():
        from .cell_magics import AROUND_MAGICS

        if cell.mark not in AROUND_MAGICS:
            return Notebook(builder.cell(cell), around)
        around.append((cell.mark, cell.argument))
    tree = builder.tree()
    return Notebook(tree, around) if had_fence or around or notebook.found else None


class _Builder:
    """Builds the tree of one source."""

    def __init__(self, source: NotebookSource, filename: str, flags: int) -> None:
        self._source = source
        self._filename = filename
        self._flags = flags

    def tree(self) -> ast.Module:
        """Answer the tree of the lines."""
        self._source.find()
        written = self._source.written
        try:
            tree: ast.Module = compile(
                "\n".join(self._source.lines),
                self._filename,
                "exec",
                self._flags | ast.PyCF_ONLY_AST,
                dont_inherit=True,
            )
        except SyntaxError as error:
            if error.lineno is not None and error.lineno <= len(written):
                error.text = written[error.lineno - 1]
            raise
        calls = _Calls(self._source.found, self._statement, self._expression)
        replaced: ast.Module = calls.visit(tree)
        return replaced

    def cell(self, cell: Found) -> ast.Module:
        """Answer the tree of a cell whose magic takes the lines below it."""
        if cell.mark == "%%timeit":
            options, setup = _split_options(cell)
            statement = self._timed_loop(cell, options, self._parse(setup), self.tree().body)
        else:
            below = "\n".join(self._source.lines[cell.line :])
            text = below if below.endswith("\n") or not below else below + "\n"
            statement = self._at(cell, ast.Expr(_call("cell", cell.mark, cell.argument, text)))
        return ast.Module([statement], [])

    def _statement(self, found: Found) -> ast.stmt:
        """Answer the statement that a line stands for."""
        if found.mark == "%timeit":
            options, code = _split_options(found)
            return self._timed_loop(found, options, [], self._parse(code))
        if found.mark != "%time":
            return self._at(found, ast.Expr(self._expression(found)))
        body = self._parse(found)
        if len(body) == 1 and isinstance(body[0], ast.Expr):
            # It ends where its value does: a semicolon behind that keeps it from being shown.
            body[0].value = self._timed(found, body[0].value)
            return body[0]
        timed = ast.parse(_TIMED_STATEMENTS).body[0]
        assert isinstance(timed, ast.With)
        timed.items[0].context_expr = _call("timing")
        self._at(found, timed)
        timed.body = self._some(found, body)
        return timed

    def _expression(self, found: Found) -> ast.expr:
        """Answer the expression that a line, or the right side of an assignment, stands for."""
        if found.mark == "%timeit":
            raise self._source.error("%timeit has no value", found)
        if found.mark == "%time":
            body = self._parse(found)
            if len(body) != 1 or not isinstance(body[0], ast.Expr):
                raise self._source.error("the value of %time needs an expression", found)
            return self._timed(found, body[0].value)
        if found.mark[0] == "?":
            call = _call("explain", found.argument, found.mark == "??")
        elif found.mark[0] == "%":
            call = _call("line", found.mark, found.argument)
        elif found.mark == "!" and not found.is_assigned:
            call = _call("shell", found.argument)
        else:
            call = _call("lines", found.argument)
        return self._at(found, call)

    def _timed(self, found: Found, value: ast.expr) -> ast.Call:
        """Answer a call that has the value of `value`: its arguments are evaluated in order."""
        call = self._at(found, _call("timed", _call("clock")))
        call.args.append(value)
        return call

    def _timed_loop(
        self, found: Found, options: str, setup: list[ast.stmt], body: list[ast.stmt]
    ) -> ast.stmt:
        function = ast.parse(_TIMED_LOOP).body[0]
        assert isinstance(function, ast.FunctionDef)
        function.name = _TIMED_NAME
        function.decorator_list = [_call("timeit", options)]
        self._at(found, function)
        loop = function.body[1]
        assert isinstance(loop, ast.For)
        loop.body = self._some(found, body)
        function.body[:0] = setup
        return function

    def _some(self, found: Found, body: list[ast.stmt]) -> list[ast.stmt]:
        if not body:
            raise self._source.error(f"{found.mark} needs code to time", found)
        return body

    def _parse(self, found: Found) -> list[ast.stmt]:
        """Answer the statements that an argument is, with the positions that they have."""
        inner = NotebookSource(found.argument, self._filename)
        written = self._source.written
        try:
            body = _Builder(inner, self._filename, self._flags).tree().body
        except SyntaxError as error:
            _move_error(error, found.line - 1, found.argument_at)
            error.text = written[(error.lineno or 1) - 1]
            raise
        shift = _width(written[found.line - 1][: found.argument_at])
        for statement in body:
            for node in ast.walk(statement):
                _move(node, found.line - 1, shift)
        return body

    def _at(self, found: Found, node: _Node) -> _Node:
        """Answer `node`, all of it where `found` stands."""
        for part in ast.walk(node):
            if "lineno" in part._attributes:
                part.lineno, part.col_offset = found.line, _width(found.before)  # type: ignore[attr-defined]
                part.end_lineno = found.last_line  # type: ignore[attr-defined]
                part.end_col_offset = _width(self._source.written[found.last_line - 1].rstrip())  # type: ignore[attr-defined]
        return node


class _Calls(ast.NodeTransformer):
    """Puts what was found into a tree, in place of the placeholders."""

    def __init__(
        self,
        found: dict[tuple[int, int], Found],
        statement: Callable[[Found], ast.stmt],
        expression: Callable[[Found], ast.expr],
    ) -> None:
        self._found = found
        self._statement = statement
        self._expression = expression

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        found = self._found.get((node.lineno, node.col_offset))
        return self.generic_visit(node) if found is None else self._statement(found)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        found = self._found.get((node.lineno, node.col_offset))
        return node if found is None else self._expression(found)


def _call(method: str, *arguments: str | bool | ast.expr) -> ast.Call:
    function = ast.Attribute(ast.Name(MAGICS, ast.Load()), method, ast.Load())
    values = [a if isinstance(a, ast.expr) else ast.Constant(a) for a in arguments]
    return ast.Call(function, values, [])


def _split_options(found: Found) -> tuple[str, Found]:
    """Answer the options that an argument begins with, and the rest of it."""
    options = _OPTIONS.match(found.argument)
    assert options is not None
    at = options.end()
    rest = found._replace(argument=found.argument[at:], argument_at=found.argument_at + at)
    return options[0], rest


def _move(node: ast.AST, lines: int, columns: int) -> None:
    """Move a node so many lines down, and by so many bytes where it was in the first line."""
    for line, column in (("lineno", "col_offset"), ("end_lineno", "end_col_offset")):
        was = getattr(node, line, None)
        if was == 1:
            setattr(node, column, getattr(node, column) + columns)
        if was is not None:
            setattr(node, line, was + lines)


def _move_error(error: SyntaxError, lines: int, columns: int) -> None:
    """Move an error likewise; its columns are in characters, and older versions have no end."""
    for line, column in (("lineno", "offset"), ("end_lineno", "end_offset")):
        was = getattr(error, line, None)
        if was == 1 and getattr(error, column, None):
            setattr(error, column, getattr(error, column) + columns)
        if was is not None:
            setattr(error, line, was + lines)


def _width(text: str) -> int:
    """Answer the bytes of `text`, in which trees count columns."""
    return len(text.encode())
