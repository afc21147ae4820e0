"""What a Python value looks like to JavaScript: JSON, tags for what that lacks, and binary frames.

``docs/values.md`` lists each mapping; what is not here is as in ``values.py``. A tag is an object
with the key "$", which names what it stands for:

    float     "value": "NaN", "Infinity" or "-Infinity"
    int       "value": its hexadecimal digits, with a sign
    date      "value": milliseconds since 1970 UTC
    bytes     "data"
    set       "items"
    map       "entries": pairs of a key and a value
    object    "entries", of a dict that itself has the key "$"
    array     "data", "dtype", "shape": C order, little-endian
    table     "data": an Arrow IPC stream
    vector    "data": the same, of the one column that is meant

"data" is a frame's number, an offset and a length in bytes. The twin is ``src/values/decode.ts``.
"""

from __future__ import annotations

import datetime
import sys
import warnings
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

from .values import (
    HANDLERS,
    MAX_SAFE_INTEGER,
    Conversion,
    Field,
    ValueNotExpressible,
    type_name,
)

TAG = "$"

_SMALL = 1 << 16  # bytes; below, a frame of its own costs more than a copy
_ALIGNMENT = 8
_MAX_BYTES = 1 << 31  # of one reply: Node receives no larger frame (`channel.ts`), and has them all

_EPOCH = datetime.datetime(1970, 1, 1)
_MILLISECOND = datetime.timedelta(milliseconds=1)
_NO_OFFSET = datetime.timedelta(0)
_LAST_DATE = 8_640_000_000_000_000  # ms; ECMAScript, "Time Values and Time Range"

# By numpy's character: the kinds that JavaScript has no typed array of, and what holds them.
_OTHER = {"e": "float32", "g": "float64", "G": "complex128"}
_TYPED = "biufcmM"  # kinds of numpy's that become typed arrays
_FINE = ("ms", "us", "ns", "ps", "fs", "as")


class Frames:
    """The binary frames behind a message: one that all small buffers share, then the large ones."""

    def __init__(self) -> None:
        self._small = bytearray()
        self._is_empty = True
        self._bytes = 0
        self._large: list[memoryview] = []

    def add(self, data: memoryview) -> list[int]:
        """Take contiguous bytes; answer the number of their frame, their offset and length.

        Large ones are not copied: they must not change before they are sent. Raises
        ValueNotExpressible where there are too many.
        """
        size = data.nbytes
        self._bytes += size
        if self._bytes > _MAX_BYTES:
            raise ValueNotExpressible("arrays, tables and bytes of more than 2 GiB cannot be sent")
        self._is_empty = False
        if size >= _SMALL:
            self._large.append(data)
            return [len(self._large), 0, size]
        offset = len(self._small)
        self._small += data
        self._small += bytes(-size % _ALIGNMENT)
        return [0, offset, size]

    def all(self) -> list[bytes | memoryview]:
        """Answer the frames in order: none where nothing was added."""
        return [] if self._is_empty else [bytes(self._small), *self._large]


class ToJs(Conversion):
    """The conversion of one variable."""

    __slots__ = ("frames", "with_arrow")

    def __init__(self, name: str, frames: Frames, with_arrow: bool) -> None:
        """Put buffers into `frames`; tables go as columns unless Node reads Arrow, `with_arrow`."""
        super().__init__(name)
        self.frames = frames
        self.with_arrow = with_arrow

    # Single values

    def integer(self, value: int, base: Any) -> object:
        value = int.__index__(value)
        if -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER:
            return value
        return {TAG: "int", "value": self.text(format(value, "x"))}

    def floating(self, value: float, base: Any) -> object:
        plain = super().floating(value, base)
        return {TAG: "float", "value": plain} if isinstance(plain, str) else plain

    def binary(self, value: Any, base: Any) -> object:
        view = memoryview(value)
        return {TAG: "bytes", "data": self.frames.add(_flat(view))}

    def date(self, value: Any, _: Any) -> object:
        """Convert a datetime; one without a zone is taken for UTC, as numpy and Arrow do."""
        plain = datetime.datetime(
            value.year,
            value.month,
            value.day,
            value.hour,
            value.minute,
            value.second,
            value.microsecond,
        )
        since = plain - _EPOCH - (value.utcoffset() or _NO_OFFSET)
        return {TAG: "date", "value": since // _MILLISECOND}

    # Containers

    def unordered(self, value: Any, base: Any) -> Any:
        return {TAG: "set", "items": self.array(value, base)}

    def mapping(self, value: Any, base: Any) -> object:
        entries = list(base.items(value))  # before other threads change it
        self.enter(value, len(entries))
        result: list[Any] = []
        for key, item in entries:
            self.path[-1] = key
            result.append([self.convert(key), self.convert(item)])
        self.leave()
        if all(issubclass(type(key), str) for key, _ in entries):
            return _object(dict(result))
        return {TAG: "map", "entries": result}

    def record(self, value: object, fields: dict[str, Any]) -> Any:
        return _object(super().record(value, fields))

    # numpy

    def numpy_scalar(self, value: Any, base: Any) -> object:
        if value.dtype.kind != "M":
            return super().numpy_scalar(value, base)
        numpy = sys.modules["numpy"]
        if numpy.isnat(value):
            return None
        rounded = value.astype("datetime64[ms]")
        milliseconds = int(rounded.astype("int64"))
        # Of a coarse unit, it may be too far away for milliseconds; of any, for a Date.
        is_exact = numpy.datetime_data(value.dtype)[0] in _FINE or rounded == value
        if not is_exact or abs(milliseconds) > _LAST_DATE:
            return self.nested(value)
        return {TAG: "date", "value": milliseconds}

    def numpy_array(self, value: Any, base: Any) -> Any:
        numpy = sys.modules["numpy"]
        array = numpy.asarray(value)  # without what a subclass may have changed
        if array.ndim == 0 and isinstance(array[()], numpy.generic):
            return self.numpy_scalar(array[()], base)
        if array.ndim == 0 or array.dtype.kind not in _TYPED:
            return self.nested(value)
        dtype = numpy.dtype(_OTHER.get(array.dtype.char, array.dtype)).newbyteorder("<")
        with numpy.errstate(all="ignore"):  # a longdouble may be beyond a float's range
            array = numpy.ascontiguousarray(array.astype(dtype, copy=False))
        data = memoryview(array.reshape(-1).view("u1"))
        return {
            TAG: "array",
            "dtype": dtype.name,
            "shape": list(array.shape),
            "data": self.frames.add(data),
        }

    # Tables

    def column(self, value: Any, base: Any) -> Any:
        dtype = value.dtype
        if isinstance(dtype, sys.modules["numpy"].dtype) and dtype.kind in _TYPED:
            return self.numpy_array(value.to_numpy(), None)
        return super().column(value, base)

    def series(self, value: Any, base: Any) -> object:
        if self.with_arrow and _pyarrow():
            frame = value.to_frame("" if value.name is None else str(value.name))
            return self.arrow("vector", value, lambda: _of_pandas(frame, preserve_index=False))
        return super().series(value, base)

    def frame(self, value: Any, base: Any) -> object:
        if self.with_arrow and _pyarrow():
            return self.arrow("table", value, lambda: _of_pandas(value, preserve_index=None))
        data = (self.column(value.iloc[:, at], None) for at in range(value.shape[1]))
        return self.columns(value, value.columns, value.index, data)

    def polars_series(self, value: Any, _: Any) -> object:
        if self.with_arrow:
            return self.arrow("vector", value, lambda: _of_polars(value.to_frame()))
        return self.record(value, {"name": value.name, "index": None, "data": _items(value)})

    def polars_frame(self, value: Any, _: Any) -> object:
        if self.with_arrow:
            return self.arrow("table", value, lambda: _of_polars(value))
        data = (self.convert(_items(column)) for column in value.get_columns())
        return self.columns(value, value.columns, None, data)

    def arrow_column(self, value: Any, _: Any) -> object:
        if self.with_arrow:
            from pyarrow import table

            return self.arrow("vector", value, lambda: _ipc_stream(table({"": value})))
        return self.convert(value.to_pylist())

    def arrow_table(self, value: Any, _: Any) -> object:
        if self.with_arrow:
            return self.arrow("table", value, lambda: _ipc_stream(value))
        data = (self.convert(column.to_pylist()) for column in value.columns)
        return self.columns(value, value.schema.names, None, data)

    def columns(self, value: Any, names: Any, index: Any, data: Iterable[object]) -> object:
        """Convert a table to its columns, where there is no Arrow; `data` are converted ones."""
        self.enter(value, 3)
        self.path[-1] = Field("columns")
        columns = self.convert(names)
        self.path[-1] = Field("index")
        labels = self.convert(index)
        converted = []
        items = iter(data)
        for name in names:
            self.path[-1] = name
            converted.append(next(items))
        self.leave()
        return {"columns": columns, "index": labels, "data": converted}

    def arrow(self, tag: str, value: Any, stream: Callable[[], memoryview]) -> object:
        try:
            with warnings.catch_warnings():  # of column names that are no text, and become it
                warnings.simplefilter("ignore")
                data = stream()
        except Exception as error:
            self.refuse(
                f"{self.where()} is a {type_name(value)} that Arrow cannot hold "
                f"({type(error).__name__}: {error})",
                "convert the columns that are named there, or ask for to_dict() of it",
            )
        return {TAG: tag, "data": self.frames.add(data)}


ToJs.handlers = {
    # What is mapped otherwise here has the same name.
    **{name: getattr(ToJs, handler.__name__) for name, handler in HANDLERS.items()},
    "datetime.datetime": ToJs.date,
    "polars.DataFrame": ToJs.polars_frame,
    "polars.Series": ToJs.polars_series,
    "pyarrow.Array": ToJs.arrow_column,
    "pyarrow.ChunkedArray": ToJs.arrow_column,
    "pyarrow.RecordBatch": ToJs.arrow_table,
    "pyarrow.Table": ToJs.arrow_table,
}


def _object(fields: dict[str, Any]) -> dict[str, Any]:
    if TAG not in fields:
        return fields
    return {TAG: "object", "entries": [list(entry) for entry in fields.items()]}


def _flat(view: memoryview) -> memoryview:
    """Answer contiguous bytes."""
    if view.nbytes == 0:
        return memoryview(b"")  # cast() takes no shape with a zero in it
    return view.cast("B") if view.c_contiguous else memoryview(view.tobytes())


def _pyarrow() -> Any:
    """Answer the module pyarrow, which pandas needs to speak Arrow; None where there is none."""
    try:
        import pyarrow.ipc
    except ImportError:
        return None
    return pyarrow


def _of_pandas(frame: Any, preserve_index: bool | None) -> memoryview:
    # Without threads: a checkpoint would lack them.
    table = _pyarrow().Table.from_pandas(frame, preserve_index=preserve_index, nthreads=1)
    return _ipc_stream(table)


def _ipc_stream(table: Any) -> memoryview:
    pyarrow = _pyarrow()
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write(table)
    return memoryview(sink.getvalue()).cast("B")


def _of_polars(frame: Any) -> memoryview:
    # Text as older versions of Arrow have it: not all of JavaScript's know views.
    levels = getattr(sys.modules["polars"], "CompatLevel", None)
    stream = BytesIO()
    frame.write_ipc_stream(stream, **({"compat_level": levels.oldest()} if levels else {}))
    return stream.getbuffer()


def _items(series: Any) -> Any:
    """Answer the items of a polars Series, as an array where they are numbers and all there."""
    is_number = series.dtype.is_integer() or series.dtype.is_float()
    if is_number and not series.null_count() and "numpy" in sys.modules:
        return series.to_numpy()
    return series.to_list()
