"""A column that a table of pandas or polars does not have."""

from __future__ import annotations

from typing import Any

from .near import listed, near
from .raised import frames_of, is_in, loaded

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
            return (
                _missing(getattr(error, "name", None), table)
                if (isinstance(table, frame_class))
                else None
            )
    if type(error) is loaded("polars.exceptions", "ColumnNotFoundError"):
        return _of_polars(error)
    return None


def _of_pandas(error: BaseException, frame_class: type) -> str | None:
    frames = [frame for frame in frames_of(error) if is_in(frame, "pandas")]
    last = list(frames_of(error))[-1]
    if last not in frames:  # code has raised it
        return None
    for frame in frames:
        names = frame.f_locals
        tables = [names.get(name) for name in _TABLES]
        table = next((each for each in tables if isinstance(each, frame_class)), None)
        if table is None:
            continue
        for key in [*[names.get(name) for name in _KEYS], *error.args]:
            for one in key if isinstance(key, (list, tuple)) else [key]:
                found = _missing(one, table)
                if found is not None:
                    return found
    return None


def _of_polars(error: BaseException) -> str | None:
    frame_class = loaded("polars", "DataFrame")
    for frame in frames_of(error):
        table = frame.f_locals.get("self")
        if is_in(frame, "polars") and frame_class and isinstance(table, frame_class):
            key = frame.f_locals.get("key")
            return _missing(key, table) or f"The table has the columns {_columns(table)}."
    return None


def _missing(key: object, table: Any) -> str | None:
    if not isinstance(key, str):
        return None
    columns = [column for column in list(table.columns) if isinstance(column, str)]
    if key in columns:
        return None
    alike = near(key, columns)
    nearest = f" Near names: {listed(alike)}." if alike else ""
    return f"The table has no column {key!r}.{nearest} Its columns: {_columns(table)}."


def _columns(table: Any) -> str:
    return listed(str(column) for column in list(table.columns))
