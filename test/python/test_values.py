"""Each mapping that docs/values.md promises, each bound, and what hostile classes may not do."""

from __future__ import annotations

import array
import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import ipaddress
import itertools
import json
import pathlib
import re
import sys
import time
import types
import unittest
import uuid
from typing import Any, NamedTuple

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "python"))

from _python_interpreter_toolset import values
from _python_interpreter_toolset.values import ValueNotExpressible, to_json, type_name

try:
    import numpy as np
except ImportError:
    np = None
try:
    import pandas as pd
except ImportError:
    pd = None
try:
    import pyarrow
except ImportError:
    pyarrow = None

MAX = 2**53 - 1


class Point(NamedTuple):
    x: int
    y: object


@dataclasses.dataclass
class Node:
    label: str
    next: Any = None


@dataclasses.dataclass
class Bag(dict):
    label: str = "bag"


class Colour(enum.Enum):
    RED = "red"
    DEEP = (1, 2)


class Level(enum.IntEnum):
    LOW = 1


class Code(bytes, enum.Enum):
    """Its value is not what it was built on."""

    def __new__(cls, number):
        member = bytes.__new__(cls, [number])
        member._value_ = number
        return member

    FIRST = 7


class Word(str, enum.Enum):
    YES = "yes"


class Hostile:
    """Would give itself away if any of these ran."""

    def _never(self, *_):
        raise AssertionError("code of the value's class has run")

    __eq__ = __hash__ = __iter__ = __len__ = __getitem__ = __contains__ = __lt__ = _never
    __str__ = __bool__ = __index__ = __int__ = __float__ = keys = items = _fields = _never


class HostileMeta(type):
    def __hash__(cls):
        raise AssertionError("__hash__ of a metaclass has run")

    def __eq__(cls, other):
        raise AssertionError("__eq__ of a metaclass has run")

    def __getattr__(cls, name):
        if name.startswith("__dataclass") or name == "_fields":
            return ("everything",)
        raise AttributeError(name)


class HostileList(Hostile, list):
    pass


class HostileDict(Hostile, dict):
    pass


class HostileTuple(Hostile, tuple):
    pass


class HostileSet(Hostile, set):
    pass


class HostileStr(Hostile, str):
    pass


class HostileInt(Hostile, int):
    pass


class HostileFloat(Hostile, float):
    pass


class Reprs:
    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text


class Case(unittest.TestCase):
    def maps(self, value, expected):
        result = to_json(value)
        self.assert_plain(result)
        # As text, because 1 == 1.0 == True.
        self.assertEqual(json.dumps(result, allow_nan=False), json.dumps(expected))

    def assert_plain(self, tree):
        self.assertIn(type(tree), (type(None), bool, int, float, str, list, dict))
        if type(tree) is int:
            self.assertLessEqual(abs(tree), MAX)
        if type(tree) is list:
            for item in tree:
                self.assert_plain(item)
        if type(tree) is dict:
            for key, item in tree.items():
                self.assertIs(type(key), str)
                self.assert_plain(item)

    def refuses(self, value, *parts, name="x"):
        start = time.perf_counter()
        with self.assertRaises(ValueNotExpressible) as caught:
            to_json(value, name)
        self.assertLess(time.perf_counter() - start, 60)
        for part in parts:
            self.assertIn(part, str(caught.exception))
        self.assertIn("return ", str(caught.exception))


class Scalars(Case):
    def test_none_and_bool(self):
        self.maps(None, None)
        self.maps(True, True)
        self.maps(False, False)

    def test_int(self):
        for n in (0, -1, MAX, -MAX):
            self.maps(n, n)
        for n in (MAX + 1, -MAX - 1, 10**700, -(10**700), 2**2000):
            self.maps(n, str(n))

    def test_int_of_many_digits(self):
        self.maps(10**99_999, "1" + "0" * 99_999)
        self.maps(-(10**100_000 - 7), "-" + "9" * 99_999 + "3")
        # Against Python's own conversion, which is exact but limited.
        if hasattr(sys, "set_int_max_str_digits"):
            old = sys.get_int_max_str_digits()
            n = 3**40_000
            sys.set_int_max_str_digits(0)
            expected = str(n)
            sys.set_int_max_str_digits(640)
            try:
                self.maps(n, expected)
                self.maps(10**639, "1" + "0" * 639)
            finally:
                sys.set_int_max_str_digits(old)
        self.refuses(1 << 4_000_000, "x is an int of more than 1,000,000 digits")
        with decimal.localcontext() as context:
            context.prec = 5
            self.maps(7**1000, str(7**1000))

    def test_float(self):
        for x in (0.0, -0.0, 1.5, 1e308, 5e-324):
            self.maps(x, x)
        self.maps(float("nan"), "NaN")
        self.maps(float("inf"), "Infinity")
        self.maps(float("-inf"), "-Infinity")

    def test_complex(self):
        self.maps(1 + 2j, "(1+2j)")
        self.maps(complex("nan+infj"), "(nan+infj)")

    def test_str(self):
        for text in ("", "naïve ✓", "a\0b", "\ud800", "😀"):
            self.maps(text, text)

    def test_bytes(self):
        self.maps(b"\x00\xff", "AP8=")
        self.maps(b"", "")
        self.maps(bytearray(b"abc"), "YWJj")
        self.maps(memoryview(b"abcdef")[::2], "YWNl")
        self.maps(memoryview(array.array("h", [1])), to_json(array.array("h", [1]).tobytes()))

    def test_subclasses_without_running_their_code(self):
        self.maps(HostileStr("s"), "s")
        self.maps(HostileInt(3), 3)
        self.maps(HostileInt(10**20), str(10**20))
        self.maps(HostileFloat(1.5), 1.5)
        self.maps(type("B", (bytes,), {"__str__": None})(b"abc"), "YWJj")

    def test_dates(self):
        zone = dt.timezone(dt.timedelta(hours=2))
        self.maps(dt.datetime(2024, 1, 2, 3, 4, 5, 6, zone), "2024-01-02T03:04:05.000006+02:00")
        self.maps(dt.date(2024, 1, 2), "2024-01-02")
        self.maps(dt.time(3, 4), "03:04:00")
        self.maps(dt.timedelta(days=1, milliseconds=500), 86400.5)

    def test_values_with_a_text(self):
        self.maps(decimal.Decimal("1.10"), "1.10")
        self.maps(decimal.Decimal("NaN"), "NaN")
        self.maps(fractions.Fraction(1, 3), "1/3")
        self.maps(uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001")
        self.maps(pathlib.PurePosixPath("/a/b"), "/a/b")
        self.maps(pathlib.PureWindowsPath("c:/a"), "c:\\a")
        self.maps(pathlib.Path("a"), "a")
        for text in ("10.0.0.1", "::1"):
            self.maps(ipaddress.ip_address(text), text)
        for text in ("10.0.0.0/8", "fe80::/10"):
            self.maps(ipaddress.ip_network(text), text)
        self.maps(ipaddress.ip_interface("10.0.0.1/8"), "10.0.0.1/8")

    def test_enum(self):
        self.maps(Colour.RED, "red")
        self.maps(Colour.DEEP, [1, 2])
        self.maps(Level.LOW, 1)
        self.maps(Word.YES, "yes")
        self.maps(Code.FIRST, 7)
        self.maps(Colour, "<enum 'Colour'>")


class Containers(Case):
    def test_sequences(self):
        self.maps([1, [2, []]], [1, [2, []]])
        self.maps((1, "a"), [1, "a"])
        self.maps((), [])
        self.maps(collections.deque([1, 2]), [1, 2])
        self.maps(range(3, 0, -1), [3, 2, 1])

    def test_sets(self):
        words = [f"word {n:02}" for n in range(50)]
        self.maps(set(words), words)
        self.maps(frozenset(map(float, range(50, 0, -1))), [float(n) for n in range(1, 51)])
        self.maps({2, 1.5, -1}, [-1, 1.5, 2])
        self.maps({dt.date(2024, 1, 2), dt.date(2023, 1, 1)}, ["2023-01-01", "2024-01-02"])
        self.maps(set(), [])
        mixed = {1, "a", (2,)}
        self.maps(mixed, to_json(list(mixed)))

    def test_dict_views(self):
        for kind in (dict, collections.OrderedDict):
            d = kind(a=1)
            self.maps(d.keys(), ["a"])
            self.maps(d.values(), [1])
            self.maps(d.items(), [["a", 1]])

    def test_iterators_are_not_consumed(self):
        numbers = (n for n in range(3))
        self.assertIn("<generator object", to_json(numbers))
        self.assertEqual(list(numbers), [0, 1, 2])
        self.maps(itertools.count(), "count(0)")
        for iterator in (iter([1]), map(str, [1]), zip([1]), enumerate([1]), reversed([1])):
            self.assertEqual(to_json(iterator), repr(iterator))
            self.assertEqual(len(list(iterator)), 1)

    def test_namedtuple(self):
        self.maps(Point(1, (2,)), {"x": 1, "y": [2]})
        self.maps(collections.namedtuple("Old", "b a")(1, 2), {"b": 1, "a": 2})
        self.maps(collections.namedtuple("Empty", "")(), {})
        self.maps(time.gmtime(0), [1970, 1, 1, 0, 0, 0, 3, 1, 0])

    def test_dicts(self):
        self.maps({"b": 1, "a": {"": None}}, {"b": 1, "a": {"": None}})
        self.maps(collections.defaultdict(list, a=[1]), {"a": [1]})
        self.maps(collections.Counter("aab"), {"a": 2, "b": 1})
        self.maps(types.MappingProxyType({"a": 1}), {"a": 1})
        ordered = collections.OrderedDict(a=1, b=2)
        ordered.move_to_end("a")
        self.maps(ordered, {"b": 2, "a": 1})
        user = types.MappingProxyType(collections.UserDict(a=1))
        self.maps(user, repr(user))

    def test_keys(self):
        nan = float("nan")
        keys = {
            1: "1",
            -(10**20): str(-(10**20)),
            None: "None",
            1.5: "1.5",
            nan: "nan",
            float("-inf"): "-inf",
            dt.date(2024, 1, 2): "2024-01-02",
            dt.datetime(2024, 1, 2): "2024-01-02T00:00:00",
            dt.timedelta(minutes=1): "60.0",
            decimal.Decimal("1.10"): "1.10",
            pathlib.PurePosixPath("a/b"): "a/b",
            uuid.UUID(int=0): str(uuid.UUID(int=0)),
            2j: "2j",
            Colour.RED: "red",
            Colour.DEEP: "(1, 2)",
            Level.LOW: "1",
            (1, "a"): "(1, 'a')",
            b"k": "b'k'",
            frozenset(): "frozenset()",
            int: "<class 'int'>",
            "\ud800": "\ud800",
        }
        for key, text in keys.items():
            self.maps({key: 0}, {text: 0})
        self.maps({True: 0}, {"True": 0})

    def test_keys_with_the_same_text(self):
        self.maps({1: "a", "1": "b"}, [[1, "a"], ["1", "b"]])
        self.maps({None: 1, "None": [2], 1.5: 3}, [[None, 1], ["None", [2]], [1.5, 3]])

    def test_dataclass(self):
        self.maps(Node("a", Node("b")), {"label": "a", "next": {"label": "b", "next": None}})
        self.maps(Node, repr(Node))
        self.maps(dataclasses.make_dataclass("Empty", ())(), {})
        bag = Bag()
        bag["ignored"] = 1
        self.maps(bag, {"label": "bag"})
        node = Node("a")
        del node.label
        self.maps(node, {"next": None})

    def test_subclasses_without_running_their_code(self):
        self.maps(HostileList([1]), [1])
        self.maps(HostileTuple([1]), [1])
        self.maps(HostileSet([1]), [1])
        self.maps(HostileDict(a=1), {"a": 1})

    def test_shared_values_are_no_cycle(self):
        shared = [1]
        self.maps([shared, shared, {"a": shared}], [[1], [1], {"a": [1]}])


class Anything(Case):
    def test_repr(self):
        self.maps(Reprs("me"), "me")
        self.maps(len, "<built-in function len>")
        self.maps(ValueError("no"), "ValueError('no')")
        self.maps(NotImplemented, "NotImplemented")
        self.maps(array.array("i", [1]), "array('i', [1])")
        self.maps(Reprs(HostileStr("sub")), "sub")

    def test_long_repr_is_cut(self):
        self.maps(Reprs("a" * 10_000), "a" * 10_000)
        self.maps(Reprs("a" * 12_345), "a" * 10_000 + "… (2,345 more characters)")

    def test_only_repr_runs(self):
        value = Hostile()
        self.maps(value, repr(value))
        value = HostileMeta("Meta", (), {"__repr__": lambda self: "meta"})()
        self.maps([value, value], ["meta", "meta"])
        self.maps(HostileMeta("Meta", (tuple,), {})([1]), [1])

    def test_an_exception_in_repr_is_the_callers(self):
        class Broken:
            def __repr__(self):
                raise ZeroDivisionError("mine")

        with self.assertRaisesRegex(ZeroDivisionError, "mine"):
            to_json([Broken()])

    def test_classes_that_borrow_a_name(self):
        for name in ("list", "str", "int", "dict"):
            cls = type(name, (Reprs,), {"__module__": "__main__"})
            self.maps(cls("mine"), "mine")
        cls = type("date", (Reprs,), {"__module__": "__main__", "__qualname__": "datetime.date"})
        self.maps(cls("mine"), "mine")


class Bounds(Case):
    def test_cycles(self):
        x: Any = [{}]
        x[0]["a"] = x
        self.refuses(x, "x[0]['a'] is x again", "x contains itself")
        y: Any = {"k": (1, [])}
        y["k"][1].append(y["k"])
        self.refuses(y, "x['k'][1][0] is x['k'] again", "x['k'] contains itself")
        node = Node("a")
        node.next = Point(1, [node])
        self.refuses(node, "x.next.y[0] is x again")
        self.refuses(node, "the_node.next.y[0]", name="the_node")
        with self.assertRaisesRegex(ValueNotExpressible, r"^value\.next"):
            to_json(node)
        d: Any = {}
        d["proxy"] = types.MappingProxyType(d)
        self.refuses(d, "x['proxy'] is x again")
        v: Any = {}
        v["view"] = v.values()
        self.refuses(v, "contains itself")

    def test_depth(self):
        x: Any = 1
        for _ in range(100):
            x = [x]
        self.maps(x, x)
        self.refuses([x], "nested more than 100 levels deep", "[0][0]…[0]")
        for _ in range(100_000):
            x = (x,)
        self.refuses(x, "nested more than 100 levels deep")

    def test_items(self):
        self.assertEqual(len(to_json([0] * 1_000_000)), 1_000_000)
        self.assertEqual(len(to_json([[0] * 1000] * 1000)), 1000)
        self.refuses([0] * 1_000_001, "x is a list of 1,000,001, more than 1,000,000 items")
        self.refuses([[0] * 1000] * 1000 + [0], "over 1,000,000 items")
        self.refuses(range(10**30), f"x is a range of {10**30:,}, more")
        self.refuses(range(10**30, 0, -7), f"x is a range of {-(-(10**30) // 7):,}, more")
        self.refuses(dict.fromkeys(range(1_000_001)), "x is a dict of 1,000,001")
        self.refuses({"a": {"b": range(10**9)}}, "x['a']['b'] is a range of 1,000,000,000")

    def test_containers_without_items_count_too(self):
        x: Any = []
        for _ in range(60):
            x = [x, x]
        self.refuses(x, "over 1,000,000 items")
        self.refuses([[[[[] for _ in range(600_000)]]], [[[]] * 600_000]], "over 1,000,000 items")

    def test_characters(self):
        half = "a" * 25_000_000
        self.assertEqual(to_json([half, half]), [half, half])
        self.refuses([half, half, "b"], "x[2] brings the text to over 50,000,000 characters")
        self.refuses({half: half + "b"}, "over 50,000,000 characters")
        self.refuses(half * 3, "x brings the text")
        self.refuses(memoryview(bytes(40_000_000)), "over 50,000,000 characters")
        self.refuses([half * 2, 2**100_000], "x[1] brings the text")

    def test_it_is_a_value_error(self):
        self.assertTrue(issubclass(ValueNotExpressible, ValueError))


class Documentation(Case):
    def test_its_examples(self):
        """Each row's example gives what the row says."""
        page = pathlib.Path(__file__).resolve().parents[2] / "docs" / "values.md"
        names = globals()
        checked = 0
        for line in page.read_text(encoding="utf-8").splitlines():
            row = re.fullmatch(r"\|.*\| `([^`]+)` +\| `([^`]+)` +\|", line)
            if row is None:
                continue
            python, expected = row.groups()
            if ("np." in python and np is None) or ("pd." in python and pd is None):
                continue
            with self.subTest(python):
                self.maps(eval(python, names), json.loads(expected))
            checked += 1
        self.assertGreater(checked, 30)


class Names(Case):
    def test_names(self):
        class Local:
            pass

        module = Local.__module__
        self.assertEqual(type_name(1), "int")
        self.assertEqual(type_name([]), "list")
        self.assertEqual(type_name(None), "NoneType")
        self.assertEqual(type_name(int), "type")
        self.assertEqual(type_name(len), "builtin_function_or_method")
        self.assertEqual(type_name(dt.datetime(2024, 1, 1)), "datetime.datetime")
        self.assertEqual(type_name(collections.OrderedDict()), "collections.OrderedDict")
        self.assertEqual(type_name(pathlib.PurePosixPath()), "pathlib.PurePosixPath")
        self.assertEqual(type_name(Local()), f"{module}.Local")
        mine = type("MyClass", (), {"__module__": "__main__"})
        self.assertEqual(type_name(mine()), "MyClass")
        self.assertEqual(type_name(type("Odd", (), {"__module__": None})()), "None.Odd")

    def test_the_shortest_name_that_leads_to_a_class(self):
        cart, other = (type("Cart", (), {"__module__": "shop.core.carts"}) for _ in range(2))
        shop = types.ModuleType("shop")
        shop.Cart = cart
        shop.__getattr__ = lambda name: self.fail("a lazy attribute was asked for")
        sys.modules["shop"] = shop
        try:
            self.assertEqual(type_name(cart()), "shop.Cart")
            self.assertEqual(type_name(other()), "shop.core.carts.Cart")
            del shop.Cart
            self.assertEqual(type_name(cart()), "shop.core.carts.Cart")
        finally:
            del sys.modules["shop"]

    def test_nothing_is_imported(self):
        import subprocess

        code = (
            "import sys; sys.path.insert(0, sys.argv[1])\n"
            "from _python_interpreter_toolset import values\n"
            "values.to_json([1, {'a': (2.5, b'', object())}])\n"
            "print([m for m in ('numpy', 'pandas', 'decimal', 'dataclasses', 'datetime', 'uuid')"
            " if m in sys.modules])"
        )
        root = str(pathlib.Path(values.__file__).parents[1])
        command = [sys.executable, "-I", "-S", "-c", code, root]
        self.assertEqual(subprocess.check_output(command, text=True).strip(), "[]")


@unittest.skipIf(np is None, "needs numpy")
class Numpy(Case):
    def test_scalars(self):
        self.maps(np.bool_(True), True)
        self.maps(np.int8(-3), -3)
        self.maps(np.uint64(2**64 - 1), str(2**64 - 1))
        self.maps(np.float16(1.5), 1.5)
        self.maps(np.float32(0.1), 0.10000000149011612)
        self.maps(np.float64("nan"), "NaN")
        self.maps(np.longdouble(1.5), 1.5)
        self.maps(np.float32("-inf"), "-Infinity")
        self.maps(np.complex64(1 + 2j), "(1+2j)")
        self.maps(np.complex128(2j), "2j")
        self.maps(np.clongdouble(2j), "2j")
        self.maps(np.str_("s"), "s")
        self.maps(np.bytes_(b"abc"), "YWJj")
        self.maps(np.void(b"abc"), "YWJj")

    def test_times(self):
        self.maps(np.datetime64("2024-01-02"), "2024-01-02")
        self.maps(np.datetime64("2024-01"), "2024-01")
        self.maps(np.datetime64("2024-01-02T03:04:05.678"), "2024-01-02T03:04:05.678")
        self.maps(np.datetime64("NaT", "s"), None)
        self.maps(np.timedelta64(1500, "ms"), 1.5)
        self.maps(np.timedelta64(1, "D"), 86400.0)
        self.maps(np.timedelta64("NaT", "s"), None)
        self.maps(np.timedelta64(2, "Y"), "2 years")
        self.maps(np.array(["2024-01-02", "NaT"], "M8[s]"), ["2024-01-02T00:00:00", None])
        self.maps(np.array([[1, "NaT"]], "m8[ns]"), [[1e-9, None]])
        self.maps(np.array([1, "NaT"], "m8[M]"), ["1 months", None])

    def test_arrays(self):
        self.maps(np.arange(6).reshape(2, 3), [[0, 1, 2], [3, 4, 5]])
        self.maps(np.arange(6).reshape(2, 3).T[::-1], [[2, 5], [1, 4], [0, 3]])
        self.maps(np.array([True, False]), [True, False])
        self.maps(np.array(7), 7)
        self.maps(np.array(float("nan")), "NaN")
        self.maps(np.zeros((2, 0)), [[], []])
        self.maps(np.zeros(0, int), [])
        self.maps(
            np.array([[1.5, np.nan], [np.inf, -np.inf]]), [[1.5, "NaN"], ["Infinity", "-Infinity"]]
        )
        self.maps(np.array([2**53, 1, -(2**53)]), [str(2**53), 1, str(-(2**53))])
        self.maps(np.array([2**53 - 1]), [2**53 - 1])
        self.maps(np.array([2**64 - 1], np.uint64), [str(2**64 - 1)])
        self.maps(np.array([1.5, np.nan], np.float16), [1.5, "NaN"])
        self.maps(np.array([1.5, np.nan], np.longdouble), [1.5, "NaN"])
        self.maps(np.array([1 + 2j, 3]), ["(1+2j)", "(3+0j)"])
        self.maps(np.array(["a", "\ud800"]), ["a", "\ud800"])
        self.maps(np.array([b"abc", b""]), ["YWJj", ""])
        self.maps(
            np.zeros((1, 2)).view(type("Mine", (np.ndarray,), {"tolist": None})), [[0.0, 0.0]]
        )

    def test_object_arrays(self):
        items = np.empty(3, object)
        items[:] = [[1, 2], None, Reprs("me")]
        self.maps(items, [[1, 2], None, "me"])
        self.maps(
            np.array([[1, "a"], [float("nan"), dt.date(2024, 1, 2)]], object),
            [[1, "a"], ["NaN", "2024-01-02"]],
        )
        zero = np.empty((), object)
        zero[()] = {"a": [1]}
        self.maps(zero, {"a": [1]})
        zero[()] = zero
        self.refuses(zero, "contains itself")
        items[1] = items
        self.refuses(items, "x[1] is x again")

    def test_structured_arrays(self):
        kind = [("a", "i8"), ("b", "f4", 2), ("c", [("d", "U3")])]
        rows = np.array([(2**60, (1, np.nan), ("x",)), (2, (3, 4), ("y",))], kind)
        first = {"a": str(2**60), "b": [1.0, "NaN"], "c": {"d": "x"}}
        second = {"a": 2, "b": [3.0, 4.0], "c": {"d": "y"}}
        self.maps(rows, [first, second])
        self.maps(rows[0], first)
        self.maps(np.rec.array(rows), [first, second])
        self.maps(rows.reshape(2, 1), [[first], [second]])
        self.maps(np.zeros(2, "V2"), ["AAA=", "AAA="])

    def test_masked_arrays(self):
        masked = np.ma.masked
        self.maps(np.ma.array([1, 2], mask=[False, True]), [1, None])
        self.maps(np.ma.array([[1.5, np.nan]], mask=[[True, False]]), [[None, "NaN"]])
        self.maps(np.ma.array([1, 2]), [1, 2])
        self.maps(masked, None)
        self.maps(np.ma.array(1, mask=True), None)
        self.maps(np.ma.array(["2024-01-01"] * 2, "M8[D]", mask=[0, 1]), ["2024-01-01", None])
        self.maps(np.ma.array([{"a": 1}, Reprs(None)], mask=[0, 1]), [{"a": 1}, None])
        rows = np.ma.array([(1, 2.0), (3, 4.0)], [("a", int), ("b", float)])
        rows["b"][0] = masked
        self.maps(rows, [{"a": 1, "b": None}, {"a": 3, "b": 4.0}])

    def test_variable_width_strings(self):
        if not hasattr(np.dtypes if hasattr(np, "dtypes") else None, "StringDType"):
            self.skipTest("needs numpy 2")
        self.maps(np.array(["a", "bc"], np.dtypes.StringDType()), ["a", "bc"])

    def test_keys(self):
        self.maps({np.int64(1): 0}, {"1": 0})
        self.maps({np.float32(1.5): 0}, {"1.5": 0})
        self.maps({np.float32("nan"): 0}, {"nan": 0})
        self.maps({np.str_("a"): 0}, {"a": 0})
        self.maps({np.bool_(True): 0}, {"True": 0})
        self.maps({np.datetime64("2024-01-02"): 0}, {"2024-01-02": 0})
        self.maps({np.bytes_(b"a"): 0}, {repr(np.bytes_(b"a")): 0})

    def test_bounds(self):
        big = np.broadcast_to(np.float64(0), (10**9,))
        self.refuses(big, "x is an array of 1,000,000,000, more than 1,000,000 items")
        self.refuses({"a": big}, "x['a'] is an array")
        self.refuses(np.zeros((10**9, 0)), "an array of 1,000,000,000 x 0")
        self.refuses(np.broadcast_to(np.void(b"a"), (1000, 1001)), "an array of 1,000 x 1,001")
        self.refuses([np.zeros(600_000)] * 2, "x[1] brings")
        self.assertEqual(len(to_json(np.zeros((10**6, 1)))), 10**6)
        self.assertEqual(len(to_json(np.zeros((1000, 1000)))), 1000)
        self.refuses(np.full(60, "a" * 10**6), "over 50,000,000 characters")
        x: Any = np.zeros((1,) * 20)
        for _ in range(81):
            x = [x]
        self.refuses(x, "100 levels deep")

    def test_names(self):
        self.assertEqual(type_name(np.zeros(1)), "numpy.ndarray")
        self.assertEqual(type_name(np.float32(1)), "numpy.float32")
        self.assertEqual(type_name(np.ma.array([1])), "numpy.ma.MaskedArray")

    def test_a_worker_that_lost_numpy(self):
        value = np.zeros(1)
        shown = repr(value)
        lost = sys.modules.pop("numpy")
        try:
            self.maps(value, shown)
        finally:
            sys.modules["numpy"] = lost

    def test_fast(self):
        numbers = np.random.default_rng(0).random((1000, 100))
        for value in (numbers, numbers.ravel().tolist(), list(range(100_000))):
            start = time.perf_counter()
            to_json(value)
            self.assertLess(time.perf_counter() - start, 0.5)


@unittest.skipIf(pd is None, "needs pandas")
class Pandas(Case):
    def test_scalars(self):
        self.maps(pd.Timestamp("2024-01-02 03:04:05.123456789"), "2024-01-02T03:04:05.123456789")
        self.maps(pd.Timestamp("2024-01-02", tz="Europe/Paris"), "2024-01-02T00:00:00+01:00")
        self.maps([pd.NaT, pd.NA], [None, None])
        self.maps(pd.Timedelta("1 days 00:00:01"), 86401.0)
        self.maps(pd.Period("2024-01", "M"), "2024-01")
        self.maps(pd.Interval(0, 1), "(0, 1]")
        self.maps({pd.Timestamp("2024-01-02"): 0, pd.NaT: 1}, {"2024-01-02T00:00:00": 0, "NaT": 1})

    def test_series(self):
        self.maps(pd.Series([1, 2], name="n"), {"name": "n", "index": [0, 1], "data": [1, 2]})
        self.maps(
            pd.Series([1.5, None], index=["a", "b"]),
            {"name": None, "index": ["a", "b"], "data": [1.5, "NaN"]},
        )
        self.maps(
            pd.Series([], dtype=float, name=(1, "a")), {"name": [1, "a"], "index": [], "data": []}
        )
        self.maps(pd.Series([2**60]), {"name": None, "index": [0], "data": [str(2**60)]})

    def data(self, values, expected, **options):
        self.maps(
            pd.Series(values, **options),
            {
                "name": None,
                "index": list(range(len(expected))),
                "data": expected,
            },
        )

    def test_columns_of_each_type(self):
        self.data(["a", None], ["a", None])
        self.data(["a", float("nan")], ["a", None])
        self.data(["a", float("nan")], ["a", None], dtype=object)
        self.data([1, None, 2**60], [1, None, str(2**60)], dtype="Int64")
        self.data([1.5, None], [1.5, None], dtype="Float64")
        self.data([True, None], [True, None], dtype="boolean")
        self.data(["a", None], ["a", None], dtype="string")
        self.data(["a", None, "a"], ["a", None, "a"], dtype="category")
        self.data([1.5, None], [1.5, None], dtype="category")
        self.data(["2024-01-02", None], ["2024-01-02T00:00:00", None], dtype="datetime64[ns]")
        self.data(
            pd.to_datetime(["2024-01-02", None], utc=True), ["2024-01-02T00:00:00+00:00", None]
        )
        self.data(pd.to_timedelta(["1s", None]), [1.0, None])
        self.data(pd.PeriodIndex(["2024-01", None], freq="M"), ["2024-01", None])
        self.data(pd.interval_range(0, 2), ["(0, 1]", "(1, 2]"])
        self.data([0.0, float("nan")], [0.0, "NaN"], dtype=pd.SparseDtype(float))
        self.data([1 + 2j], ["(1+2j)"])
        self.data([b"abc", [1], {"a": pd.NA}], ["YWJj", [1], {"a": None}])

    def test_frames(self):
        frame = pd.DataFrame({"n": [1, 2], "s": ["a", None]}, index=["x", "y"])
        self.maps(
            frame, {"columns": ["n", "s"], "index": ["x", "y"], "data": [[1, "a"], [2, None]]}
        )
        self.maps(
            pd.DataFrame([[1.5, float("nan")]], columns=["a", "a"]),
            {"columns": ["a", "a"], "index": [0], "data": [[1.5, "NaN"]]},
        )
        self.maps(
            pd.DataFrame([[1, "b"]], columns=["a", "a"]),
            {"columns": ["a", "a"], "index": [0], "data": [[1, "b"]]},
        )
        self.maps(pd.DataFrame(), {"columns": [], "index": [], "data": []})
        self.maps(pd.DataFrame(index=[1, 2]), {"columns": [], "index": [1, 2], "data": [[], []]})
        self.maps(pd.DataFrame(columns=["a"]), {"columns": ["a"], "index": [], "data": []})
        self.maps(
            pd.DataFrame({1: [2**53]}), {"columns": [1], "index": [0], "data": [[str(2**53)]]}
        )

    def test_same_as_pandas_own_split_where_both_are_exact(self):
        frame = pd.DataFrame(
            {"n": range(50), "x": [n / 3 for n in range(50)], "s": list("ab" * 25)}
        )
        for part in (frame, frame[["n", "x"]], frame[["x"]], frame.groupby("s").max()):
            split = part.to_dict("split")
            self.maps(part, {key: split[key] for key in ("columns", "index", "data")})

    def test_grouped_frame(self):
        frame = pd.DataFrame({"k": ["a", "b", "a"], "n": [1, 2, 3]})
        self.maps(
            frame.groupby("k").agg(["sum", "max"]),
            {
                "columns": [["n", "sum"], ["n", "max"]],
                "index": ["a", "b"],
                "data": [[4, 3], [2, 2]],
            },
        )

    def test_indexes(self):
        self.maps(pd.RangeIndex(3), [0, 1, 2])
        self.maps(pd.Index(["a", None]), ["a", None])
        self.maps(pd.Index([1.5, None]), [1.5, "NaN"])
        self.maps(pd.DatetimeIndex(["2024-01-02", None]), ["2024-01-02T00:00:00", None])
        self.maps(pd.TimedeltaIndex(["1s", None]), [1.0, None])
        self.maps(pd.PeriodIndex(["2024Q1"], freq="Q"), ["2024Q1"])
        self.maps(pd.IntervalIndex.from_breaks([0, 1]), ["(0, 1]"])
        self.maps(pd.CategoricalIndex(["a", None]), ["a", None])
        self.maps(pd.MultiIndex.from_tuples([("a", 1), ("b", 2)]), [["a", 1], ["b", 2]])
        self.maps(pd.MultiIndex.from_arrays([["a", None], [1.5, 2]]), [["a", 1.5], [None, 2.0]])

    def test_arrays(self):
        self.maps(pd.Categorical(["b", None]), ["b", None])
        self.maps(pd.array([1, None], dtype="Int64"), [1, None])
        self.maps(pd.date_range("2024-01-02", periods=1).array, ["2024-01-02T00:00:00"])
        self.maps(pd.Series([1, 2]).array, [1, 2])

    @unittest.skipIf(pyarrow is None, "needs pyarrow")
    def test_columns_kept_by_arrow(self):
        self.data([1, None], [1, None], dtype="int64[pyarrow]")
        self.data([1.5, None], [1.5, None], dtype="double[pyarrow]")
        self.data(["a", None], ["a", None], dtype="string[pyarrow]")
        self.data(
            ["2024-01-02", None], ["2024-01-02T00:00:00", None], dtype="timestamp[ns][pyarrow]"
        )
        self.data([[1], None], [[1], None], dtype=pd.ArrowDtype(pyarrow.list_(pyarrow.int64())))
        kind = pd.ArrowDtype(pyarrow.struct([("a", pyarrow.int64())]))
        self.data([{"a": 1}, None], [{"a": 1}, None], dtype=kind)
        kind = pd.ArrowDtype(pyarrow.decimal128(5, 2))
        self.data([decimal.Decimal("1.10"), None], ["1.10", None], dtype=kind)

    def test_bounds(self):
        self.refuses(pd.RangeIndex(10**9), "x is a pandas.RangeIndex of 1,000,000,000")
        self.refuses(pd.DataFrame(index=range(10**9)), "x is a DataFrame of 1,000,000,000 x 0")
        self.refuses(pd.Series(range(10**6)), "x is a Series of 1,000,000, with its index")
        numbers = pd.Series(range(2000))
        self.refuses(
            pd.MultiIndex.from_product([numbers, numbers]), "x is a MultiIndex of 4,000,000 x 2"
        )
        cells = pd.Series([[], 1], dtype=object)
        cells[0].append(cells)
        self.refuses(cells, "x.array[0][0] is x again")
        frame = pd.DataFrame({"a": [{}, 1]})
        frame["a"][0]["b"] = frame
        self.refuses(frame, "x['a'][0]['b'] is x again")

    def test_names(self):
        self.assertEqual(type_name(pd.DataFrame()), "pandas.DataFrame")
        self.assertEqual(type_name(pd.Series([1])), "pandas.Series")
        self.assertEqual(type_name(pd.Timestamp(0)), "pandas.Timestamp")
        self.assertEqual(type_name(pd.RangeIndex(1)), "pandas.RangeIndex")
        subclass = type("Mine", (pd.DataFrame,), {"__module__": "__main__"})
        self.assertEqual(type_name(subclass()), "Mine")
        self.maps(subclass({"a": [1]}), {"columns": ["a"], "index": [0], "data": [[1]]})


if __name__ == "__main__":
    unittest.main()
