# %% assignment shows nothing
x = 6 * 7

# %% state of an earlier cell
print(x, x == 42)

# %% chained and augmented assignment
a = b = [1]
a += [2]
b.append(3)
print(a, b is a)

# %% starred assignment
first, *middle, last = range(5)
(p, [q, *r]), s = (1, [2, 3]), 4
print(first, middle, last, p, q, r, s)

# %% swap and unpack a dictionary
left, right = "l", "r"
left, right = right, left
key, = {"only": 1}
print(left, right, key)

# %% if, elif, else
for n in (-1, 0, 1):
    if n < 0:
        print("negative")
    elif n == 0:
        print("zero")
    else:
        print("positive")

# %% an expression in a block is not shown
if x:
    x
    "not shown"

# %% while with else
n = 3
while n:
    n -= 1
else:
    print("ran dry", n)

# %% for with else, break and continue
for n in range(10):
    if n % 2:
        continue
    if n > 5:
        break
    print(n, end=" ")
else:
    print("never")
print("stopped at", n)

# %% walrus in a while loop
import io
source = io.StringIO("one\ntwo\nthree\n")
while (line := source.readline().strip()) != "three":
    print("read", line)

# %% nonlocal
def counter():
    count = 0
    def step():
        nonlocal count
        count += 1
        return count
    return step
step = counter()
step(), step()
print(step())

# %% global
total = 0
def add(amount):
    global total
    total += amount
for amount in (1, 2, 3):
    add(amount)
print(total)

# %% del of a name, an item and a slice
letters = list("abcdef")
del letters[0], letters[1:3], x
print(letters, "x" in globals())

# %% late binding in closures
late = [lambda: i for i in range(3)]
early = [lambda i=i: i for i in range(3)]
print([f() for f in late], [f() for f in early])

# %% every kind of parameter
def everything(a, b=2, /, c=3, *args, d, e=5, **kwargs):
    return a, b, c, args, d, e, kwargs
print(everything(1, d=4))
print(everything(1, 20, 30, 40, 50, d=4, f=6, **{"g": 7}))

# %% decorator with arguments
import functools
def repeat(times):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args):
            return [function(*args) for _ in range(times)]
        return wrapper
    return decorate
@repeat(times=2)
def greet(name):
    """Say hello."""
    return f"hello {name}"
print(greet("you"), greet.__name__, greet.__doc__)

# %% class decorator
def registered(cls, registry={}):
    registry[cls.__name__] = cls
    cls.registry = registry
    return cls
@registered
class Plugin: pass
@registered
class Other(Plugin): pass
print(sorted(Other.registry))

# %% generator with send, throw and close
def echo():
    received = None
    try:
        while True:
            try:
                received = yield received
            except ValueError as error:
                received = f"caught {error}"
    finally:
        print("closed")
g = echo()
next(g)
print(g.send("sent"))
print(g.throw(ValueError("thrown")))
g.close()

# %% yield from returns a value
def inner():
    yield 1
    return "result"
def outer():
    value = yield from inner()
    yield value
print(*outer())

# %% context manager class
class Managed:
    def __enter__(self):
        print("enter")
        return self
    def __exit__(self, kind, value, trace):
        print("exit", kind and kind.__name__)
        return kind is KeyError
with Managed() as m:
    print("inside")
    {}["missing"]
print("after")

# %% contextmanager function and ExitStack
from contextlib import ExitStack, contextmanager, suppress
@contextmanager
def tag(name):
    print(f"<{name}>")
    yield name.upper()
    print(f"</{name}>")
with ExitStack() as stack, suppress(ZeroDivisionError):
    names = [stack.enter_context(tag(n)) for n in "ab"]
    print(names)
    1 / 0

# %% inheritance and super
class Base:
    def who(self):
        return ["Base"]
class Left(Base):
    def who(self):
        return ["Left", *super().who()]
class Right(Base):
    def who(self):
        return ["Right", *super().who()]
class Both(Left, Right):
    def who(self):
        return ["Both"] + super().who()
print(Both().who())
print([c.__name__ for c in Both.__mro__])

# %% property with setter and deleter
class Celsius:
    _degrees = 0.0
    @property
    def degrees(self):
        return self._degrees
    @degrees.setter
    def degrees(self, value):
        self._degrees = float(value)
    @degrees.deleter
    def degrees(self):
        print("reset")
        del self._degrees
c = Celsius()
c.degrees = 36
print(c.degrees)
del c.degrees
print(c.degrees)

# %% descriptor with __set_name__
class Positive:
    def __set_name__(self, owner, name):
        self.name = "_" + name
        print(owner.__name__, name)
    def __get__(self, instance, owner=None):
        return self if instance is None else getattr(instance, self.name)
    def __set__(self, instance, value):
        if value <= 0:
            raise ValueError(self.name)
        setattr(instance, self.name, value)
class Order:
    amount = Positive()
o = Order()
o.amount = 3
try:
    o.amount = -3
except ValueError as error:
    print(o.amount, error)

# %% metaclass
class Meta(type):
    def __new__(mcls, name, bases, namespace, **options):
        return super().__new__(mcls, name, bases, {**namespace, "options": options})
    def __call__(cls, *args):
        print("making", cls.__name__)
        return super().__call__(*args)
class Made(metaclass=Meta, flavour="sweet"):
    pass
print(Made().options)

# %% __init_subclass__ and __class_getitem__
class Shape:
    sides = {}
    def __init_subclass__(cls, /, sides, **rest):
        super().__init_subclass__(**rest)
        Shape.sides[cls.__name__] = sides
    def __class_getitem__(cls, item):
        return cls.sides[item]
class Square(Shape, sides=4): ...
class Triangle(Shape, sides=3): ...
print(Shape.sides, Shape["Triangle"])

# %% dataclass, ordered and frozen
from dataclasses import asdict, dataclass, field, replace
@dataclass(order=True, frozen=True)
class Version:
    major: int
    minor: int = 0
    tags: list = field(default_factory=list, compare=False)
v = Version(1, tags=["a"])
print(v, replace(v, minor=2) > v, asdict(v))

# %% enum and flag
from enum import Enum, Flag, auto
class Colour(Enum):
    RED = auto()
    GREEN = auto()
    CRIMSON = RED
class Right_(Flag):
    READ = auto()
    WRITE = auto()
print(list(Colour), Colour.CRIMSON is Colour.RED, Colour["GREEN"].value)
print(Right_.READ in (Right_.READ | Right_.WRITE))

# %% match on structure
def describe(thing):
    match thing:
        case 0 | 1:
            return "a bit"
        case [x, y, *rest] if rest:
            return f"{x}, {y} and {len(rest)} more"
        case {"kind": "circle", "r": r, **others}:
            return f"circle {r} {others}"
        case Version(major=m):
            return f"version {m}"
        case str() as text:
            return text.title()
        case _:
            return "something"
for thing in (1, [1, 2, 3], {"kind": "circle", "r": 2, "z": 3}, v, "some text", None):
    print(describe(thing))

# %% try, except, else, finally in order
def attempt(divisor):
    try:
        10 // divisor
    except (ZeroDivisionError, TypeError) as error:
        print(type(error).__name__, end=", ")
    else:
        print("fine", end=", ")
    finally:
        print("done")
for divisor in 2, 0, None:
    attempt(divisor)

# %% finally overrides a return
def stubborn():
    for i in range(3):
        try:
            return "try"
        finally:
            if i == 0:
                continue
            return f"finally {i}"
print(stubborn())

# %% the name of a caught exception is deleted
try:
    raise LookupError("gone")
except LookupError as lost:
    pass
print("lost" in globals())

# %% assertion with a message
assert isinstance(total, int), "not shown"
try:
    assert not total, f"total is {total}"
except AssertionError as e: print(e)

# %% line continuation
sum_of_all = 1 + \
    2 + \
    3
if sum_of_all == 6 and \
        True:
    print("continued \
inside a string")

# %% several statements on a line
i = 1; j = 2; print(i + j); k = i - j

# %% docstrings
def documented():
    """First line.

    More.
    """
class Documented:
    "One line."
print(repr(documented.__doc__), Documented.__doc__)

# %% unicode names and text
größe, π = 3, 3.14
def 面積(r): return π * r ** 2
print(größe, f"{面積(1):.2f}", "naïve ☕ 😀", len("😀"))

# %% annotated names
width: int = 3
height: "float"
print(__annotations__["width"], __annotations__["height"], "height" in globals())

# %% imports of every form
import collections.abc, os.path as path
from math import (
    floor,
    pi as circle,
)
from itertools import *
print(path.basename("/a/b"), floor(circle), list(islice(count(5), 3)))

# %% exec, eval and compile
space = {"n": 4}
exec("def square(): return n * n", space)
code = compile("square() + 1", "<made>", "eval")
print(eval(code, space), eval("i + j"))

# %% lru_cache and recursion
@functools.lru_cache(maxsize=None)
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
print(fib(90), fib.cache_info().misses)

# %% singledispatch
@functools.singledispatch
def show(value):
    return "other"
@show.register
def _(value: int):
    return "int"
@show.register(list)
def _(value):
    return [show(item) for item in value]
print(show([1, "a", [2.0]]))
del _

# %% abstract classes and protocols
from abc import ABC, abstractmethod
from typing import NamedTuple, Protocol, runtime_checkable
class Animal(ABC):
    @abstractmethod
    def sound(self): ...
@runtime_checkable
class Loud(Protocol):
    def sound(self) -> str: ...
class Dog(Animal):
    def sound(self): return "wuff"
try:
    Animal()
except TypeError:
    print("abstract", isinstance(Dog(), Loud), isinstance(3, Loud))

# %% named tuple class
class Point(NamedTuple):
    x: float
    y: float = 0.0
    def norm(self): return (self.x ** 2 + self.y ** 2) ** 0.5
print(Point(3, 4).norm(), Point(1)._replace(y=2), *Point(5, 6))

# %% slots
class Slim:
    __slots__ = "a", "b"
slim = Slim()
slim.a = 1
try:
    slim.c = 3
except AttributeError:
    print(hasattr(slim, "__dict__"), hasattr(slim, "b"))

# %% operators of a class
@functools.total_ordering
class Money:
    def __init__(self, cents): self.cents = cents
    def __add__(self, other): return Money(self.cents + getattr(other, "cents", other))
    __radd__ = __add__
    def __neg__(self): return Money(-self.cents)
    def __eq__(self, other): return self.cents == other.cents
    def __lt__(self, other): return self.cents < other.cents
    def __hash__(self): return hash(self.cents)
    def __bool__(self): return self.cents != 0
    def __str__(self): return f"{self.cents / 100:.2f}"
print(sum([Money(150), Money(275)]), -Money(5), max(Money(1), Money(2)), bool(Money(0)))
print(len({Money(1), Money(1)}), Money(3) >= Money(3))

# %% iterator, container and callable protocols
class Countdown:
    def __init__(self, start): self.start = start
    def __iter__(self): return iter(range(self.start, 0, -1))
    def __len__(self): return self.start
    def __contains__(self, n): return 0 < n <= self.start
    def __getitem__(self, i): return list(self)[i]
    def __call__(self, by): return Countdown(self.start - by)
d = Countdown(4)
print(list(d), len(d), 3 in d, 9 in d, d[1:3], list(d(2)))

# %% __getattr__ and __missing__
class Lazy:
    def __getattr__(self, name):
        return name * 2
class Zeros(dict):
    def __missing__(self, key):
        return 0
print(Lazy().ab, Zeros(a=1)["b"])

# %% weak references and __del__
import weakref
class Mortal:
    def __del__(self): print("deleted")
mortal = Mortal()
ref = weakref.ref(mortal, lambda _: print("called back"))
del mortal
print(ref())

# %% class scope and comprehension scope
n = "module"
class Scope:
    n = "class"
    seen = [n for _ in range(1)]
    def method(self): return n
print(Scope.seen, Scope().method(), [n for n in "ab"], n)

# %% threads
import threading
results = []
workers = [threading.Thread(target=lambda k=k: results.append(k * k)) for k in range(4)]
for w in workers: w.start()
for w in workers: w.join()
print(sorted(results))

# %% printing from a joined thread
speaker = threading.Thread(target=print, args=("from a thread",))
speaker.start()
speaker.join()
print("from the cell")

# %% thread pool
from concurrent.futures import ThreadPoolExecutor, as_completed
with ThreadPoolExecutor(2) as pool:
    futures = {pool.submit(pow, 2, n): n for n in range(3)}
    print({futures[f]: f.result() for f in sorted(as_completed(futures), key=futures.get)})

# %% process pool of a function of the session
import multiprocessing
def triple(n):
    return n * 3
with multiprocessing.get_context("fork").Pool(2) as processes:
    print(processes.map(triple, range(4)))

# %% captured subprocess
import subprocess, sys
done = subprocess.run([sys.executable, "-S", "-c", "print(1); raise SystemExit(3)"], capture_output=True, text=True)
print(done.returncode, done.stdout.split())

# %% files
import os, tempfile
with tempfile.TemporaryDirectory() as folder:
    with open(os.path.join(folder, "t.txt"), "w", encoding="utf-8") as file:
        file.writelines(f"{n} ä\n" for n in range(3))
        print(file.tell() > 0, file.closed)
    with open(file.name, "rb") as file:
        print(file.read().decode().splitlines(), file.closed)
print(os.path.exists(folder))

# %% pickle of a class of the session
import copy, pickle
class Kept:
    def __init__(self, n): self.n = n
    def __eq__(self, other): return self.n == other.n
kept = pickle.loads(pickle.dumps([Kept(1), Kept(2)]))
print(kept == [Kept(1), Kept(2)], copy.deepcopy(kept)[0] is kept[0])

# %% source of a function of the session
import inspect
print(inspect.getsource(triple), end="")
print(inspect.signature(everything))

# %% the module is __main__
if __name__ == "__main__":
    print(sys.modules[__name__].__dict__ is globals(), locals() is globals(), "__file__" in globals())

# %% redirected standard output
from contextlib import redirect_stdout
with redirect_stdout(io.StringIO()) as buffer:
    print("kept away")
print(buffer.getvalue().upper(), end="")

# %% only comments beside pass
# nothing here
pass  # and nothing there

# %% an empty cell

# %% empty bodies
def later(): ...
class Never(Exception): pass

# %% a future import lasts for the session
from __future__ import annotations

# %% after a future import
def annotated(n: undefined_name) -> also_undefined: ...
print(annotated.__annotations__)

# %% a future import after another statement
print("first")
from __future__ import annotations

# %% a global declaration after the assignment
seen = 1
global seen
print(seen)

# %% leading blank lines


print(inspect.currentframe().f_lineno)

# %% pasted code, indented as a whole
    indented = 1
    print("indented", indented)

# %% pasted code with prompts
>>> prompted = 1
>>> print("prompted", prompted)
