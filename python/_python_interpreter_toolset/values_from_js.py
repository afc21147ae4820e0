"""What a value of JavaScript becomes in Python; ``docs/values.md`` lists each mapping.

It comes as JSON, with tags for what that lacks, and binary frames; a tag is an object with the key
"$", which names what it stands for:

    float     "value": "NaN", "Infinity", "-Infinity", "-0", or one beyond the safe integers
    int       "value": its hexadecimal digits, with a sign
    date      "value": milliseconds since 1970 UTC
    bytes     "data"
    tuple     "items", of an Array where it has to be hashable
    set       "items", "path"
    frozenset "items", "path"
    map       "entries": pairs of a key and a value; "path"
    array     "data", "dtype", "shape", "path": C order, little-endian
    table     "frame": the number of one that is an Arrow IPC stream; "path"
    vector    "frame": the same, of the one column that is meant; "path"

"data" is a frame's number, an offset and a length in bytes; "path" is where in the value it is, for
errors. The twin is ``src/values/encode.ts``.
"""

from __future__ import annotations

import array
import datetime
from collections.abc import Callable, Collection
from importlib import import_module
from io import BytesIO
from json import JSONDecoder
from typing import Any

from .values import ValueNotExpressible

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
_MILLISECOND = datetime.timedelta(milliseconds=1)

_ALIGNMENT = 8
_SMALL_FRAME = 0  # shared by many, so that each has to be copied

# Where there is no numpy; https://docs.python.org/3/library/array.html
_TYPE_CODES = {
    "int8": "b",
    "uint8": "B",
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "float32": "f",
    "float64": "d",
}

Tag = dict[str, Any]


def decode_values(json: bytes, frames: list[memoryview]) -> Any:
    """Answer the values that `json` stands for.

    Raises ValueNotExpressible where a library that one of them needs cannot be imported.
    """
    return JSONDecoder(object_hook=_FromJs(frames).convert).decode(json.decode("utf-8"))


class _FromJs:
    """The conversion of one message's values."""

    def __init__(self, frames: list[memoryview]) -> None:
        self._frames = frames
        self._ways: dict[str, Callable[[Tag], Any]] = {
            "float": lambda tag: float(tag["value"]),
            "int": lambda tag: int(tag["value"], 16),
            "date": lambda tag: _EPOCH + tag["value"] * _MILLISECOND,
            "bytes": lambda tag: bytes(self._buffer(tag)),
            "tuple": lambda tag: tuple(tag["items"]),
            "set": lambda tag: _complete(tag, set(tag["items"]), tag["items"]),
            "frozenset": lambda tag: _complete(tag, frozenset(tag["items"]), tag["items"]),
            "map": lambda tag: _complete(tag, dict(tag["entries"]), tag["entries"]),
            "array": self._array,
            "table": self._table,
            "vector": self._vector,
        }

    def convert(self, fields: Tag) -> Any:
        """Answer what an object in the JSON stands for; those in it have been converted."""
        kind = fields.get("$")
        return fields if kind is None else self._ways[kind](fields)

    def _buffer(self, tag: Tag) -> memoryview:
        frame: int
        offset: int
        length: int
        frame, offset, length = tag["data"]
        return memoryview(self._frames[frame])[offset : offset + length]

    def _array(self, tag: Tag) -> Any:
        """Answer a numpy array, which can be written to; without numpy, an array.array."""
        buffer, dtype, shape = self._buffer(tag), tag["dtype"], tag["shape"]
        numpy = _import("numpy")
        if numpy is not None:
            flat = numpy.frombuffer(buffer, dtype)
            is_aligned = flat.__array_interface__["data"][0] % _ALIGNMENT == 0
            if tag["data"][0] == _SMALL_FRAME or not is_aligned or not flat.flags.writeable:
                flat = flat.copy()
            return flat.reshape(shape)
        code = _TYPE_CODES.get(dtype)
        if code is None or len(shape) != 1:
            what = f"an array of {dtype} with {len(shape)} dimensions"
            raise ValueNotExpressible(
                f"{tag['path']} is {what}, which Python has only with numpy: install numpy"
            )
        return array.array(code, buffer.tobytes())

    def _table(self, tag: Tag) -> Any:
        return self._read(
            tag, lambda table: table.to_pandas(use_threads=False), lambda frame: frame
        )

    def _vector(self, tag: Tag) -> Any:
        return self._read(
            tag,
            lambda table: table.column(0).to_pandas(use_threads=False),
            lambda frame: frame.to_series(),
        )

    def _read(
        self, tag: Tag, of_pyarrow: Callable[[Any], Any], of_polars: Callable[[Any], Any]
    ) -> Any:
        """Read an Arrow IPC stream for pandas, or for polars where only that is there."""
        buffer = self._frames[tag["frame"]]
        pyarrow = _import("pyarrow.ipc")
        if pyarrow is not None and _import("pandas") is not None:
            return of_pyarrow(pyarrow.open_stream(buffer).read_all())
        polars = _import("polars")
        if polars is not None:
            return of_polars(polars.read_ipc_stream(BytesIO(buffer)))
        raise ValueNotExpressible(
            f"{tag['path']} is an Arrow table, which Python reads with pandas and pyarrow, or with "
            "polars: install pyarrow"
        )


def _complete(tag: Tag, collection: Collection[Any], items: Collection[Any]) -> Collection[Any]:
    """Refuse keys that are equal in Python, though not in JavaScript, such as 1 and true."""
    if len(collection) == len(items):
        return collection
    raise ValueNotExpressible(f"{tag['path']} has keys or items that are equal in Python")


def _import(name: str) -> Any:
    """Answer a module of the user's environment, or None where there is none."""
    try:
        return import_module(name)
    except ImportError:
        return None
