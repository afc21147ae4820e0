"""Reads the corpus: one file per kind, one session per file, cells after `# %% title` lines.

Run as a program, it prints a JSON array of all cells of the files named, each with its shape.
"""

import io
import json
import keyword
import sys
import tokenize
from pathlib import Path
from typing import NamedTuple

MARK = "# %% "


class Cell(NamedTuple):
    """One cell: what it is called and what is run."""

    title: str
    code: str


def read_cells(path: Path) -> list[Cell]:
    """The cells of a corpus file, in order; blank lines at the end of a cell are not part of it."""
    cells: list[Cell] = []
    for part in ("\n" + path.read_text(encoding="utf-8")).split("\n" + MARK)[1:]:
        title, _, code = part.partition("\n")
        cells.append(Cell(title.strip(), code.rstrip("\n")))
    return cells


def shape(code: str) -> str:
    """What is left of the code when names, numbers, strings, comments and blank lines are alike."""
    tokens: list[str] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            if token.type == tokenize.NAME and not keyword.iskeyword(token.string):
                tokens.append("name")
            elif token.type == tokenize.NUMBER:
                tokens.append("0")
            elif token.type == tokenize.STRING:
                tokens.append("''")
            elif token.type in (tokenize.INDENT, tokenize.DEDENT, tokenize.NEWLINE):
                tokens.append(tokenize.tok_name[token.type])
            elif token.type not in (tokenize.COMMENT, tokenize.NL):
                tokens.append(token.string)
    except (tokenize.TokenError, SyntaxError) as error:
        tokens.append(type(error).__name__)
    return " ".join(tokens)


def main() -> None:
    """Print the cells of the files named on the command line."""
    cells = [
        {"kind": path.stem, "title": cell.title, "code": cell.code, "shape": shape(cell.code)}
        for path in map(Path, sys.argv[1:])
        for cell in read_cells(path)
    ]
    json.dump(cells, sys.stdout)


if __name__ == "__main__":
    main()
