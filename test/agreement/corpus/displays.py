# %% print with separators and ends
print("a", 1, None, [2.5], sep=" | ", end=" <\n")
print(*"xyz", sep="\n")
print()
print("", end="")

# %% print flushed in pieces
for n in range(3):
    print(n, end="...", flush=True)
print("done")

# %% progress with carriage returns
for percent in (0, 50, 100):
    print(f"\r{percent:3d}%", end="")
print("\rready")

# %% backspaces, tabs, form feeds and bells
print("ab\bc", "\td", "\fe\ag\vh", sep="")

# %% NUL and other control characters
print("a\0b" + "\x01c" "\x7f")

# %% text in many scripts
print("Ελλάδα", "日本語", "עברית", "हिन्दी", "👩‍👩‍👧", "e\u0301", "\u2028|", sep=", ")

# %% box drawing
print("\n".join(["┌──┬──┐", "│ 1│ 2│", "└──┴──┘"]))

# %% a very long line
print("x" * 5000)

# %% many lines
for n in range(500): print(n)

# %% writing to the streams
import sys
sys.stdout.write("out\n")
sys.stdout.writelines(["several ", "pieces\n"])
sys.stderr.write("not on stdout\n");

# %% standard error stays apart
print("1 out")
print("2 err", file=sys.stderr)
print("3 out")

# %% writing to the descriptor
import os
os.write(1, "raw ä\n".encode())

# %% a subprocess that inherits the output
import subprocess
subprocess.run([sys.executable, "-S", "-c", "print('from a child')"], check=True).returncode

# %% a shell command
os.system(command="echo shell; echo hidden >&2")

# %% a forked child that writes to the descriptor
child = os.fork()
if child == 0:
    os.write(1, b"forked\n")
    os._exit(7)
os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

# %% the display hook, called for any value
for value in (1, None, "two", [3]):
    sys.displayhook(value)

# %% the display hook between prints
print("before")
sys.displayhook({"in": "between"})

# %% a display hook of one's own
def hook(value): print("hooked:", value)
saved, sys.displayhook = sys.displayhook, hook
6 * 7

# %% the display hook of the next cell
sys.displayhook = saved
"shown as always"

# %% the value when standard output was replaced
import io
usual, caught = sys.stdout, io.StringIO()
sys.stdout = caught
"value in spite of it"

# %% standard output put back
sys.stdout = usual
print(repr(caught.getvalue()))

# %% str and repr of one class
class Both:
    def __str__(self): return "as str"
    def __repr__(self): return "as repr"
    def __format__(self, spec): return f"as format {spec!r}"
print(Both(), [Both()], f"{Both():>x} {Both()!s} {Both()!r:<8}|")

# %% a class with html
class Html:
    def _repr_html_(self): return "<b>bold</b>"
    def __repr__(self): return "Html()"
Html()

# %% a class with a pretty representation
class Pretty:
    def _repr_pretty_(self, p, cycle): p.text("pretty!")
    def __repr__(self): return "plain"
Pretty()

# %% a representation that raises
class Broken:
    def __repr__(self): raise RuntimeError("no repr")
Broken()

# %% a representation that is no string
class Wrong:
    def __repr__(self): return 3
[Wrong()]

# %% pprint
from pprint import pformat, pp, pprint
pprint({"numbers": list(range(30)), "a": {"nested": ("x" * 30, "y" * 40)}}, width=60)
pp({"b": 1, "a": 2})
print(pformat([["deep", ["deeper", ["deepest"]]]], depth=2, indent=4))

# %% textwrap
import textwrap
text = "The quick brown fox jumps over the lazy dog and runs away. " * 2
print(textwrap.fill(text, width=40, initial_indent="* ", subsequent_indent="  "))
print(textwrap.shorten(text, 30), textwrap.dedent("""
    dedented
      text"""), sep="\n")

# %% a table of columns
rows = [("apple", 3, 0.5), ("banana", 12, 0.25), ("cherry", 100, 1 / 3)]
print("{:<10}{:>5}{:>8}".format("name", "n", "price"), "-" * 23, sep="\n")
for name, n, price in rows:
    print(f"{name:<10}{n:>5}{price:>8.2f}")

# %% csv to standard output
import csv
writer = csv.DictWriter(sys.stdout, ["name", "n"], extrasaction="ignore", lineterminator="\n")
writer.writeheader()
writer.writerows({"name": name, "n": n, "p": price} for name, n, price in rows)

# %% csv with its own line ends
csv.writer(sys.stdout, quoting=csv.QUOTE_ALL).writerow(["with \"quotes\"", "a,b", None])

# %% json with indentation
import json
json.dump({"a": [1, {"b": None}], "ü": "ü"}, sys.stdout, indent=2, ensure_ascii=False, sort_keys=True)

# %% logging to standard output
import logging
log = logging.getLogger("agreement")
log.addHandler(logging.StreamHandler(sys.stdout))
log.handlers[0].setFormatter(logging.Formatter("%(levelname)s:%(name)s:%(funcName)s:%(lineno)d: %(message)s"))
log.setLevel("INFO")
log.info("shown %d", 1)
log.debug("not shown")

# %% a logger of an earlier cell
def work():
    log.warning("from work")
work()

# %% templates
import string
string.Template("$who owes ${amount}€, $$5 and $missing").safe_substitute(who="he", amount=3)

# %% calendar
import calendar
calendar.prmonth(2024, 2)

# %% help of a function
def area(width: float, height: float = 1.0) -> float:
    """Width times height."""
    return width * height
help(area)

# %% help of a built-in method
help(str.upper)

# %% unified diff
import difflib
print(*difflib.unified_diff(["a", "b", "c"], ["a", "x", "c"], "old", "new", lineterm=""), sep="\n")

# %% a dump of a syntax tree
import ast
print(ast.dump(ast.parse("x = f(1)"), indent=1))
ast.unparse(ast.parse("if a:\n  b"))

# %% disassembly
import dis
len(list(dis.get_instructions(area))) > 3, dis.opname[dis.opmap["NOP"]]

# %% xml
from xml.dom import minidom
print(minidom.parseString("<a><b c='1'>text</b></a>").documentElement.toxml())

# %% shortened representations
import reprlib
print(reprlib.repr(list(range(100))), reprlib.repr("x" * 100))

# %% numpy arrays
import numpy as np
np.arange(6).reshape(2, 3)

# %% numpy with nan, inf and precision
np.array([1 / 3, np.nan, -np.inf, 1e-10, 123456.789])

# %% numpy printed
print(np.eye(3), np.array(["a", "bcd"]), np.array([True, False]), np.array([]), np.array(5), sep="\n")

# %% a large numpy array is summarised
np.zeros((1000, 1000))

# %% numpy structured, masked and complex arrays
print(np.array([(1, "a")], dtype=[("n", "i4"), ("s", "U1")]))
print(np.ma.masked_greater([1, 5, 2], 3), np.array([1 + 2j]), np.datetime64("2024-01-02"))

# %% numpy print options
with np.printoptions(precision=2, suppress=True, linewidth=40):
    print(np.linspace(0, 1, 15) ** 4)

# %% numpy scalars
np.float64(1.5), np.int8(-3), np.bool_(True), np.str_("s")

# %% dtypes and shapes
np.dtype("float32"), np.ones((2, 0)).shape, np.iinfo(np.int16).max

# %% an array in a list
[np.array([1, 2]), {"k": np.array([[1.0]])}]

# %% a list of wide arrays
[np.arange(12) * 1000, np.arange(12) * 1001]

# %% data frame
import pandas as pd
df = pd.DataFrame({"name": ["x", "y", "z"], "n": [1, 2, 3], "v": [0.5, None, 2.25]})
df

# %% data frame printed
print(df)
print(df.to_string(index=False, na_rep="-", float_format="%.1f"))

# %% series
df.set_index("name")["v"]

# %% data frame information
df.info(memory_usage=False, verbose=True)

# %% description and types
print(df.describe().round(2))
df.dtypes

# %% shape, columns and index
df.shape, list(df.columns), df.index

# %% grouped
df.assign(big=df["n"] > 1).groupby("big").agg(total=("n", "sum"), mean=("v", "mean"))

# %% hierarchical index
pd.DataFrame(
    {"v": range(4)},
    index=pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["letter", "number"]),
).unstack()

# %% dates in an index
pd.Series([1.0, 2.0], index=pd.date_range("2024-01-31", periods=2, freq="D"), name="days")

# %% categories, intervals and periods
print(pd.Categorical(["lo", "hi", "lo"], categories=["lo", "hi"], ordered=True))
print(pd.cut(pd.Series([1, 5, 9]), bins=[0, 3, 10]).tolist())
pd.Timedelta("1 day 2 hours"), pd.Period("2024-05", "M"), pd.NaT

# %% an empty frame
pd.DataFrame(columns=["a", "b"])

# %% a long frame is cut in the middle
pd.DataFrame({"square": np.arange(100) ** 2})

# %% a wide frame
pd.DataFrame(np.arange(45).reshape(3, 15) * 1000, columns=[f"column {n}" for n in range(15)])

# %% a frame with long text
pd.DataFrame({"text": ["w" * 80, "short"]})

# %% pandas options
with pd.option_context("display.max_rows", 4, "display.precision", 1):
    print(pd.DataFrame({"a": np.linspace(0, 1, 9)}))

# %% html of a frame
print(df.head(1)[["name"]].to_html(index=False, border=0))

# %% a frame in a list
[df[["n"]].head(1), 2]

# %% colours
for code in (31, 1):
    print(f"\x1b[{code}mstyled\x1b[0m plain")

# %% a lone surrogate printed
sys.stdout.write("before \ud800 after\n") and None

# %% a lone surrogate as a value
["\udc80"]

# %% bytes to the buffer of standard output
sys.stdout.buffer.write(b"bytes\n")

# %% the display function of notebooks
display("displayed", [1])

# %% a display with formats and a handle
class Formats:
    def __repr__(self): return "html()"
    def _repr_html_(self): return "<b>"
    def _repr_mimebundle_(self, include, exclude): return {"a/b": {}}, {}
handle = display(Formats(), exclude=["text/html"], display_id="handle")
print(handle.display_id == "handle", display(display_id=None) is None)

# %% a value that displays itself
class Itself:
    def _ipython_display_(self): display(("by", "itself"), metadata={})
Itself()

# %% a display without text
display({"text/html": "<i>"}, raw=True, include=None)

# %% an empty line and an empty string
print() or ""

# %% the poem
import this as poem
