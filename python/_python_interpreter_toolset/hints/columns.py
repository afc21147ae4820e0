"""A column that a table of pandas or polars does not have."""

from __future__ import annotations

from typing import Any

from .near import is_slip, listed, near
from .raised import frames_of, is_in, loaded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

_TABLES = ("self", "obj", "left", "right", "frame", "df")
_KEYS = ("key", "keys", "by", "on", "left_on", "right_on", "labels", "columns", "subset", "level")


def hint(error: BaseException) -> str | None:
    """Answer the table's columns, those with near names first."""
    frame_class = loaded("pandas", "DataFrame")
    if frame_class is not None:
        if type(error) is KeyError:
            return _of_pandas(error, frame_class)
        if type(error) is AttributeError:
            table = getattr(error, "obj", None)
            if isinstance(table, frame_class):
                return _missing(getattr(error, "name", None), table, "attribute or column")
            return None
    if type(error) is loaded("polars.exceptions", "ColumnNotFoundError"):
        return _of_polars(error)
    return None


def _of_pandas(error: BaseException, frame_class: type) -> str | None:
    frames = _last_in("pandas", error)
    indexes = _indexes(frames)
    for frame in frames:
        names = frame.f_locals
        tables = [names.get(name) for name in _TABLES]
        table: Any = next((each for each in tables if isinstance(each, frame_class)), None)
        if table is None:
            continue
        if indexes and not any(index is table.columns for index in indexes):
            continue  # the key is a row's
        columns = set(table.columns)
        for key in [*[names.get(name) for name in _KEYS], *error.args]:
            for one in key if isinstance(key, (list, tuple)) else [key]:
                if isinstance(one, str) and one not in columns:
                    return _missing(one, table)
    return None


def _last_in(library: str, error: BaseException) -> list[FrameType]:
    """Answer the frames of a library's last call; code that it has called may use other tables."""
    frames: list[FrameType] = []
    for frame in frames_of(error):
        frames = [*frames, frame] if is_in(frame, library) else []
    return frames


def _indexes(frames: list[FrameType]) -> list[object]:
    """Answer in which labels of rows or columns the key was looked for, where that is known."""
    index_class = loaded("pandas", "Index")
    owners = [frame.f_locals.get("self") for frame in frames]
    return [each for each in owners if index_class and isinstance(each, index_class)]


def _of_polars(error: BaseException) -> str | None:
    frame_class = loaded("polars", "DataFrame")
    for frame in _last_in("polars", error):
        table = frame.f_locals.get("self")
        if frame_class and isinstance(table, frame_class):
            key = frame.f_locals.get("key")
            return _missing(key, table) or f"The table has the columns {_columns(table)}."
    return None


def _missing(key: object, table: Any, what: str = "column") -> str | None:
    if not isinstance(key, str):
        return None
    columns = [column for column in list(table.columns) if isinstance(column, str)]
    if key in columns:
        return None
    alike = near(key, columns)
    if not alike and what != "column":
        alike = [name for name in dir(type(table)) if name[0] != "_" and is_slip(key, name)]
    nearest = f" Near names: {listed(alike)}." if alike else ""
    return f"The table has no {what} {key!r}.{nearest} Its columns: {_columns(table)}."


def _columns(table: Any) -> str:
    return listed(str(column) for column in list(table.columns))
