"""Compiling the source of one run into the pieces that are executed one after the other."""

from __future__ import annotations
import __future__

import ast
from types import CodeType
from typing import Optional

_CO_COROUTINE = 0x80  # inspect.CO_COROUTINE, without the cost of importing inspect
_FUTURE_FLAGS = 0
for _name in __future__.all_feature_names:
    _FUTURE_FLAGS |= getattr(__future__, _name).compiler_flag

# Without one of these, a source is neither several statements nor one with statements in it.
_OF_MORE = ("\n", "\r", ";", ":")

# A statement that names one of these starts a loop of its own, which needs that none is running.
_LOOP_STARTERS = {"run", "run_until_complete", "run_forever", "Runner"}

# Name and argument of each, outermost first.
Around = Optional[list[tuple[str, str]]]


class Compiler:
    """Compiles runs; like the Python prompt, it remembers `from __future__` imports."""

    def __init__(self) -> None:
        """Start without any `from __future__` import."""
        self._flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT

    def compile(self, source: str, filename: str, echo: str) -> tuple[list[CodeType], Around]:
        """Answer the code objects of `source`, all compiled before the first is executed.

        With them come the cell magics that they are run inside of: None where `source` is Python,
        without any notebook syntax.

        Expression statements that `echo` ('all', 'last' or 'none') shows are a piece each, compiled
        as the prompt does, so that their value goes to `sys.displayhook`. Raises what `compile`
        raises: SyntaxError, ValueError, RecursionError, MemoryError, UnicodeEncodeError.
        """
        line = self._compile_line(source, filename) if echo != "none" else None
        if line is not None:
            return [line], None
        tree, around = self._parse(source, filename)
        shown = _shown(tree.body, source, echo)
        pieces = self._compile_groups(_grouped(tree.body, shown), shown, filename)
        if any(map(is_coroutine, pieces)):
            # One by one: which of them runs inside of the event loop is decided for each.
            alone = [[statement] for statement in tree.body]
            pieces = self._compile_groups(alone, shown, filename)
        return pieces, around

    def _parse(self, source: str, filename: str) -> tuple[ast.Module, Around]:
        try:
            flags = self._flags | ast.PyCF_ONLY_AST
            return compile(source, filename, "exec", flags, dont_inherit=True), None
        except SyntaxError as error:
            no_python = error
        from .notebook.tree import parse

        notebook = parse(source, filename, self._flags)
        if notebook is None:
            raise no_python
        return notebook

    def _compile_line(self, source: str, filename: str) -> CodeType | None:
        """Answer the code of a source that can only be one simple statement; None for any other.

        Without the tree, it is compiled in half of the time.
        """
        if any(character in source for character in _OF_MORE):
            return None
        try:
            return self._compile(source, filename, "single")
        except SyntaxError:
            return None  # the error of a whole source can be another

    def _compile_groups(
        self, groups: list[list[ast.stmt]], shown: set[ast.stmt], filename: str
    ) -> list[CodeType]:
        return [
            self._compile(ast.Interactive(group), filename, "single")
            if group[0] in shown
            else self._compile(ast.Module(group, type_ignores=[]), filename, "exec")
            for group in groups
        ]

    def _compile(
        self, source: ast.Module | ast.Interactive | str, filename: str, mode: str
    ) -> CodeType:
        code: CodeType = compile(source, filename, mode, self._flags, dont_inherit=True)
        self._flags |= code.co_flags & _FUTURE_FLAGS
        return code


def is_coroutine(code: CodeType) -> bool:
    """Answer whether evaluating `code` gives a coroutine, because it awaits at its top level."""
    return bool(code.co_flags & _CO_COROUTINE)


def starts_a_loop(code: CodeType) -> bool:
    """Answer whether `code` may start an event loop, such as with `asyncio.run()`."""
    return not _LOOP_STARTERS.isdisjoint(code.co_names)


def _grouped(body: list[ast.stmt], shown: set[ast.stmt]) -> list[list[ast.stmt]]:
    """Answer the statements in groups that can be compiled together; a shown one is alone."""
    groups: list[list[ast.stmt]] = []
    for statement in body:
        if statement in shown or not groups or groups[-1][0] in shown:
            groups.append([statement])
        else:
            groups[-1].append(statement)
    return groups


def _shown(body: list[ast.stmt], source: str, echo: str) -> set[ast.stmt]:
    candidates = body if echo == "all" else body[-1:] if echo == "last" else []
    expressions = [statement for statement in candidates if isinstance(statement, ast.Expr)]
    if ";" not in source:
        return set(expressions)
    # The parser's own idea of a line; str.splitlines() has others.
    lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return {expression for expression in expressions if not _is_silenced(expression, lines)}


def _is_silenced(expression: ast.Expr, lines: list[str]) -> bool:
    """Answer whether a semicolon ends both the expression and its line, as notebooks silence."""
    assert expression.end_lineno is not None and expression.end_col_offset is not None
    line = lines[expression.end_lineno - 1].encode("utf-8", "surrogatepass")
    rest = line[expression.end_col_offset :].strip()
    return rest.startswith(b";") and rest[1:].lstrip()[:1] in (b"", b"#")
