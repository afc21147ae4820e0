# %% the frames of an error, with names and lines
import sys, traceback
def frames(error):
    return [(f.name, f.lineno) for f in traceback.extract_tb(error.__traceback__)]
def fail():
    raise ValueError("failed")
def call():
    return fail()
try:
    call()
except ValueError as error:
    print(frames(error))

# %% the source lines of an error
def lines(error):
    return [f.line for f in traceback.extract_tb(error.__traceback__)]
try:
    call()   # a comment
except ValueError as error:
    print(lines(error))

# %% source of an earlier cell, after another with as many lines
try:
    # one more line
    fail(
    )
except ValueError as error:
    print(lines(error)[-1], "|", frames(error)[0])

# %% the last line of a formatted traceback
try:
    {}["missing"]
except KeyError:
    print(traceback.format_exc().splitlines()[0])
    print(traceback.format_exc().splitlines()[-1])

# %% format_exception_only
for error in (ValueError("text"), KeyError("key"), OSError(2, "No such file", "f.txt"), KeyboardInterrupt()):
    print(*traceback.format_exception_only(type(error), error), end="")

# %% print_exception to standard output, without the stack
try:
    call()
except ValueError as error:
    traceback.print_exception(type(error), error, None, file=sys.stdout)

# %% print_exc goes to standard error
try:
    1 / 0
except ZeroDivisionError:
    traceback.print_exc()
print("nothing of it here")

# %% a limit
try:
    call()
except ValueError as error:
    print(len(traceback.format_tb(error.__traceback__, limit=1)), len(traceback.format_tb(error.__traceback__, limit=-1)))

# %% a cause
try:
    try:
        fail()
    except ValueError as error:
        raise LookupError("outer") from error
except LookupError as outer:
    print(repr(outer.__cause__), outer.__suppress_context__, frames(outer.__cause__))

# %% a context
try:
    try:
        fail()
    except ValueError:
        undefined_name
except NameError as outer:
    print(repr(outer.__context__), outer.__cause__, outer.name)

# %% from None
try:
    try:
        fail()
    except ValueError:
        raise TypeError("only this") from None
except TypeError as outer:
    print(outer.__suppress_context__, len([l for l in traceback.format_exception(outer) if "During" in l]))

# %% the words between chained errors
def between(error):
    return [l.strip() for l in traceback.format_exception(error) if l.startswith("\n")]
try:
    try:
        fail()
    finally:
        [].index(1)
except ValueError as error:
    print(between(error))

# %% notes
error = RuntimeError("noted")
error.add_note("first note")
error.add_note("second\nnote")
print(*traceback.format_exception_only(error), sep="", end="")

# %% frames of a comprehension, a lambda and a generator
def each(values):
    yield from (10 // v for v in values)
try:
    (lambda: [n for n in each([1, 0])])()
except ZeroDivisionError as error:
    print([name for name, line in frames(error)], frames(error)[-1][1])

# %% frames of a class body
try:
    class Body:
        x = 1
        y = x + None
except TypeError as error:
    print(frames(error))

# %% frames of methods, properties and decorators
import functools
def logged(f):
    @functools.wraps(f)
    def wrapper(*args):
        return f(*args)
    return wrapper
class Thing:
    @property
    @logged
    def broken(self):
        return self.__missing
try:
    Thing().broken
except AttributeError as error:
    print(frames(error), lines(error)[-1], error.name)

# %% qualified names of the code
def names(trace):
    while trace:
        yield getattr(trace.tb_frame.f_code, "co_qualname", trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
try:
    Thing().broken
except AttributeError as error:
    print(*names(error.__traceback__))

# %% the line of a statement over several lines
def add(a, b):
    return a + b
try:
    add(
        1,
        add("a",
            None),
    )
except TypeError as error:
    print(frames(error))

# %% frames of exec
try:
    exec("def g():\n    return 1 / 0\n\ng()")
except ZeroDivisionError as error:
    print([(f.filename, f.name, f.lineno, f.line) for f in traceback.extract_tb(error.__traceback__)][1:])

# %% frames of a module of the user
import importlib, os, tempfile
with tempfile.TemporaryDirectory() as folder:
    with open(os.path.join(folder, "helper_of_test.py"), "w") as file:
        file.write("def divide(a, b):\n    return a / b\n")
    sys.path.insert(0, folder)
    try:
        importlib.import_module("helper_of_test").divide(1, 0)
    except ZeroDivisionError as error:
        for f in traceback.extract_tb(error.__traceback__)[-1:]:
            print(os.path.basename(f.filename), f.name, f.lineno, f.line)
    finally:
        sys.path.remove(folder)

# %% the same error raised through two frames again
saved = None
try:
    call()
except ValueError as error:
    saved = error
try:
    raise saved
except ValueError as error:
    print(len(frames(error)), error is saved)

# %% with_traceback(None) forgets the frames
try:
    raise saved.with_traceback(None)
except ValueError as error:
    print(frames(error))

# %% the end of a recursion
def down(n):
    return down(n - 1) if n else 1 / 0
try:
    down(5)
except ZeroDivisionError as error:
    print(len(frames(error)), [l.strip() for l in traceback.format_tb(error.__traceback__) if "repeated" in l])

# %% a recursion error
def endless(): endless()
try:
    endless()
except RecursionError as error:
    print(type(error).__mro__[1].__name__, len(frames(error)) > 500, frames(error)[-1])

# %% sys.exc_info
try:
    call()
except ValueError:
    kind, value, trace = sys.exc_info()
    print(kind.__name__, value, trace.tb_lineno, trace.tb_next.tb_frame.f_code.co_name)
print(sys.exc_info())

# %% locals of a frame
def with_locals():
    secret = [1, 2]
    raise KeyError(secret[0])
try:
    with_locals()
except KeyError as error:
    print(error.__traceback__.tb_next.tb_frame.f_locals)
    print(error.__traceback__.tb_frame.f_globals is globals())

# %% the current frame
import inspect
def where():
    frame = inspect.currentframe()
    return frame.f_code.co_name, frame.f_lineno, frame.f_back.f_lineno, frame.f_back.f_code.co_name
print(where())

# %% the stack of calls inside the cell
def stack():
    return [f.function for f in inspect.stack()][:3]
def caller(): return stack()
print(caller(), sys._getframe().f_code.co_name, sys._getframe().f_lineno)

# %% getframeinfo has the source line
print(inspect.getframeinfo(inspect.currentframe()).code_context[0].strip())

# %% a summary built by hand
summary = traceback.StackSummary.from_list([("file.py", 3, "name", "the line"), ("b.py", 4, "other", None)])
print("".join(summary.format()), end="")

# %% TracebackException
try:
    fail()
except ValueError as error:
    te = traceback.TracebackException.from_exception(error, capture_locals=True)
    print(te.exc_type.__name__, str(te), [f.name for f in te.stack], te.stack[-1].locals)

# %% formatting a syntax error
try:
    compile("x = (1,\ny = 2", "given.py", "exec")
except SyntaxError as error:
    print(error.filename, error.lineno, error.text)
    print("".join(traceback.format_exception_only(error)))

# %% formatting an indentation error
try:
    exec("if 1:\nprint(2)")
except IndentationError as error:
    print(error.args[0], error.lineno, isinstance(error, SyntaxError))

# %% an exception group formatted
try:
    raise ExceptionGroup("two of them", [ValueError("v"), KeyError("k")])
except ExceptionGroup as group:
    print(len(group.exceptions), group, [type(e).__name__ for e in group.exceptions])
    print(group.split(KeyError)[0], group.subgroup(lambda e: "v" in str(e)).exceptions)

# %% exceptions caught by except*
try:
    raise ExceptionGroup("g", [OSError(1, "one"), TypeError("two"), OSError(3, "three")])
except* OSError as group:
    print([e.errno for e in group.exceptions])
except* TypeError as group:
    print(*group.exceptions)

# %% an error in a thread goes to its hook
import threading
def excepthook(args): print(args.exc_type.__name__, args.exc_value, frames(args.exc_value)[-1][0])
threading.excepthook, before = excepthook, threading.excepthook
t = threading.Thread(target=fail); t.start(); t.join()
threading.excepthook = before

# %% an error in __del__ goes to its hook
def unraisable(info): print("unraisable", info.exc_type.__name__)
class Dying:
    def __del__(self): raise OSError("in del")
sys.unraisablehook, before = unraisable, sys.unraisablehook
Dying()
sys.unraisablehook = before

# %% a replaced sys.excepthook is not asked
sys.excepthook, before = (lambda *a: print("hook asked")), sys.excepthook
fail()

# %% sys.excepthook put back
sys.excepthook = before
sys.exc_info() == (None,) * 3

# %% logged exceptions
import io, logging
stream = io.StringIO()
log = logging.Logger("traces")
log.addHandler(logging.StreamHandler(stream))
try:
    call()
except ValueError:
    log.exception("it %s", "failed")
shown = stream.getvalue().splitlines()
print(shown[0], shown[1], shown[-1], sep="\n")

# %% sys.last_value after an error
hasattr(sys, "last_type"), type(getattr(sys, "last_value", None)).__name__

# %% an error deep in a library
import json
json.loads("{'single': 1}")

# %% what a library's error carries
try:
    json.loads('{"a": }')
except json.JSONDecodeError as error:
    print(error.lineno, error.colno, error.pos, lines(error)[0])

# %% the frames that inspect finds
try:
    call()
except ValueError as error:
    print([f.frame.f_code.co_name for f in inspect.getinnerframes(error.__traceback__)])

# %% an uncaught chain keeps the last name
try:
    fail()
except ValueError as error:
    raise ArithmeticError("the last one") from error

# %% output before an uncaught error three calls deep
def first(): print("first"); second()
def second(): print("second"); third()
def third(): print("third"); raise BufferError("deep")
first()

# %% a traceback printed in full, as for a script
def tidy(text):
    import re
    return re.sub(r'File ".*?"', 'File "..."', text)
try:
    first()
except BufferError:
    print(tidy(traceback.format_exc()), end="")

# %% format_stack ends in the cell
print(tidy(traceback.format_stack()[-1]), end="")

# %% faulthandler can be asked for a traceback
import faulthandler
with tempfile.TemporaryFile("w+") as file:
    faulthandler.dump_traceback(file, all_threads=False)
    file.seek(0)
    print(file.read().splitlines()[1].strip().split(" in ")[-1])

# %% the file name of a cell leads to its source
import linecache
code = call.__code__
print(linecache.getline(code.co_filename, code.co_firstlineno), end="")

# %% the file name of a cell
os.path.isabs(call.__code__.co_filename)

# %% an assertion keeps its expression out of the text
try:
    assert 1 == 2
except AssertionError as error:
    print(repr(error), lines(error))
