"""What one axes of a matplotlib figure shows, as data: series with their numbers.

Imported when there is a figure to describe: matplotlib has numpy imported by then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .chart_axis import ChartAxis, class_names, numbers, rounded, text
from .chart_names import Names, draws_something, labels, own_label
from .plot_data import note_on

_MAX_OTHERS = 20
_MOST_MARK_POINTS = 10  # of an error bar with its caps, or what else marks one category


@dataclass
class Room:
    """How much of its data a chart may hold."""

    points: int  # of each series
    series: int  # still to come


class AxesChart:
    """One axes, and what of it has been described so far."""

    def __init__(self, axes: Any, room: Room) -> None:
        self._axes = axes
        self._room = room
        self._x, self._y = ChartAxis(axes.xaxis), ChartAxis(axes.yaxis)
        self._series: list[dict[str, Any]] = []
        self._reference_lines: list[dict[str, Any]] = []
        self._series_left_out = 0
        self._described: set[int] = set()
        self._intervals_over: dict[bool, dict[float, tuple[Any, list[Any] | None]]] = {}
        self._names = Names(axes)

    def describe(self) -> dict[str, Any]:
        axes = self._axes
        legend = axes.get_legend()
        # What a projection into three dimensions draws is not where its data is.
        if axes.name != "3d" and not self._is_colorbar():
            self._add_bars()
            self._add_error_bars_and_stems()
            self._add_pies()
            self._add_boxes()
            self._add_histogram_outlines()
            self._add_lines()
            self._add_points()
        self._sort_as(labels(legend))
        types = {series["type"] for series in self._series}
        kind = types.pop() if len(types) == 1 else "mixed" if types else "unknown"
        description = {
            "type": kind,
            "title": self._title(),
            "position": numbers([rounded(part) for part in axes.get_position().bounds]),
            "x": self._x.describe(),
            "y": self._y.describe(),
        }
        if axes.name == "3d":
            description["z"] = ChartAxis(axes.zaxis).describe()
        if axes.name != "rectilinear":
            description["projection"] = text(axes.name)
        if legend is not None:
            description["legend"] = labels(legend)
            title = text(legend.get_title().get_text())
            if title is not None:
                description["legend_title"] = title
        description["series"] = self._series
        if self._series_left_out:
            description["series_left_out"] = self._series_left_out
        if self._reference_lines:
            description["reference_lines"] = self._reference_lines
        description["others"] = self._others()
        return description

    # Bars and histograms

    def _add_bars(self) -> None:
        found = [
            (container, bars)
            for container in self._axes.containers
            if "BarContainer" in class_names(container)
            and (bars := [bar for bar in container.patches if self._is_drawn(bar)])
        ]
        of_histplot = [bars for _, bars in found if _is_of_histplot(bars)]
        for container, bars in found:
            self._claim(bars)
            vertical = container.orientation != "horizontal"
            edges = note_on(container).get("edges")
            if edges is None and _is_of_histplot(bars):
                edges = _edges([bars], vertical)
                if edges is None:  # there are gaps, which bars of other histograms may fill
                    edges = _edges(of_histplot, vertical)
            if edges is not None and len(edges) == len(bars) + 1:
                self._add_histogram(container, bars, vertical, edges)
            else:
                self._add_bar_series(container, bars, vertical)

    def _add_histogram(self, container: Any, bars: list[Any], vertical: bool, edges: Any) -> None:
        bins = self._axis(vertical)
        count = min(len(bars), self._room.points)
        _, base, _, length = _rectangles(bars[:count], vertical)
        label = own_label(container.patches[0])  # hist() labels its first bar instead
        self._add(
            {
                "type": "histogram",
                "label": self._names.of(container, bars[0]) if label is None else label,
                "orientation": _orientation(vertical),
                "edges": bins.values(np.asarray(edges[: count + 1], float)),
                "values": numbers(length),
                **_bases(base, numbers),
            },
            len(bars) - count,
        )

    def _add_bar_series(self, container: Any, bars: list[Any], vertical: bool) -> None:
        positions, values = self._axis(vertical), self._axis(not vertical)
        picked = self._sample(len(bars))
        some = bars if picked is None else [bars[index] for index in picked]
        left, base, width, length = _rectangles(some, vertical)
        centres = np.array([rounded(centre) for centre in left + width / 2])
        categories = positions.categories(centres)
        series = {
            "type": "bar",
            "label": self._names.of(container, bars[0]),
            "orientation": _orientation(vertical),
            "categories": positions.values(centres) if categories is None else categories,
            "values": numbers(length),
            **_bases(base, values.values),
            **(
                {"widths": numbers([rounded(each) for each in width])} if categories is None else {}
            ),
        }
        errors = self._errors_of_bars(container, some, centres, vertical)
        if errors is not None:
            series["errors"] = errors
        self._add(series, len(bars) - len(some))

    def _errors_of_bars(
        self, container: Any, bars: list[Any], centres: Any, vertical: bool
    ) -> list[Any] | None:
        """Answer the ends of each bar's error bar, where there are any."""
        if container.errorbar is not None:
            self._claim_all(container.errorbar)
            return self._error_ranges(container.errorbar, vertical, centres)
        intervals = self._intervals(vertical)
        found = [intervals.get(_key(centre)) for centre in centres]
        self._claim([interval[0] for interval in found if interval])
        errors = [interval and interval[1] for interval in found]
        return errors if any(errors) else None

    def _intervals(self, vertical: bool) -> dict[float, tuple[Any, list[Any] | None]]:
        """Answer the lines that stand over one position, by it, and their ends.

        So seaborn draws error bars: with caps, as one line with gaps.
        """
        if vertical not in self._intervals_over:
            intervals = self._intervals_over[vertical] = {}
            for line in self._axes.lines:
                if own_label(line) is not None or not self._is_in_data(line):
                    continue
                data = np.asarray(line.get_xydata(), float)
                along, across = data.T if vertical else data.T[::-1]
                along, across = along[~np.isnan(along)], across[~np.isnan(across)]
                if not 2 <= len(data) <= _MOST_MARK_POINTS or len(along) == 0:
                    continue
                if len(data) == 2 and along[0] != along[-1]:
                    continue
                ends = numbers([across.min(), across.max()]) if len(across) else None
                intervals[_key((along.min() + along.max()) / 2)] = (line, ends)
        return self._intervals_over[vertical]

    def _add_histogram_outlines(self) -> None:
        for polygon in self._axes.patches:
            note = note_on(polygon)
            if "values" not in note or not self._is_drawn(polygon):
                continue
            self._claim([polygon])
            vertical = note["orientation"] != "horizontal"
            count = min(len(note["values"]), self._room.points)
            self._add(
                {
                    "type": "histogram",
                    "label": self._names.of(polygon, polygon),
                    "orientation": _orientation(vertical),
                    "edges": self._axis(vertical).values(note["edges"][: count + 1]),
                    "values": numbers(note["values"][:count]),
                },
                len(note["values"]) - count,
            )

    # Error bars and stems

    def _add_error_bars_and_stems(self) -> None:
        for container in self._axes.containers:
            classes = class_names(container)
            if "ErrorbarContainer" in classes and container.lines[0] is not None:
                line = container.lines[0]
                if id(line) not in self._described and self._is_drawn(line):
                    self._claim_all(container)
                    self._add_line(line, container, container)
            elif "StemContainer" in classes and self._is_drawn(container.markerline):
                self._claim_all(container)
                self._add_line(container.markerline, container)

    def _claim_all(self, container: Any) -> None:
        """Take an error bar's or a stem's artists, which may be nested, for described."""
        for artist in container.get_children():
            self._claim([artist])

    def _error_ranges(self, container: Any, vertical: bool, at: Any) -> list[Any] | None:
        """Answer low and high of the error bars over each position; None if they are not known."""
        _, _, collections = container.lines
        if len(set(at.tolist())) < len(at):
            return None
        wanted = [
            collection
            for collection, along_y in zip(
                collections, [False] * container.has_xerr + [True] * container.has_yerr
            )
            if along_y == vertical
        ]
        if not wanted:
            return None
        values = self._axis(not vertical)
        ends: dict[float, list[Any] | None] = {rounded(position): None for position in at}
        for path in wanted[0].get_paths():
            along, across = path.vertices.T if vertical else path.vertices.T[::-1]
            position = rounded(along[0])
            if position in ends:
                ends[position] = values.values(np.array([across.min(), across.max()]))
        return list(ends.values())

    # Pies

    def _add_pies(self) -> None:
        pies: dict[int, list[Any]] = {}
        for wedge in self._axes.patches:
            note = note_on(wedge)
            if "pie" in note and self._is_drawn(wedge):
                pies.setdefault(note["pie"], []).append(wedge)
        for wedges in pies.values():
            self._claim(wedges)
            # The shadows of wedges say nothing of their own.
            self._claim([patch for patch in self._axes.patches if type(patch).__name__ == "Shadow"])
            some = wedges[: self._room.points]
            self._add(
                {
                    "type": "pie",
                    "label": None,
                    "labels": [self._names.of(wedge, wedge) for wedge in some],
                    "values": numbers([note_on(wedge)["value"] for wedge in some]),
                    "fractions": numbers([(w.theta2 - w.theta1) / 360 for w in some]),
                },
                len(wedges) - len(some),
            )

    # Box plots

    def _add_boxes(self) -> None:
        groups: dict[tuple[str | None, bool], list[tuple[float, Any]]] = {}
        for line in self._axes.lines:
            note = note_on(line)
            if note:
                self._claim([line])
            if "statistics" not in note or not self._is_drawn(line):
                continue
            x, y = np.asarray(line.get_xydata(), float).T
            vertical = len(y) < 2 or bool(y[0] == y[-1] or np.isnan(y[0]))
            along = x if vertical else y
            name = None if note["box"] is None else self._names.of(note["box"], note["box"])
            group = groups.setdefault((name, vertical), [])
            group.append(((along[0] + along[-1]) / 2, note))
        self._claim([patch for patch in self._axes.patches if note_on(patch).get("part")])
        for (name, vertical), boxes in groups.items():
            some = boxes[: self._room.points // 5 or 1]
            positions, values = self._axis(vertical), self._axis(not vertical)
            centres = np.array([rounded(position) for position, _ in some])
            categories = positions.categories(centres) or positions.values(centres)
            most_outliers = self._room.points // len(some)
            self._add(
                {
                    "type": "box",
                    "label": name,
                    "orientation": _orientation(vertical),
                    "boxes": [
                        {"category": category, **_box(note, values, most_outliers)}
                        for category, (_, note) in zip(categories, some)
                    ],
                },
                len(boxes) - len(some),
            )

    # Lines and points

    def _add_lines(self) -> None:
        for line in self._axes.lines:
            if id(line) in self._described or not self._is_drawn(line):
                continue
            if class_names(line) & {"AxLine", "_AxLine"}:
                continue  # it has no ends
            transform, data = line.get_transform(), self._axes.transData
            in_x, in_y = (
                (True, True) if transform is data else transform.contains_branch_seperately(data)
            )
            if in_x and in_y:
                if self._marks_a_category(line):
                    continue
                self._claim([line])
                self._add_line(line, line)
            elif in_x or in_y:
                self._add_reference_line(line, in_x)

    def _marks_a_category(self, line: Any) -> bool:
        """Answer whether a line stays within one category, as those of violins and intervals."""
        x, y = np.asarray(line.get_xydata(), float).T
        return (
            0 < len(x) <= _MOST_MARK_POINTS
            and own_label(line) is None
            and (self._x.is_one_category(x) or self._y.is_one_category(y))
        )

    def _add_reference_line(self, line: Any, vertical: bool) -> None:
        places = np.asarray(line.get_xydata(), float)[:, 0 if vertical else 1]
        if len(places) == 0 or (places != places[0]).any():
            return
        self._claim([line])
        if len(self._reference_lines) >= self._room.points:
            return
        axis = "x" if vertical else "y"
        value = self._axis(vertical).values(places[:1])[0]
        self._reference_lines.append(
            {"axis": axis, "value": value, "label": self._names.of(line, line)}
        )

    def _add_line(self, line: Any, named: Any, errors: Any = None) -> None:
        x, y = line.get_data(orig=False)
        x, y = np.asarray(x, float), np.asarray(y, float)
        joined = line.get_linestyle() not in ("None", "none", " ", "")
        marked = line.get_marker() not in ("None", "none", " ", "", None)
        if len(x) == 0 or not (joined or marked or errors):
            return
        picked = self._sample(len(x))
        if picked is not None:
            x, y = x[picked], y[picked]
        series = {
            "type": "line" if joined else "scatter",
            "label": self._names.of(named, line),
            "x": self._x.values(x),
            "y": self._y.values(y),
        }
        if line.get_drawstyle() != "default":
            series["drawstyle"] = line.get_drawstyle()
        if errors is not None:
            for key, vertical, at in (("x_errors", False, y), ("y_errors", True, x)):
                ranges = self._error_ranges(errors, vertical, at)
                if ranges is not None:
                    series[key] = ranges
        self._add(series, len(line.get_xdata(orig=False)) - len(x))

    def _add_points(self) -> None:
        for points in self._axes.collections:
            if "PathCollection" not in class_names(points) or not self._is_drawn(points):
                continue
            transform, data = points.get_offset_transform(), self._axes.transData
            if transform is not data and not all(transform.contains_branch_seperately(data)):
                continue
            self._claim([points])
            offsets = np.ma.filled(np.ma.asarray(points.get_offsets(), float), np.nan)
            if len(offsets) == 0:
                continue
            groups = self._names.groups_of(points)
            if groups is None:
                name = self._names.of(points, points)
                everything = np.arange(len(offsets))
                self._add_scatter(points, offsets, everything, name, self._room.points)
            else:
                most = max(1, self._room.points // len(groups))
                for name, members in groups:
                    self._add_scatter(points, offsets, members, name, most)

    def _add_scatter(
        self, points: Any, offsets: Any, members: Any, name: str | None, most: int
    ) -> None:
        picked = _evenly(len(members), most)
        picked = members if picked is None else members[picked]
        x, y = offsets[picked].T
        series = {
            "type": "scatter",
            "label": name,
            "x": self._x.values(x),
            "y": self._y.values(y),
        }
        sizes = points.get_sizes()
        if len(sizes) == len(offsets) and len(sizes) > 1 and np.ptp(sizes) > 0:
            series["sizes"] = numbers(sizes[picked])
        colours = points.get_array()
        if colours is not None and np.size(colours) == len(offsets) == len(members):
            series["color_values"] = numbers(np.ma.ravel(colours)[picked])
        self._add(series, len(members) - len(picked))

    # The whole

    def _others(self) -> list[dict[str, Any]]:
        """Answer the artists that are drawn but not described, those that are alike counted."""
        if self._is_colorbar():
            return [{"artist": "Colorbar", "label": None, "count": 1}]
        axes = self._axes
        found: dict[tuple[str, str | None], list[Any]] = {}
        for artist in [*axes.lines, *axes.patches, *axes.collections, *axes.images]:
            if (
                id(artist) not in self._described
                and self._is_drawn(artist)
                and draws_something(artist)
            ):
                kind = type(artist).__name__
                found.setdefault((kind, own_label(artist)), []).append(artist)
        return [
            {"artist": text(kind), "label": label, "count": len(artists), **_mapped(artists)}
            for (kind, label), artists in list(found.items())[:_MAX_OTHERS]
        ]

    def _add(self, series: dict[str, Any], points_left_out: int) -> None:
        if self._room.series == 0:
            self._series_left_out += 1
            return
        self._room.series -= 1
        if points_left_out:
            series["points_left_out"] = points_left_out
        self._series.append(series)

    def _sort_as(self, names: list[str]) -> None:
        """Put the series that a legend names first, in its order."""
        order = {name: at for at, name in enumerate(names)}
        self._series.sort(key=lambda series: order.get(series["label"], len(order)))

    def _sample(self, count: int) -> Any:
        """Answer the indices of points of a series that are kept; None for all."""
        return _evenly(count, self._room.points)

    def _axis(self, vertical: bool) -> ChartAxis:
        return self._x if vertical else self._y

    def _claim(self, artists: list[Any]) -> None:
        self._described.update(map(id, artists))

    def _is_drawn(self, artist: Any) -> bool:
        return bool(artist.get_visible() and artist.axes is self._axes)

    def _is_in_data(self, artist: Any) -> bool:
        return bool(artist.get_transform() is self._axes.transData)

    def _is_colorbar(self) -> bool:
        return bool(self._axes.get_label() == "<colorbar>")

    def _title(self) -> str | None:
        titles = (self._axes.get_title(loc) for loc in ("center", "left", "right"))
        return next((text(title) for title in titles if title), None)


def _evenly(count: int, most: int) -> Any:
    """Answer `most` indices out of `count`, evenly spaced; None where there are not so many."""
    if count <= most:
        return None
    return np.linspace(0, count - 1, most).round().astype(int)


def _orientation(vertical: bool) -> str:
    return "vertical" if vertical else "horizontal"


def _key(position: float) -> float:
    """Answer the same for positions that were computed in different ways."""
    return round(float(position), 9)


def _rectangles(bars: list[Any], vertical: bool) -> Any:
    """Answer start and base, width and length of bars; length is along the axis of values."""
    x, y, width, height = np.array(
        [(bar.get_x(), bar.get_y(), bar.get_width(), bar.get_height()) for bar in bars], float
    ).T
    return (x, y, width, height) if vertical else (y, x, height, width)


def _bases(base: Any, to_json: Any) -> dict[str, Any]:
    return {"bases": to_json(base)} if base.any() else {}


def _is_of_histplot(bars: list[Any]) -> bool:
    """Answer whether seaborn's histplot drew these bars: no other gives them such limits."""
    sticky = bars[0].sticky_edges
    return any(list(edges) in ([0, np.inf], [0, 1]) for edges in (sticky.x, sticky.y))


def _edges(histograms: list[list[Any]], vertical: bool) -> Any:
    """Answer the bins of histograms drawn side by side; None where there are gaps."""
    if len({len(bars) for bars in histograms}) > 1:
        return None
    rectangles = (_rectangles(bars, vertical) for bars in histograms)
    starts, ends = zip(*((start, start + width) for start, _, width, _ in rectangles))
    order = sorted(range(len(starts)), key=lambda at: starts[at][0])
    starts, ends = np.array(starts)[order], np.array(ends)[order]
    gaps = starts.T.ravel()[1:] - ends.T.ravel()[:-1]
    if (np.abs(gaps) > (ends - starts).min() * 1e-6).any():
        return None
    return np.append(starts[0], ends[-1, -1])


def _box(note: dict[str, Any], values: ChartAxis, most_outliers: int) -> dict[str, Any]:
    statistics, outliers = note["statistics"], note["outliers"]
    low, q1, median, q3, high = values.values(np.array(list(statistics.values())))
    box = {"low": low, "q1": q1, "median": median, "q3": q3, "high": high, "outliers": None}
    if outliers is not None:
        picked = _evenly(len(outliers), most_outliers)
        kept = outliers if picked is None else [outliers[index] for index in picked]
        if picked is not None:
            box["outliers_left_out"] = len(outliers) - len(kept)
        box["outliers"] = values.values(np.array(kept, float))
    return box


def _mapped(artists: list[Any]) -> dict[str, Any]:
    """Answer shape and range of the values that an image or a mesh shows as colours."""
    if len(artists) > 1 or not class_names(artists[0]) & {"_ImageBase", "QuadMesh"}:
        return {}
    values = artists[0].get_array()
    if values is None or values.dtype.kind not in "iuf":
        return {}
    known = np.ma.masked_invalid(values).compressed()
    if len(known) == 0:
        return {}
    low, high = numbers([known.min(), known.max()])
    return {"shape": list(np.shape(values)), "min": low, "max": high}
