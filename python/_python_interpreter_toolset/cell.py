"""Compiling the source of one run into the pieces that are executed one after the other."""

from __future__ import annotations
import __future__

import ast
from types import CodeType

_CO_COROUTINE = 0x80  # inspect.CO_COROUTINE, without the cost of importing inspect
_FUTURE_FLAGS = 0
for _name in __future__.all_feature_names:
    _FUTURE_FLAGS |= getattr(__future__, _name).compiler_flag


class Compiler:
    """Compiles runs; like the Python prompt, it remembers `from __future__` imports."""

    def __init__(self) -> None:
        """Start without any `from __future__` import."""
        self._flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT

    def compile(self, source: str, filename: str, echo: str) -> list[CodeType]:
        """Answer the code objects of `source`, all compiled before the first is executed.

        Expression statements that `echo` ('all', 'last' or 'none') shows are a piece each, compiled
        as the prompt does, so that their value goes to `sys.displayhook`. Raises what `compile`
        raises: SyntaxError, ValueError, RecursionError, MemoryError, UnicodeEncodeError.
        """
        tree: ast.Module = compile(
            source, filename, "exec", self._flags | ast.PyCF_ONLY_AST, dont_inherit=True
        )
        shown = _shown(tree.body, source, echo)
        pieces: list[CodeType] = []
        group: list[ast.stmt] = []
        for statement in tree.body:
            if statement not in shown:
                group.append(statement)
                continue
            pieces += self._compile_group(group, filename)
            group = []
            pieces.append(self._compile(ast.Interactive([statement]), filename, "single"))
        return pieces + self._compile_group(group, filename)

    def _compile_group(self, statements: list[ast.stmt], filename: str) -> list[CodeType]:
        if not statements:
            return []
        code = self._compile(ast.Module(statements, type_ignores=[]), filename, "exec")
        if len(statements) > 1 and is_coroutine(code):
            # One by one, so that statements beside an `await` run outside the event loop:
            # asyncio.run() refuses to work inside.
            return [
                self._compile(ast.Module([statement], type_ignores=[]), filename, "exec")
                for statement in statements
            ]
        return [code]

    def _compile(self, tree: ast.Module | ast.Interactive, filename: str, mode: str) -> CodeType:
        code: CodeType = compile(tree, filename, mode, self._flags, dont_inherit=True)
        self._flags |= code.co_flags & _FUTURE_FLAGS
        return code


def is_coroutine(code: CodeType) -> bool:
    """Answer whether evaluating `code` gives a coroutine, because it awaits at its top level."""
    return bool(code.co_flags & _CO_COROUTINE)


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
