"""What the positions along one axis of a matplotlib figure mean, as JSON values.

Imported when there is a figure to describe: matplotlib has numpy imported by then.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

MAX_TEXT = 200  # characters of a label, a title or a category
_MAX_TICKS = 100

# matplotlib's dates are days since its epoch. What it converts: the years 1 to 9999.
_MICROSECONDS_A_DAY = 86_400_000_000
_FIRST, _END = np.datetime64("0001-01-01", "us"), np.datetime64("9999-12-31", "us")
_DAYS = 4_000_000  # more than those years have
# Days from the epoch up to which a float tells microseconds; matplotlib.dates draws this line too.
_EXACT_DAYS = 70 * 365


class ChartAxis:
    """One axis of an axes that has been drawn."""

    def __init__(self, axis: Any) -> None:
        """`axis` is matplotlib's."""
        self._axis = axis
        self._names: tuple[Any, list[str]] | None = None
        self._named = False
        classes = class_names(_converter(axis))
        locator = axis.get_major_locator()
        self._freq = getattr(axis, "freq", None) or getattr(axis.axes, "freq", None)
        if "StrCategoryConverter" in classes:
            self._kind = "categorical"
            mapping = getattr(axis.get_units(), "_mapping", {})
            self._names = (np.array(list(mapping.values()), float), [*map(str, mapping)])
        elif "PeriodConverter" in classes and self._freq is not None:
            self._kind = "period"
        elif classes & {"DateConverter", "_SwitchableDateConverter"} or (
            "DateLocator" in class_names(locator)
        ):
            self._kind = "datetime"
        else:
            self._kind = axis.get_scale()
            formatter = axis.get_major_formatter()
            if "FixedLocator" in class_names(locator) and (
                class_names(formatter) & {"FixedFormatter", "FuncFormatter"}
            ):
                positions = np.asarray(locator(), float)
                texts = formatter.format_ticks(positions)
                if any(texts):
                    self._names = (positions, [*map(str, texts)])

    def describe(self) -> dict[str, Any]:
        """Answer the axis as it was drawn: `label`, `scale`, `limits`, `ticks`, `tick_labels`."""
        ticks = self._drawn_ticks()
        shown = ticks[:_MAX_TICKS]
        scale = {"period": "datetime"}.get(self._kind, self._kind)
        description: dict[str, Any] = {
            "label": text(self._axis.get_label_text()),
            "scale": "categorical" if self._named else scale,
            "limits": self._places(self._axis.get_view_interval()),
            "ticks": self._places([position for position, _ in shown]),
            "tick_labels": [label for _, label in shown],
        }
        if len(ticks) > len(shown):
            description["ticks_left_out"] = len(ticks) - len(shown)
        return description

    def values(self, positions: Any) -> list[Any]:
        """Answer what is at these positions: numbers, categories, ISO dates; None for NaN."""
        if self._kind == "categorical" and self._names and _are_whole(positions):
            nearest = self._nearest(positions)
            if nearest is not None:
                return self._names_of(nearest)
        return self._positions(positions)

    def is_one_category(self, positions: Any) -> bool:
        """Answer whether these are all in the same place of an axis of categories."""
        return self._kind == "categorical" and bool((positions == positions[0]).all())

    def categories(self, positions: Any) -> list[Any] | None:
        """Answer the names of the ticks that bars at these positions belong to.

        None where the ticks have no names of their own, or where it is not one bar for each.
        """
        nearest = self._nearest(positions) if self._names else None
        if nearest is None or len({*nearest.tolist()}) < len(nearest):
            return None
        self._named = True
        return self._names_of(nearest)

    def _positions(self, positions: Any) -> list[Any]:
        if self._kind == "datetime":
            return _iso_dates(positions, self._axis.get_units())
        if self._kind == "period":
            return _iso_periods(positions, self._freq)
        return numbers(positions)

    def _places(self, positions: Any) -> list[Any]:
        """Answer where ticks or limits are, which matplotlib has computed."""
        if self._kind in ("datetime", "period"):
            return self._positions(np.asarray(positions, float))
        return numbers([rounded(position) for position in positions])

    def _names_of(self, indices: Any) -> list[str]:
        assert self._names is not None
        return [text(self._names[1][index]) or "" for index in indices]

    def _nearest(self, positions: Any) -> Any:
        """Answer which name is nearest to each position; None if one is between or outside."""
        assert self._names is not None
        places = self._names[0]
        if len(positions) == 0 or len(places) == 0 or not np.isfinite(positions).all():
            return None
        order = np.argsort(places)
        places = places[order]
        room = np.diff(places).min() / 2 if len(places) > 1 else 0.5
        nearest = np.searchsorted((places[1:] + places[:-1]) / 2, positions)
        if (np.abs(places[nearest] - positions) >= room).any():
            return None
        return order[nearest]

    def _drawn_ticks(self) -> list[tuple[float, str]]:
        axes = self._axis.axes
        # In three dimensions, `axison` is of a frame that is never drawn.
        if not (self._axis.get_visible() and getattr(axes, "_axis3don", axes.axison)):
            return []
        low, high = sorted(self._axis.get_view_interval())
        slack = (high - low) * 1e-9
        return [
            (tick.get_loc(), _tick_label(tick))
            for tick in self._axis.get_major_ticks()
            if low - slack <= tick.get_loc() <= high + slack
        ]


def text(value: Any) -> str | None:
    """Answer a text of the figure, cut if it is very long; None where there is none."""
    written = str(value)
    return f"{written[:MAX_TEXT]}…" if len(written) > MAX_TEXT else written or None


def numbers(values: Any) -> list[Any]:
    """Answer numbers as JSON has them: None for NaN and infinity."""
    array = np.ma.filled(np.ma.asarray(values, float), np.nan)
    listed: list[Any] = array.tolist()
    finite = np.isfinite(array)
    if finite.all():
        return listed
    return [value if known else None for value, known in zip(listed, finite)]


def rounded(position: float) -> float:
    """Answer a position without the traces of its computation, such as 0.30000000000000004."""
    return float(f"{position:.12g}")


def class_names(thing: Any) -> set[str]:
    """Answer the names of the classes that a thing is of, in place of imports of those."""
    return {cls.__name__ for cls in type(thing).__mro__}


def _tick_label(tick: Any) -> str:
    label = tick.label1 if tick.label1.get_visible() else tick.label2
    if not label.get_visible():
        return ""
    written: str = label.get_text()
    if r"\mathdefault" in written:  # how matplotlib itself writes powers
        written = sys.modules["matplotlib.cbook"].strip_math(written)
    return text(written) or ""


def _converter(axis: Any) -> Any:
    # A property that warns since matplotlib 3.10, where the method comes.
    return axis.get_converter() if hasattr(axis, "get_converter") else axis.converter


def _are_whole(positions: Any) -> bool:
    return bool((positions == np.round(positions)).all())


def _iso_dates(days: Any, timezone: Any) -> list[Any]:
    """Answer matplotlib's dates in ISO 8601; with an offset only where the axis has a time zone."""
    dates = sys.modules["matplotlib.dates"]
    known = np.abs(days) < _DAYS
    unit = 1 if (np.abs(days[known]) < _EXACT_DAYS).all() else 1000
    microseconds = np.round(np.where(known, days, 0) * (_MICROSECONDS_A_DAY / unit)) * unit
    times = np.datetime64(dates.get_epoch(), "us") + microseconds.astype("timedelta64[us]")
    known &= (times >= _FIRST) & (times < _END)
    if timezone is None:
        written = np.datetime_as_string(times, unit="us").tolist()
        if all(time.endswith(".000000") for time in written):
            written = [time[:-7] for time in written]
    else:
        written = [
            dates.num2date(day, timezone).isoformat() if fine else None
            for day, fine in zip(days.tolist(), known)
        ]
    return [time if fine else None for time, fine in zip(written, known)]


def _iso_periods(ordinals: Any, freq: Any) -> list[Any]:
    """Answer the starts of pandas' periods in ISO 8601."""
    period = sys.modules["pandas"].Period
    return [
        period(ordinal=int(ordinal // 1), freq=freq).start_time.isoformat() if known else None
        for ordinal, known in zip(ordinals.tolist(), np.isfinite(ordinals))
    ]
