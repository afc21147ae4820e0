"""Memory that is not there."""

from __future__ import annotations


def hint(error: BaseException) -> str | None:
    """Answer how to do with less."""
    if not issubclass(type(error), MemoryError):
        return None
    return (
        "There is not enough memory for this. Work in pieces (such as chunksize of "
        "pandas.read_csv, or only the columns that are needed), use smaller dtypes, and delete "
        "what is not needed any more."
    )
