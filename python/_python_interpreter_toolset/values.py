"""What a Python value looks like in JSON; ``docs/values.md`` lists each mapping.

Classes are told apart by their public name, so that this module imports nothing it need not: a
worker that never meets a DataFrame, a Decimal or a dataclass does not pay for one. Containers are
read through the methods of their built-in base, because a subclass may have replaced its own.
"""

from __future__ import annotations

import binascii
import gc
import math
import sys
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any, NamedTuple, NoReturn

MAX_SAFE_INTEGER = 2**53 - 1
MAX_INT_DIGITS = 1_000_000
MAX_ITEMS = 1_000_000
MAX_CHARACTERS = 50_000_000
MAX_DEPTH = 100
MAX_REPR = 10_000

# An int of so few bits is printable under any limit that sys.set_int_max_str_digits() accepts.
_PRINTABLE_BITS = 2_000

_NEED_NUMPY = ("numpy.", "pandas.")

TYPE_CHECKING = False
if TYPE_CHECKING:
    Handler = Callable[[Any, Any, Any], object]  # of conversion, value, and class


class ValueNotExpressible(ValueError):
    """The value contains itself, is nested too deeply or is too large to be returned as JSON."""

    __module__ = "builtins"  # a traceback shows the name only, not where the worker keeps it


def to_json(value: object, name: str = "value") -> object:
    """Return what ``value`` looks like in JSON; error messages call it ``name``."""
    return Conversion(name).convert(value)


def type_name(value: object) -> str:
    """Return the name of the value's type as a person says it, such as ``pandas.DataFrame``."""
    name = _public_name(type(value))
    for silent in ("builtins.", "__main__."):
        if name.startswith(silent):
            return name[len(silent) :]
    return name


def _public_name(cls: type) -> str:
    """Return the module and name under which a class is known: the shortest that leads to it."""
    name = cls.__qualname__.rpartition("<locals>.")[2]
    module = str(cls.__module__)
    for end in [at for at, character in enumerate(module) if character == "."]:
        parent = sys.modules.get(module[:end])
        # Looking into the module's own dictionary wakes no lazy import and no deprecation warning.
        if isinstance(parent, ModuleType) and vars(parent).get(name) is cls:
            return f"{module[:end]}.{name}"
    return f"{module}.{name}"


class Field(str):
    """A step of a path that is written as an attribute."""

    __slots__ = ()


class _Way(NamedTuple):
    """How the values of one class are converted."""

    cls: type  # held, so that its id cannot pass to another class meanwhile
    handler: Handler
    base: type  # the class in its ancestry that the handler is for


class Conversion:
    """One call of ``to_json``: where it is, and what it has used of its bounds."""

    __slots__ = ("ancestors", "characters", "containers", "items", "name", "path", "ways")

    handlers: dict[str, Handler]  # by the public name of the class that they are for

    def __init__(self, name: str) -> None:
        """Call the value ``name`` in errors."""
        self.name = name
        self.items = 1
        self.containers = -1  # the outermost is not counted
        self.characters = 0
        self.ancestors: list[int] = []
        self.path: list[object] = []
        self.ways: dict[int, _Way] = {}  # by id, because a metaclass may define __hash__ or __eq__

    def convert(self, value: Any) -> object:
        kind = type(value)
        if value is None or kind is bool:
            return value
        if kind is str:
            return self.text(value)
        if kind is int and -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER:
            return value
        if kind is float and math.isfinite(value):
            return value
        way = self.way(kind)
        return way.handler(self, value, way.base)

    def way(self, cls: type) -> _Way:
        way = self.ways.get(id(cls))
        if way is None:
            ancestry = {_public_name(base): base for base in reversed(cls.__mro__)}
            # What a class was made as counts more than what it was built on: Level(int, Enum).
            if "enum.Enum" in ancestry:
                way = _Way(cls, Conversion.enum_member, cls)
            elif _class_attribute(cls, "__dataclass_fields__") is not None:
                way = _Way(cls, Conversion.dataclass, cls)
            else:
                known = [name for name in reversed(ancestry) if name in self.handlers]
                # Code may have thrown numpy out of sys.modules, and has values of it still.
                if known and ("numpy" in sys.modules or not known[0].startswith(_NEED_NUMPY)):
                    way = _Way(cls, self.handlers[known[0]], ancestry[known[0]])
                else:
                    way = _Way(cls, Conversion.unknown, cls)
            self.ways[id(cls)] = way
        return way

    # Bounds

    def where(self, depth: int | None = None) -> str:
        """Return the path to the value at ``depth``; a long one is cut in the middle."""
        steps = [
            f".{step}" if type(step) is Field else f"[{_cut(repr(step), 60)}]"
            for step in self.path[:depth]
        ]
        if len(steps) > 12:
            steps[6:-6] = ["…"]
        return self.name + "".join(steps)

    def refuse(
        self, problem: str, advice: str = "return a summary or a slice of it, or write it to a file"
    ) -> NoReturn:
        raise ValueNotExpressible(f"{problem}: {advice}")

    def require_items(self, size: int, what: str) -> None:
        """Refuse what is too large by itself before any work is done for it."""
        if size > MAX_ITEMS:
            self.refuse(f"{self.where()} is {what}, more than {MAX_ITEMS:,} items")

    def require_characters(self, size: int) -> None:
        if self.characters + size > MAX_CHARACTERS:
            self.refuse(f"{self.where()} brings the text to over {MAX_CHARACTERS:,} characters")

    def require_depth(self, levels: int) -> None:
        if len(self.path) + levels > MAX_DEPTH:
            self.refuse(f"{self.where()} is nested more than {MAX_DEPTH} levels deep")

    def count(self, items: int, containers: int) -> None:
        self.items += items
        self.containers += containers
        if self.items > MAX_ITEMS or self.containers > MAX_ITEMS:
            self.refuse(f"{self.where()} brings the value to over {MAX_ITEMS:,} items")

    def text(self, text: str) -> str:
        self.require_characters(len(text))
        self.characters += len(text)
        return text

    def enter(self, value: object, size: int) -> None:
        """Step into a container; the caller sets the last step of the path, then leaves."""
        if id(value) in self.ancestors:
            ancestor = self.where(self.ancestors.index(id(value)))
            self.refuse(
                f"{self.where()} is {ancestor} again, so {ancestor} contains itself",
                "return a part without the cycle, or a summary",
            )
        self.require_depth(1)
        self.count(size - 1, 1)  # it was an item of its parent; its own items stand in its place
        self.ancestors.append(id(value))
        self.path.append(None)

    def leave(self) -> None:
        self.ancestors.pop()
        self.path.pop()

    # Single values

    def plain(self, value: object, _: Any) -> object:
        return value

    def nothing(self, value: object, _: Any) -> object:
        return None

    def integer(self, value: int, _: Any) -> object:
        value = int.__index__(value)
        if -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER:
            return value
        if value.bit_length() > MAX_INT_DIGITS * math.log2(10):
            self.refuse(
                f"{self.where()} is an int of more than {MAX_INT_DIGITS:,} digits",
                "return a property of it, such as its bit_length(), or write it to a file",
            )
        return self.text(_digits(value))

    def floating(self, value: float, _: Any) -> object:
        value = float.__float__(value)
        if math.isfinite(value):
            return value
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"

    def complex_number(self, value: complex, _: Any) -> object:
        return self.text(complex.__repr__(value))

    def string(self, value: str, _: Any) -> object:
        return self.text(str.__str__(value))

    def binary(self, value: bytes, _: Any) -> object:
        view = memoryview(value)
        self.require_characters(view.nbytes * 4 // 3)
        return self.text(binascii.b2a_base64(view.tobytes(), newline=False).decode("ascii"))

    def iso(self, value: Any, _: Any) -> object:
        return self.text(value.isoformat())

    def seconds(self, value: Any, _: Any) -> object:
        return self.floating(value.total_seconds(), float)

    def named(self, value: object, _: Any) -> object:
        return self.text(str(value))

    def enum_member(self, value: Any, _: Any) -> object:
        return self.convert(value._value_)

    def unknown(self, value: object, _: Any) -> str:
        return self.text(_cut(repr(value), MAX_REPR))

    # Containers

    def array(self, value: Any, base: Any) -> list[Any]:
        try:
            size = base.__len__(value)
        except OverflowError:  # only a range is longer than len() can say
            size = -(-(value.stop - value.start) // value.step)
        if size > MAX_ITEMS:  # asked first, because naming it takes longer than most lists do
            self.require_items(size, f"a {base.__name__} of {size:,}")
        return self.array_of(value, base.__iter__(value))

    def array_of(self, value: object, items: Iterable[Any]) -> list[Any]:
        items = list(items)  # before other threads change it
        self.enter(value, len(items))
        path, convert, result = self.path, self.convert, []
        for index, item in enumerate(items):
            path[-1] = index
            result.append(convert(item))
        self.leave()
        return result

    def unordered(self, value: Any, base: Any) -> list[Any]:
        result = self.array(value, base)
        # Equal sets should look the same, whatever their items hash to in this process.
        kinds = {type(item) for item in result}
        return sorted(result) if kinds <= {str} or kinds <= {int, float} else result

    def tuple_or_record(self, value: Any, base: Any) -> object:
        fields = _class_attribute(type(value), "_fields")
        if (
            type(fields) is tuple
            and len(fields) == base.__len__(value)
            and all(type(field) is str for field in fields)
        ):
            return self.record(value, dict(zip(fields, base.__iter__(value))))
        return self.array(value, base)

    def dataclass(self, value: Any, _: Any) -> object:
        from dataclasses import fields  # no import really: the value's class has needed it

        # A field may never have been set, or been deleted.
        names = [field.name for field in fields(value) if hasattr(value, field.name)]
        return self.record(value, {name: getattr(value, name) for name in names})

    def record(self, value: object, fields: dict[str, Any]) -> dict[str, object]:
        self.enter(value, len(fields))
        result = {}
        for name, item in fields.items():
            self.path[-1] = Field(name)
            result[self.text(name)] = self.convert(item)
        self.leave()
        return result

    def mapping(self, value: Any, base: Any) -> object:
        size = base.__len__(value)
        if size > MAX_ITEMS:  # asked first, because naming it takes longer than most lists do
            self.require_items(size, f"a {base.__name__} of {size:,}")
        keys, texts, items = [], [], []
        entries = list(base.items(value))  # before other threads change it
        self.enter(value, len(entries))
        for key, item in entries:
            self.path[-1] = key
            keys.append(key)
            texts.append(self.key(key))
            items.append(self.convert(item))
        result: object = dict(zip(texts, items))
        if len(set(texts)) < len(texts):  # such as 1 and '1': one would overwrite the other
            self.count(len(entries), len(entries))
            result = [[self.convert(key), item] for key, item in zip(keys, items)]
        self.leave()
        return result

    def mapping_proxy(self, value: object, base: Any) -> object:
        inner = gc.get_referents(value)[0]
        # A mapping that is no dict could only be read by running its own code.
        return self.convert(inner) if isinstance(inner, dict) else self.unknown(value, base)

    def key(self, key: Any) -> str:
        """Return the text that stands for a dictionary's key."""
        if type(key) is str:
            return self.text(key)
        _, handler, base = self.way(type(key))
        if handler is Conversion.enum_member:
            return self.key(key._value_)
        if handler is Conversion.numpy_scalar and _python_scalar(key) is not key:
            return self.key(_python_scalar(key))
        if handler in _KEY_HANDLERS:
            mapped = handler(self, key, base)
            return mapped if isinstance(mapped, str) else self.text(repr(mapped))
        return self.unknown(key, base)

    # numpy

    def numpy_scalar(self, value: Any, base: Any) -> object:
        scalar = _python_scalar(value)
        return self.nested(value) if scalar is value else self.convert(scalar)

    def numpy_array(self, value: Any, _: Any) -> Any:
        return self.nested(value)

    def nested(self, value: Any) -> Any:
        numpy = sys.modules["numpy"]
        array = numpy.asarray(value)  # without what a subclass may have changed
        dtype, dimensions = array.dtype, array.ndim
        containers = self.require_shape(array.shape)
        if dtype.kind not in "biufcmMSU":
            return self.numpy_objects(value, array)
        self.count(array.size - 1, containers)
        leaf: Callable[[Any], object] | None = self.convert
        if dtype.kind == "M":
            array = numpy.datetime_as_string(array)
            leaf = self.text_or_nothing
        elif dtype.kind == "m" and numpy.datetime_data(dtype)[0] in ("Y", "M", "generic"):
            array = array.astype(str)  # has no length in seconds
            leaf = self.text_or_nothing
        elif dtype.kind == "m":
            array = array / numpy.timedelta64(1, "s")
            leaf = _number_or_nothing
        elif dtype.kind in "fc":
            with numpy.errstate(all="ignore"):  # a longdouble may be beyond a float's range
                array = array.astype(float if dtype.kind == "f" else complex, copy=False)
            if dtype.kind == "f" and numpy.isfinite(array).all():
                leaf = None
        elif dtype.kind in "biu" and not (
            dtype.itemsize == 8
            and array.size
            and (array.max() > MAX_SAFE_INTEGER or array.min() < -MAX_SAFE_INTEGER)
        ):
            leaf = None
        nested = array.tolist()
        return _each(leaf, nested, dimensions) if leaf else nested

    def numpy_objects(self, value: Any, array: Any) -> object:
        """Convert an array whose items have to be looked at one by one."""
        numpy = sys.modules["numpy"]
        if array.ndim:
            return self.array_of(value, array)
        if array.dtype.names is not None:
            return self.record(value, {name: array[name] for name in array.dtype.names})
        if array.dtype.type is numpy.void:
            return self.binary(array.tobytes(), bytes)
        item = array[()]
        if array.dtype.kind != "O" and isinstance(item, numpy.generic):  # a dtype of someone's own
            return self.unknown(item, None)
        return self.array_of(value, [item])[0]

    def numpy_masked(self, value: Any, base: Any) -> object:
        numpy = sys.modules["numpy"]
        self.require_shape(value.shape)
        names = value.dtype.names
        if value is numpy.ma.masked:
            return None
        if names is None:
            data = self.nested(value.filled())  # what is masked may be anything
            mask = numpy.ma.getmaskarray(value).tolist()
            return _blank(data, mask, value.ndim)
        if value.ndim:
            return self.array_of(value, [value[index] for index in range(len(value))])
        return self.record(value, {name: value[name] for name in names})

    def require_shape(self, shape: tuple[int, ...]) -> int:
        """Return the number of arrays that an array of this shape is made of."""
        size, containers = 1, 0
        for length in shape:
            containers += size
            size *= length
        what = f"an array of {' x '.join(f'{length:,}' for length in shape)}"
        self.require_items(max(size, containers - 1), what)
        self.require_depth(len(shape))
        return containers

    def text_or_nothing(self, text: str) -> str | None:
        return None if text == "NaT" else self.text(text)

    # pandas

    def series(self, value: Any, _: Any) -> object:
        size = len(value)
        items = size * (1 + value.index.nlevels)
        self.require_items(items, f"a Series of {size:,}, with its index")
        self.enter(value, 3)
        self.path[-1] = Field("name")
        name = self.convert(value.name)
        self.path[-1] = Field("index")
        index = self.convert(value.index)
        self.path[-1] = Field("array")
        data = self.column(value, None)
        self.leave()
        return {"name": name, "index": index, "data": data}

    def frame(self, value: Any, _: Any) -> object:
        rows, width = value.shape
        self.require_items(
            rows * (width + value.index.nlevels) + width * value.columns.nlevels,
            f"a DataFrame of {rows:,} x {width:,}, with its index",
        )
        self.enter(value, 3)
        self.path[-1] = Field("columns")
        columns = self.convert(value.columns)
        self.path[-1] = Field("index")
        index = self.convert(value.index)
        dtypes = list(value.dtypes)
        if dtypes and _is_numeric(dtypes[0]) and all(dtype == dtypes[0] for dtype in dtypes):
            data = self.numpy_array(value.to_numpy(), None)
        else:
            self.count(width - 1, rows + 1)
            data = []
            for position, label in enumerate(value.columns):
                self.path[-1] = label
                data.append(self.column(value.iloc[:, position], None))
            data = [list(row) for row in zip(*data)] if width else [[] for _ in range(rows)]
        self.leave()
        return {"columns": columns, "index": index, "data": data}

    def multi_index(self, value: Any, _: Any) -> object:
        size, levels = len(value), value.nlevels
        self.require_items(size * levels, f"a MultiIndex of {size:,} x {levels}")
        self.enter(value, levels)
        self.count(0, size)
        columns = [self.column(value.get_level_values(level), None) for level in range(levels)]
        self.leave()
        return [list(row) for row in zip(*columns)]

    def column(self, value: Any, _: Any) -> Any:
        """Convert what pandas keeps in one dimension: a Series' values, an index, an array."""
        self.require_items(len(value), f"a {type_name(value)} of {len(value):,}")
        if _is_numeric(value.dtype):
            return self.numpy_array(value.to_numpy(), None)
        items = list(value)
        if value.dtype.kind != "f":
            # NaN is a number among floats. Elsewhere it is how pandas marks what is missing.
            items = [None if gone else item for item, gone in zip(items, value.isna())]
        return self.array_of(items, items)


HANDLERS: dict[str, Handler] = {
    "builtins.NoneType": Conversion.nothing,
    "builtins.bool": Conversion.plain,
    "builtins.int": Conversion.integer,
    "builtins.float": Conversion.floating,
    "builtins.complex": Conversion.complex_number,
    "builtins.str": Conversion.string,
    "builtins.bytes": Conversion.binary,
    "builtins.bytearray": Conversion.binary,
    "builtins.memoryview": Conversion.binary,
    "builtins.list": Conversion.array,
    "builtins.tuple": Conversion.tuple_or_record,
    "builtins.range": Conversion.array,
    "builtins.set": Conversion.unordered,
    "builtins.frozenset": Conversion.unordered,
    "builtins.dict": Conversion.mapping,
    "builtins.dict_keys": Conversion.array,
    "builtins.dict_values": Conversion.array,
    "builtins.dict_items": Conversion.array,
    "builtins.mappingproxy": Conversion.mapping_proxy,
    "collections.OrderedDict": Conversion.mapping,
    "collections.deque": Conversion.array,
    "datetime.date": Conversion.iso,
    "datetime.time": Conversion.iso,
    "datetime.timedelta": Conversion.seconds,
    "decimal.Decimal": Conversion.named,
    "fractions.Fraction": Conversion.named,
    "ipaddress.IPv4Address": Conversion.named,
    "ipaddress.IPv4Network": Conversion.named,
    "ipaddress.IPv6Address": Conversion.named,
    "ipaddress.IPv6Network": Conversion.named,
    "pathlib.PurePath": Conversion.named,
    "uuid.UUID": Conversion.named,
    "numpy.generic": Conversion.numpy_scalar,
    "numpy.ndarray": Conversion.numpy_array,
    "numpy.ma.MaskedArray": Conversion.numpy_masked,
    "pandas.Series": Conversion.series,
    "pandas.DataFrame": Conversion.frame,
    "pandas.Index": Conversion.column,
    "pandas.MultiIndex": Conversion.multi_index,
    "pandas.Interval": Conversion.named,
    "pandas.Period": Conversion.named,
    # pandas 3 has moved these
    "pandas.api.extensions.ExtensionArray": Conversion.column,
    "pandas.core.arrays.ExtensionArray": Conversion.column,
    "pandas.api.typing.NAType": Conversion.nothing,
    "pandas._libs.missing.NAType": Conversion.nothing,
    "pandas.api.typing.NaTType": Conversion.nothing,
    "pandas._libs.NaTType": Conversion.nothing,
}
Conversion.handlers = HANDLERS

# Whose result is also what a key of that kind is called; the key's repr is, elsewhere.
_KEY_HANDLERS = (
    Conversion.plain,
    Conversion.integer,
    Conversion.complex_number,
    Conversion.string,
    Conversion.iso,
    Conversion.seconds,
    Conversion.named,
    Conversion.numpy_scalar,
)


def _cut(text: str, length: int) -> str:
    text = str.__str__(text)  # a __repr__ may return a subclass
    more = len(text) - length
    return f"{text[:length]}… ({more:,} more characters)" if more > 0 else text


def _digits(value: int) -> str:
    """Return the decimal text of any int, also beyond the limit of the interpreter."""
    if value.bit_length() <= _PRINTABLE_BITS:
        return repr(value)
    import decimal  # needed by few; multiplies large numbers faster than int does

    powers: dict[int, decimal.Decimal] = {}

    def exact(part: int, bits: int) -> decimal.Decimal:
        if bits <= _PRINTABLE_BITS:
            return decimal.Decimal(part)
        half = bits // 2
        if half not in powers:
            powers[half] = decimal.Decimal(2) ** half
        high = part >> half
        return exact(part - (high << half), half) + exact(high, bits - half) * powers[half]

    with decimal.localcontext(
        decimal.Context(
            prec=decimal.MAX_PREC,
            Emax=decimal.MAX_EMAX,
            Emin=decimal.MIN_EMIN,
            traps=[decimal.Inexact],
        )
    ):
        return ("-" if value < 0 else "") + str(exact(abs(value), value.bit_length()))


def _class_attribute(cls: type, name: str) -> Any:
    """Return what a class defines, which a metaclass could make up for ``getattr``."""
    return next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), None)


def _python_scalar(value: Any) -> Any:
    """Return a numpy scalar as Python's own, or as it is where Python has none."""
    simple = value.dtype.kind in "biufcSU" and value.dtype.char not in "gG"
    return value.item() if simple else value


def _is_numeric(dtype: Any) -> bool:
    return isinstance(dtype, sys.modules["numpy"].dtype) and dtype.kind in "biufcm"


def _number_or_nothing(number: float) -> float | None:
    return None if math.isnan(number) else number


def _each(leaf: Callable[[Any], object], nested: Any, dimensions: int) -> object:
    if dimensions == 0:
        return leaf(nested)
    if dimensions == 1:
        return [leaf(item) for item in nested]
    return [_each(leaf, item, dimensions - 1) for item in nested]


def _blank(data: Any, mask: Any, dimensions: int) -> object:
    if dimensions == 0:
        return None if mask else data
    return [_blank(item, gone, dimensions - 1) for item, gone in zip(data, mask)]
