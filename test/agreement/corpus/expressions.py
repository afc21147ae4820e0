# %% integer arithmetic
7 // 2, -7 // 2, 7 % -3, 2 ** 10, divmod(17, 5)

# %% big integers
2 ** 100 + 1

# %% floats
0.1 + 0.2

# %% special floats in a list
[float("inf"), -float("inf"), float("nan"), 1e300 * 10, -0.0]

# %% complex numbers
(1 + 2j) * (3 - 1j)

# %% chained comparison
1 < 2 <= 2 != 3

# %% boolean operators give operands
[] or "default", 0 and 1, not "", "a" and "b"

# %% bitwise operators
6 & 3 | 8 ^ 1, ~5, 1 << 4 >> 2

# %% conditional expression
"even" if 10 % 2 == 0 else "odd"

# %% nothing for None
None

# %% nothing for a call that returns None
[].append(1)

# %% printing is not a value
print("printed")

# %% output before the value
print("before")
"after"

# %% output without a newline before the value
print("no newline", end="")
1.5

# %% the value of a write
import sys
sys.stdout.write("abc")

# %% only the last expression shows
"one"
"two"
{"three": 3}

# %% expressions on one line
"a"; "b"; ("c",)

# %% a trailing semicolon silences
"silent";

# %% a semicolon and a comment silence
["silent", "too"];  # really

# %% a semicolon in a string does not silence
"loud" ";"

# %% a semicolon in a comment does not silence
b"loud"[1:]  # ;

# %% a semicolon after a call over several lines
max(
    1,
    2,
);

# %% underscore holds the last shown value
[1, 2, 3][::-1]

# %% using underscore
_ + [0]

# %% a silenced value does not become underscore
_ * 2;

# %% underscore after a silenced value
len(_)

# %% None does not become underscore
print(_)
_ and None

# %% underscore after None
-_

# %% an assigned underscore stays
for _ in range(3): pass
_ == 2, "shown"

# %% an assigned underscore is not overwritten
_

# %% a deleted underscore comes back
del _
{"new": "value"}

# %% using underscore again
sorted(_.items())

# %% walrus in parentheses
(y := 10) + y

# %% list comprehension with conditions
[a * b for a in range(4) if a for b in range(a) if (a + b) % 2]

# %% dict comprehension
{c: ord(c) for c in "hey"}

# %% set of small integers
{n % 3 for n in range(10)}

# %% empty containers
[], (), {}, set(), frozenset(), "", b""

# %% generator expression consumed
sum(n * n for n in range(10))

# %% lambda called at once
(lambda *a, k=1: sum(a) * k)(1, 2, 3, k=2)

# %% unpacking in displays
[*"ab", *range(2)], {**{"a": 1}, "b": 2}, (*[1], 2)

# %% dictionary merge
{"a": 1} | {"a": 2, "c": 3}

# %% slices
"abcdefgh"[1:-1:2], list(range(10))[-3:], slice(1, None, 2)

# %% nested subscripts
{"rows": [[1, 2], [3, {"deep": "found"}]]}["rows"][1][1]["deep"]

# %% string methods
" A,b ;c ".strip().lower().replace(";", ",").split(",")

# %% string prefixes and joining
r"\n" "joined" u"up" '\x41\u00e9\N{BULLET}'

# %% quotes in strings
["it's", 'say "hi"', """both ' and " here""", "tab\tnewline\n", "\x00\x7f\u200b"]

# %% multi-line string
"""first
second"""

# %% bytes
b"\x00abc\xff" + bytes([65, 10]), bytearray(b"xy"), b"a".hex()

# %% format specifications
f"{3.14159:.2f}|{42:>6}|{42:<6}|{42:^6}", f"{1234567:,}|{255:#x}|{0.25:.1%}|{-1:+d}"

# %% nested and self-documenting f-strings
width, value = 8, "ok"
f"{value!r:*^{width}} {value=} {width * 2 = :>4}"

# %% old formatting
"%s is %d years and %5.1f%% %r" % ("she", 30, 99.5, None), "{0[1]} {k.real}".format([1, 2], k=3j)

# %% ranges
range(0, 10, 3), list(range(5, 0, -2)), 4 in range(0, 10, 2)

# %% sorted with key
sorted(["bb", "a", "CCC"], key=lambda s: (-len(s), s.lower()), reverse=True)

# %% zip, enumerate, map, filter
list(zip("ab", [1, 2])), dict(enumerate("xy", 1)), [*map(str.upper, "q")], list(filter(None, [0, 3]))

# %% any, all, min and max
any(n > 2 for n in [1, 2]), all([]), min([], default="none"), max("abc", "abd")

# %% a tuple of one
"one",

# %% an ellipsis
...

# %% NotImplemented and the truth values
[NotImplemented, True, False is not True]

# %% an expression over several lines
(
    1
    + 2  # with a comment
    + 3
)

# %% an expression with a backslash
10 - \
    3

# %% decimal and fraction
from decimal import Decimal
from fractions import Fraction
Decimal("1.10") + 2, Fraction(3, 6) + Fraction("1/3")

# %% dates and times
import datetime as dt
dt.date(2024, 2, 28) + dt.timedelta(days=2, hours=36)

# %% date and time values
[dt.datetime(2024, 1, 2, 3, 4), dt.timezone.utc]

# %% paths
from pathlib import PurePosixPath
PurePosixPath("/data") / "set" / "file.tar.gz", PurePosixPath("a.b").with_suffix(".c")

# %% counter and deque
from collections import ChainMap, Counter, OrderedDict, UserDict, defaultdict, deque, namedtuple
Counter("mississippi").most_common(2), deque([1, 2, 3], maxlen=2)

# %% counter as the value
Counter(a=3, b=1)

# %% ordered dict
OrderedDict([("b", 1), ("a", 2)])

# %% defaultdict
defaultdict(list, {"k": [1]})

# %% namedtuple
namedtuple("Pair", "left right")(1, right="r")

# %% chain map and user dict
ChainMap({"a": 1}, {"b": 2}), UserDict(z=0)

# %% dictionary views
d = {"k": 1, "l": 2}
d.keys(), d.values(), list(d.items())

# %% a view as the value
d.items()

# %% mapping proxy and simple namespace
from types import MappingProxyType, SimpleNamespace
[MappingProxyType(d), SimpleNamespace(a=1, b="two")]

# %% simple namespace as the value
SimpleNamespace(a=[1], b=None)

# %% dataclass value
from dataclasses import dataclass
@dataclass
class Item:
    name: str
    price: float = 1.0
Item("tea"), [Item("milk", price=0.5)]

# %% enum value
import enum
class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2
Level.LOW, Level(2) + 1, [level.name for level in Level]

# %% a user class with a repr
class Loud:
    def __repr__(self): return "<Loud>"
    def __str__(self): return "loud"
[Loud(), f"{Loud()}"]

# %% a repr over several lines
class Tall:
    def __repr__(self): return "line 1\nline 2"
Tall()

# %% a user class without a repr
class Plain: pass
Plain()

# %% a bare object in a list
[object()]

# %% a subclass of list
class Stack(list):
    def peek(self): return self[-1]
Stack([1, 2])

# %% a subclass of str with its own repr
class Name(str):
    def __repr__(self): return f"Name:{self!s}"
{Name("n"): Name("v")}

# %% an exception as a value
ValueError("bad", 3), KeyError("k")

# %% an exception of the session as a value
class OwnError(Exception): pass
OwnError("mine")

# %% a built-in class
type(3)

# %% a class in a container
{"type": str}

# %% a class of the session
Item.__mro__[0]

# %% a function of the session
def f(x, *, y=2): return x
f

# %% a lambda
lambda x: x

# %% a built-in function
[abs, len][1]

# %% a bound method
"abc".upper

# %% a built-in module
sys.modules["sys"]

# %% a generator
(n for n in "abc")

# %% iterators of containers
[type(iter(c)).__name__ for c in ([], {}, range(1))]

# %% match object
import re
re.search(r"(?P<word>\w+)@", "mail me@home")

# %% compiled pattern
re.compile(r"a+b")

# %% groups of a match
re.findall(r"(\d+)-(\d+)", "1-2 30-40"), re.sub(r"\s+", " ", "a  b \n c")

# %% memory view, array and struct
import array, struct
bytes(memoryview(b"abcdef")[1:3]), array.array("d", [1.5]), struct.unpack("<h", struct.pack("<H", 65535))

# %% standard library values
import base64, hashlib, ipaddress, json, statistics, uuid
uuid.UUID(int=5), ipaddress.ip_network("10.0.0.0/30").num_addresses

# %% digests and encodings
hashlib.md5(b"x").hexdigest(), base64.b64encode(b"\x00\xff").decode()

# %% json
json.dumps({"ü": [1, None, True, 1.5]}), json.loads('{"a": [{}]}')

# %% itertools
import itertools as it
[list(g) for _, g in it.groupby("aab")], list(it.combinations("abc", 2)), [*it.accumulate([1, 2])]

# %% statistics
statistics.mean([1, 2, 3, 4]), statistics.median([3, 1, 2]), round(statistics.stdev([2, 4, 4, 6]), 4)

# %% conversions of integers
int.from_bytes(b"\x01\x00", "big"), (1023).bit_length(), int("ff", 16), bin(10), oct(8), hash(1) == 1

# %% rounding
round(2.5), round(-1.55, 1), round(1234, -2), 1e16, 1e-5, 123456789.123456789

# %% attribute access in a chain
type("Made", (), {"x": property(lambda self: self.__class__.__name__)})().x

# %% a long string stays on one line
"word " * 30

# %% a long list
list(range(100, 130))

# %% a long dictionary
{f"key number {n}": n ** 3 for n in range(6)}

# %% a list of long lists
[list(range(0, 20)), list(range(20, 40))]

# %% more than a thousand items
[0] * 1100

# %% a set of strings of one
{"alone"}

# %% a set that pretty printing sorts
{30, 20, 8, 1}

# %% nested containers of the same object
inner = [1]; [inner, inner, (inner,)]

# %% a list that contains itself
loop = [1]; loop.append(loop); loop

# %% matrix multiplication of a class
class M:
    def __matmul__(self, other): return "matmul"
    def __getitem__(self, key): return key
M() @ M(), M()[1:2, ..., None]

# %% the name of the module
__name__, _ is not None
