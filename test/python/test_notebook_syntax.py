"""Where notebook syntax is found in a source, and where it is not; what the source becomes then."""

import ast
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))

from _python_interpreter_toolset.notebook.syntax import NotebookSource
from _python_interpreter_toolset.notebook.tree import parse

# A command stands in the lines with `!yes`, and in no others.
SOURCES = [
    "!yes",
    "\n# a comment\n\n!yes # b\n# really?\n!yes",
    "if x:\n    !yes\n  \n    !yes\ny = !yes",
    "def f():\n    '''\n    !no\n    '''\n    !yes\n    for i in x:\n        !yes\n    !yes\n!yes",
    "async def f():\n  await x\n  !yes",
    "class A:\n\t!yes",
    "@d\ndef f(): pass\n!yes",
    's = """\n!no\n%no\n"""\n!yes',
    '"""\n!no\n%no\n"""\n!yes',
    "x = rb'''\n!no\n'''; y\n!yes",
    'f"""{x}\n!no\n{\ny\n}\n%no"""\n!yes',
    "x = f'{a!r:>{w}}'\n!yes",
    "(1,\n%no\n)\n!yes",
    "x = {\n'a': 1,\n!no\n}\n!yes\ny = [\n1]; z\n!yes",
    "a \\\n%no\n!yes",
    "a %\\\nno\n!yes",
    "print('a')\\\n\n!yes",
    "x = 'a = !no'\n!yes",
    "print('x = !no')\n!yes",
    "x['= !no'] = 1\n!yes",
    "x = y != z\n!yes",
    "% 3\n!yes",
    "!yes \\\n!no\n!yes",
    "x[0], *y.z = !yes",
    "é = !yes\nx['a']=!yes",
    "a ?\n!yes",
]
if sys.version_info >= (3, 12):
    SOURCES += [
        'x = f"{d["a = !no"]}"\n!yes',
        "f'{\n!no\n}'\n!yes",
        "f'''{\n%no\n}\n!no'''\n!yes",
        "f'''{x:\n!no}'''\n!yes",
    ]


class Finding(unittest.TestCase):
    def test_commands(self):
        for text in SOURCES:
            with self.subTest(text):
                source = NotebookSource(text, "<run 1>")
                source.find()
                lines = [found.line for found in source.found.values()]
                self.assertEqual(lines, self.lines_with(text, "!yes"))

    def lines_with(self, text, mark):
        return [number for number, line in enumerate(text.split("\n"), 1) if mark in line]

    def test_questions(self):
        for text, asked in [
            ("len?", ("?", "len")),
            ("  a.b[0]['c']??  ", ("??", "a.b[0]['c']")),
            ("?len", ("?", "len")),
            ("%cd?", ("?", "%cd")),
            ("%%bash??", ("??", "%%bash")),
            ("len(x)?", None),
            ("?len?", None),
            ("len???", None),
            ("what is this?", None),
        ]:
            with self.subTest(text):
                source = NotebookSource(text, "<run 1>")
                source.find()
                found = [(found.mark, found.argument) for found in source.found.values()]
                self.assertEqual(found, [] if asked is None else [asked])


class Parsing(unittest.TestCase):
    def tree(self, text):
        notebook = parse(text, "<run 1>", 0)
        assert notebook is not None
        compile(notebook.tree, "<run 1>", "exec")
        return notebook.tree

    def error(self, text):
        with self.assertRaises(SyntaxError) as raised:
            parse(text, "<run 1>", 0)
        return raised.exception

    def test_what_is_no_notebook_syntax(self):
        for text in ["1", "def f():\n    return '!'"]:
            with self.subTest(text):
                self.assertIsNone(parse(text, "<run 1>", 0))

    def test_positions_are_those_of_the_source(self):
        text = "if x:\n    é = %time f(é, y)\n!ls"
        tree = self.tree(text)
        segments = [ast.get_source_segment(text, node) for node in ast.walk(tree)]
        self.assertIn("f(é, y)", segments)
        self.assertIn("%time f(é, y)", segments)
        self.assertEqual(ast.get_source_segment(text, tree.body[-1]), "!ls")

    def test_fences(self):
        self.assertEqual(len(self.tree("```python\nx\ny\n```").body), 2)
        self.assertEqual(self.tree("\n~~~\nx\n~~~\n\n").body[0].lineno, 3)
        self.assertEqual(self.error("```bash\nls\n```").lineno, 1)
        self.assertEqual(self.error("```python\nx\n```\ntext\n```python\ny\n```").lineno, 3)

    def test_cell_magics(self):
        (statement,) = self.tree("# why\n\n%%writefile a b\n!x\n\n").body
        name, argument, text = (constant.value for constant in statement.value.args)
        self.assertEqual((name, argument, text), ("%%writefile", "a b", "!x\n\n"))
        self.assertEqual(
            parse("%%capture a\n%%time\nx", "", 0).around, [("%%capture", "a"), ("%%time", "")]
        )

    def test_errors_are_about_the_source(self):
        for text, line, offset, said in [
            ("!ls\nx = = 1", 2, 5, "invalid syntax"),
            ("if x:\n!ls", 2, None, "expected an indented block"),
            ("x\n%time f(", 2, 8, "was never closed"),
            ("    x = 1\n!ls", 1, None, "unexpected indent"),
            ("x\n  %nothing 1", 2, 3, "%nothing is not known; known are %autoreload, %cd,"),
            ("%%nothing", 1, 1, "%%nothing is not known"),
            ("%writefile x", 1, 1, "%%writefile is, as the first line"),
            ("x\n%%time", 2, 1, "has to be the first line"),
            ("x = %time y = 1", 1, 5, "needs an expression"),
            ("x = %timeit y", 1, 5, "has no value"),
            ("%time", 1, 1, "needs code"),
            ("%timeit -n 5", 1, 1, "needs code"),
        ]:
            with self.subTest(text):
                error = self.error(text)
                self.assertIn(said, error.msg)
                self.assertEqual(
                    (error.lineno, error.text.rstrip()), (line, text.split("\n")[line - 1])
                )
                if offset is not None:
                    self.assertEqual(error.offset, offset)


if __name__ == "__main__":
    unittest.main()
