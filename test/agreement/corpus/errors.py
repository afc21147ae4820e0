# %% a name that is not there
print("before")
missing_name
print("never")

# %% the session goes on, with what ran before the error
kept = ["before"]
kept.append(kept[0] / 2)

# %% what ran before
kept, len(kept)

# %% division by zero
x = 1
x / 0

# %% wrong types
"text" + 1

# %% a bad value
int("four", base=10)

# %% a missing key
{"a": 1}["b"]

# %% an index out of range
[1, 2][2]

# %% a missing attribute
"text".no_such_method()

# %% too few arguments
def two(a, b): return a
two(1)

# %% unknown keyword
two(1, b=2, c=3)

# %% calling what is not callable
(3)()

# %% unpacking too many
a, b = [1, 2, 3]

# %% not iterable
for n in 5: pass

# %% unhashable
{[]: 1}

# %% a failed assertion
assert kept == [], f"kept is {kept}"

# %% import of what does not exist
import no_such_module_at_all

# %% import of a name that does not exist
from math import pi, no_such_function

# %% a relative import
from . import sibling

# %% a file that does not exist
open("/no/such/file.txt", "rb").read()

# %% a directory opened as a file
with open("/") as directory:
    pass

# %% overflow
2.0 ** 10000

# %% numbers too large to convert
import math
math.exp(1000), float(10 ** 400)

# %% stop iteration
next(iter(()))

# %% a generator that ends with StopIteration
def bad():
    yield 1
    raise StopIteration
list(bad())

# %% unbound local
def early():
    print(kept)
    kept = 1
early()

# %% a deleted name
del x
print(x)

# %% decoding
b"\xff\xfe".decode("utf-8")

# %% encoding
"ä".encode("ascii", errors="strict")

# %% a recursion without end
def forever(n):
    return forever(n + 1) + 1
forever(0)

# %% the session after a recursion without end
print("still here", end="!\n")

# %% not implemented
class Abstract:
    def method(self): raise NotImplementedError("write me")
Abstract().method()

# %% an exception of the session
class TooMuch(ValueError):
    def __init__(self, amount):
        super().__init__(f"{amount} is too much")
        self.amount = amount
raise TooMuch(3)

# %% an exception class raised without a call
raise TooMuch.__bases__[0]

# %% an exception with a replaced name
class Renamed(Exception): ...
Renamed.__name__ = "Other"
raise Renamed from None

# %% a nested exception class
class Outer:
    class Inner(Exception):
        pass
raise Outer.Inner("deep")

# %% an exception without a text
class Textless(Exception):
    def __str__(self): raise ValueError("no text")
raise Textless

# %% raising what is no exception
raise "just text"

# %% raise without an exception
raise

# %% chained from another
try:
    {}["k"]
except KeyError as error:
    raise RuntimeError("while looking") from error

# %% raised while handling another
try:
    int("x")
except ValueError:
    print("handling")
    undefined.attribute

# %% raised in finally
try:
    1 / 0
finally:
    raise OSError(2, "in finally")

# %% raised again
try:
    [].pop()
except IndexError:
    print("seen")
    raise

# %% finally runs before the error shows
try:
    raise EOFError
finally:
    print("finally")

# %% a context manager leaves before the error shows
from contextlib import closing, contextmanager
@contextmanager
def loud():
    try:
        yield
    finally:
        print("left")
with loud():
    (lambda: {}["in lambda"])()

# %% an error in a comprehension
[10 // n for n in (2, 1, 0)]

# %% an error in a generator used later
g = (1 % n for n in [0])
print(*g)

# %% an error in a sort key
sorted([1, "a", None], key=lambda v: v + 1)

# %% an error in a nested function
def outside():
    def inside(depth):
        if depth: return inside(depth - 1)
        raise PermissionError("inside")
    return inside(3)
outside()

# %% an error in a decorator
@two
def decorated(): pass

# %% an error in a class body
class Bad:
    good = 1
    print("body")
    worse = good.no_attribute

# %% an error in a property
class Prop:
    @property
    def value(self): return self.other
Prop().value

# %% an error in a default argument
def default(n=[][0]): ...

# %% an error in a format
message = f"{1:{'bad'}}"

# %% an error while echoing keeps the output
print("printed")
type("R", (), {"__repr__": lambda self: 1 / 0})()

# %% an exception group
raise ExceptionGroup("several", [ValueError(1), TypeError("two")])

# %% a group handled in part
try:
    raise ExceptionGroup("mixed", [ValueError("v"), ExceptionGroup("inner", [TypeError("t")])])
except* ValueError as group:
    print("handled", group.exceptions)

# %% a keyboard interrupt raised by the code
raise KeyboardInterrupt

# %% a keyboard interrupt of the process
import signal
signal.raise_signal(signal.SIGINT)
print("never")

# %% a base exception
class Stop(BaseException): pass
raise Stop("all of it")

# %% exit without a status
import sys
print("leaving")
sys.exit()

# %% exit with a status
sys.exit(kept and 3)

# %% exit with a message
raise SystemExit("because")

# %% exit inside a function that cleans up
def leave():
    try:
        sys.exit(0)
    finally:
        print("cleaned up")
leave()

# %% exit caught
try:
    sys.exit(5)
except SystemExit as stop:
    print("caught", stop.code)

# %% a warning turned into an error
import warnings
with warnings.catch_warnings():
    warnings.simplefilter("error")
    warnings.warn("now an error", FutureWarning)

# %% input is not available
name = input("name? ")

# %% syntax: an unfinished call
print("never run"
x = 1

# %% syntax: an unclosed bracket
values = [1, 2

# %% syntax: an unfinished string
text = 'no end

# %% syntax: an unfinished triple-quoted string
text = """no
end

# %% syntax: a missing colon
if True
    print("never")

# %% syntax: assignment to a call
two(1, 2) = 3

# %% syntax: assignment to a constant
None = 1

# %% syntax: assignment in a condition
while kept = []:
    break

# %% syntax: two expressions side by side
kept kept

# %% syntax: an invalid character
price = 5 €

# %% syntax: a keyword as a name
class = "first"

# %% syntax: positional after keyword argument
two(a=1, 2)

# %% syntax: a repeated parameter
def twice(n, n): pass

# %% syntax: a leading zero
n = 0123

# %% syntax: an invalid f-string
message: str = f"{kept!}"

# %% syntax: print as in Python 2
print "hello"

# %% syntax: an error on the last line stops the first
print("not even this")
x ===  2

# %% indentation: expected a block
def empty():
print("never")

# %% indentation: unexpected
if True:
    print("one")
      print("two")

# %% indentation: does not match
if True:
        print("one")
    print("two")

# %% indentation: tabs and spaces mixed
if True:
        a = 1
	b = 2

# %% unmatched bracket
print(1))

# %% return outside a function
return 5

# %% yield outside a function
values = list((yield))

# %% break outside a loop
if kept:
    break

# %% a statement that does not compile, after others that do
print("ran")
continue

# %% nonlocal at the top
nonlocal kept

# %% await in a function that is not async
def no_coroutine():
    await something

# %% starred expression alone
*kept

# %% a syntax error in eval
eval("1 +") + 1

# %% a syntax error in exec
exec("def f(:\n pass", {})

# %% a NUL character in compile
compile("a\0b", "<nul>", "exec")

# %% deeply nested brackets
eval("(" * 300 + ")" * 300)
