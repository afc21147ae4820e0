# %% a warning goes to standard error
import warnings
warnings.warn("not on stdout")
print("printed")

# %% recorded warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    warnings.warn("first")
    warnings.warn("second", DeprecationWarning)
print([(str(w.message), w.category.__name__, w.lineno) for w in caught])

# %% warnings shown on standard output
def show(message, category, filename, lineno, file=None, line=None):
    print(f"{category.__name__} at {lineno}: {message}")
warnings.showwarning, usual = show, warnings.showwarning
warnings.warn("shown")

# %% the same warning again, on the same line
# One line.
# Another.
# And another.
warnings.warn("shown"); print("same text and line")

# %% the same warning in a third run
# One line.
# Another.
# And another.
warnings.warn("shown"), print("still the same text and line")

# %% once for each place within a run
for n in range(3):
    warnings.warn("in a loop")
warnings.warn("in a loop")

# %% different texts from one place
for n in range(2): warnings.warn(f"number {n}")

# %% categories that are hidden by default
for category in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning, FutureWarning):
    warnings.warn(category.__name__.lower(), category)

# %% a category of one's own
class OddWarning(RuntimeWarning): pass
warnings.warn(OddWarning("odd"))

# %% the level of the caller
def old():
    warnings.warn("old is old", DeprecationWarning, stacklevel=2)
old()

# %% from inside a function, once
def inside(): warnings.warn("inside")
inside(); inside()

# %% ignored by message
with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="quiet.*")
    warnings.warn("quiet please")
    warnings.warn("not quiet")

# %% ignored by category
with warnings.catch_warnings():
    warnings.simplefilter("ignore", category=UserWarning)
    warnings.warn("user")
    warnings.warn("runtime", RuntimeWarning)

# %% always
with warnings.catch_warnings():
    warnings.simplefilter("always")
    [warnings.warn("every time") for _ in range(2)]

# %% once
with warnings.catch_warnings():
    warnings.simplefilter("once")
    for text in ("once a", "once b", "once a"):
        warnings.warn(text)

# %% turned into errors
with warnings.catch_warnings():
    warnings.filterwarnings("error", category=FutureWarning)
    print("before")
    warnings.warn("becomes an error", FutureWarning, 2)
    print("never")

# %% the filters are back
warnings.warn("no error", category=FutureWarning)
print("after it")

# %% an error caught as a warning
with warnings.catch_warnings():
    warnings.simplefilter(action="error")
    try:
        warnings.warn("caught")
    except UserWarning as warning:
        print("as an exception:", warning)

# %% catch_warnings undoes what was set
before = list(warnings.filters)
with warnings.catch_warnings():
    warnings.resetwarnings()
    print(warnings.filters)
warnings.filters == before

# %% a filter that lasts to the next cell
warnings.filterwarnings("ignore", "lasting")

# %% the filter of the cell before
warnings.warn("lasting")
warnings.warn("passing")

# %% filters removed again
warnings.filters = [f for f in warnings.filters if not (f[1] and f[1].match("lasting"))]
warnings.warn("lasting" + "")

# %% warn_explicit
warnings.warn_explicit("explicit", UserWarning, "some/file.py", 12, module="some.file")

# %% formatwarning
print(warnings.formatwarning("text", UserWarning, "file.py", 3, line="the line = 1"), end="")

# %% formatting with a source line that is looked up
text = warnings.formatwarning("looked up", Warning, old.__code__.co_filename, old.__code__.co_firstlineno + 1)
print(text.splitlines()[-1].strip())

# %% a syntax warning of the compiler: is with a literal
1 is 1

# %% a syntax warning: an invalid escape
pattern = "\d+" + r"\d"

# %% a syntax warning: calling a tuple
def never():
    return [(1, 2) (3, 4)]

# %% an assertion on a tuple
assert (1, "always true")

# %% a syntax warning in compiled text
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("default")
    code = compile("'' is n", "<text>", "eval")
len(caught), caught[0].category.__name__, caught[0].lineno

# %% a syntax warning that is an error
with warnings.catch_warnings():
    warnings.simplefilter("error")
    exec("x = 1 if 2 is 3 else 4")

# %% a coroutine that was never awaited
async def never_awaited(): pass
never_awaited()
print("collected")

# %% numpy: division
import numpy as np
np.array([1.0, -1.0, 0.0]) / 0

# %% numpy: errors raised
with np.errstate(all="raise"):
    np.float64(1) / np.float64(0)

# %% numpy: mean of nothing
np.mean([])

# %% numpy: overflow of integers and logarithms
print(np.array([200], dtype=np.uint8) + np.uint8(100))
np.log(np.array([-1.0, 0.0, 1.0]))

# %% numpy: a call in place of the warning
with np.errstate(divide="call", call=None) as _, warnings.catch_warnings():
    saved = np.seterrcall(lambda kind, flag: print("called for", kind))
    np.divide([1.0], [0.0])
np.seterrcall(saved) is not None

# %% numpy: polyfit of too few points
np.polyfit([1, 1], [1, 2], 1).round(2).shape

# %% pandas: dates without a format
import pandas as pd
pd.to_datetime(["13/01/2024", "14/01/2024"]).day.tolist()

# %% pandas: chained assignment and copies
frame = pd.DataFrame({"a": [1, 2, 3]})
frame[frame["a"] > 1]["a"] = 0
frame["a"].tolist()

# %% pandas: a regular expression with groups
pd.Series(["a1", "b"]).str.contains(r"(\d)").sum()

# %% pandas: an attribute that looks like a column
frame.new_list = [1, 2, 3]
list(frame)

# %% scipy: a constant input
from scipy import stats
stats.pearsonr([1, 1, 1], [1, 2, 3]).statistic

# %% scipy: an integral that does not converge
from scipy.integrate import quad
abs(quad(lambda t: 1 / t if t else 0.0, -1, 1, limit=2)[0]) < 1e9

# %% scikit-learn: not converged
from sklearn.linear_model import LogisticRegression
model = LogisticRegression(max_iter=1).fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
model.n_iter_

# %% scikit-learn: names of features
from sklearn.preprocessing import StandardScaler
StandardScaler().fit(frame).transform(frame.to_numpy()).ravel().round(3)

# %% matplotlib: too many figures
import matplotlib.pyplot as plt
with plt.rc_context({"figure.max_open_warning": 1}):
    plt.figure(), plt.figure()
plt.close("all")

# %% matplotlib: no artists for a legend
plt.plot([1, 2])
plt.legend()
plt.close()

# %% an unclosed file
import os, sys, tempfile
with tempfile.TemporaryDirectory() as folder:
    file = open(os.path.join(folder, "f"), "w")
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        sys.unraisablehook, hook = (lambda info: print(info.exc_type.__name__)), sys.unraisablehook
        del file
        sys.unraisablehook = hook

# %% a warning from a thread
import threading
t = threading.Thread(target=lambda: warnings.warn("from a thread"))
t.start(), t.join()

# %% a warning before an error
warnings.warn("before the error")
{}["error"]

# %% a warning when converting
bool(~True), int("1_000")

# %% the deprecated decorator of an older function
import functools
def deprecated(f):
    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        warnings.warn(f"{f.__name__} is deprecated", DeprecationWarning, stacklevel=2)
        return f(*args, **kwargs)
    return wrapper
@deprecated
def double(n): return 2 * n
double(n=4)

# %% captured by logging
import logging, sys
logging.captureWarnings(True)
handler = logging.StreamHandler(sys.stdout)
handler.setFormatter(logging.Formatter("%(name)s %(levelname)s"))
logging.getLogger("py.warnings").addHandler(handler)
warnings.warn("logged")
logging.getLogger("py.warnings").removeHandler(handler)
logging.captureWarnings(False)

# %% showwarning put back
warnings.showwarning = usual
warnings.warn("to standard error again", stacklevel=1)

# %% counting what a library warned about
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    np.sqrt([-1.0]), np.nanmean([np.nan])
sorted({str(w.category.__name__) for w in caught}), len(caught)
