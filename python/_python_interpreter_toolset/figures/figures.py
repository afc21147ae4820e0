"""Capturing matplotlib figures: each once, when shown or at the end of the run that left it open.

Nothing here imports matplotlib: a figure can only exist if user code has.
"""

from __future__ import annotations

import base64
import io
import os
import sys
from functools import wraps
from types import ModuleType
from typing import Any

from ..import_hooks import after_import
from ..output import Output
from . import plot_data

# On a figure's canvas, which neither a copy nor a pickle of the figure takes along.
_ANIMATIONS = "_python_interpreter_animations"


class Figures:
    """Sends open figures as displays and closes them in pyplot, as notebooks do.

    A display holds the image and, as data, the chart that it shows.
    """

    def __init__(self, output: Output, image_format: str, dpi: float | None) -> None:
        """Make images as `png` or `svg`, of `dpi` dots per inch; None leaves it to each figure."""
        self._output = output
        self._format = image_format
        self._dpi = dpi
        self.troubles: list[str] = []

    def install(self) -> None:
        """Make matplotlib, when it comes, draw into memory and hand us what is shown."""
        # For child processes too, which have no window either.
        os.environ.setdefault("MPLBACKEND", "agg")
        after_import("matplotlib.backends.backend_agg", self._take_over)
        after_import("matplotlib.figure", self._let_show_again)
        after_import("matplotlib.animation", _keep_animations)
        plot_data.install()

    def begin(self) -> None:
        """Forget the troubles of the run before."""
        self.troubles = []

    def capture_open(self, last_value: object) -> None:
        """Capture all open figures in order, and `last_value` if it is a figure that is not open.

        A figure that cannot be drawn is closed too, and named in `troubles`.
        """
        pylab = sys.modules.get("matplotlib._pylab_helpers")
        if pylab is None:
            return
        managers = sorted(pylab.Gcf.get_all_fig_managers(), key=lambda manager: manager.num)
        figures = [manager.canvas.figure for manager in managers]
        if _is_figure(last_value) and not any(figure is last_value for figure in figures):
            figures.append(last_value)
        try:
            for number, figure in enumerate(figures, 1):
                try:
                    self._capture(figure)
                except Exception as error:
                    trouble = f"{type(error).__name__}: {error}"
                    self.troubles.append(f"Figure {number} could not be drawn: {trouble}")
        finally:
            for manager in managers:
                pylab.Gcf.destroy(manager.num)

    def show(self, manager: Any) -> None:
        """Capture one figure now; raises what drawing it raises."""
        pylab = sys.modules["matplotlib._pylab_helpers"]
        try:
            self._capture(manager.canvas.figure)
        finally:
            pylab.Gcf.destroy(manager.num)

    def take(self, figure: Any) -> dict[str, Any] | None:
        """Answer a figure's bundle for a display of the caller's; None if it has no axes.

        The figure counts as captured. Raises what drawing it raises.
        """
        try:
            return self._bundle(figure)
        finally:
            if figure.canvas.manager is not None:
                sys.modules["matplotlib._pylab_helpers"].Gcf.destroy(figure.canvas.manager)

    def _let_show_again(self, module: ModuleType) -> None:
        """Let a figure that was captured and closed be shown once more."""
        show = module.Figure.show

        def show_again(figure: Any, *args: Any, **kwargs: Any) -> None:
            if figure.canvas.manager is None:
                self._capture(figure)
            else:
                show(figure, *args, **kwargs)

        show_again.__doc__ = show.__doc__
        module.Figure.show = show_again

    def _capture(self, figure: Any) -> None:
        data = self._bundle(figure)
        if data is not None:
            self._output.publish({"type": "display_data", "data": data, "metadata": {}})

    def _bundle(self, figure: Any) -> dict[str, Any] | None:
        if not figure.axes:
            return None
        self._draw_first_frame(figure)
        image = self._draw(figure)
        if self._format == "svg":
            mime_type, content = "image/svg+xml", image.decode("utf-8")
        else:
            mime_type, content = "image/png", base64.b64encode(image).decode("ascii")
        return {mime_type: content, **self._chart(figure)}

    def _draw(self, figure: Any) -> bytes:
        buffer = io.BytesIO()
        dpi = self._dpi or figure.dpi
        figure.savefig(buffer, format=self._format, dpi=dpi, bbox_inches="tight")
        return buffer.getvalue()

    def _chart(self, figure: Any) -> dict[str, Any]:
        """Answer what a figure that has just been drawn shows, by its MIME type."""
        try:
            from . import charts  # imported late: numpy is there, and nobody else pays for it

            chart, troubles = charts.describe(figure)
        except Exception as error:
            chart, troubles = None, [f"{type(error).__name__}: {error}"]
        for trouble in troubles:
            self.troubles.append(f"A figure is not, or not wholly, described as a chart: {trouble}")
        return {} if chart is None else {charts.MIME_TYPE: chart}

    def _draw_first_frame(self, figure: Any) -> None:
        """Let animations begin that have drawn nothing yet; they do not by themselves on saving."""
        animations = vars(figure.canvas).pop(_ANIMATIONS, [])
        if all(getattr(animation, "_draw_was_started", True) for animation in animations):
            return
        try:
            figure.canvas.draw()
        except Exception as error:
            trouble = f"{type(error).__name__}: {error}"
            self.troubles.append(f"The first frame of an animation could not be drawn: {trouble}")

    def _take_over(self, backend: ModuleType) -> None:
        """Give matplotlib's Agg backend, which has no windows, a way to show."""
        figures = self
        base = sys.modules["matplotlib.backend_bases"].FigureManagerBase

        class FigureManager(base):  # type: ignore[misc, valid-type]
            def show(self) -> None:
                figures.show(self)

            @classmethod
            def pyplot_show(cls, *, block: bool | None = None) -> None:
                show()

        def show(*args: object, **kwargs: object) -> None:
            managers = sys.modules["matplotlib._pylab_helpers"].Gcf.get_all_fig_managers()
            for manager in sorted(managers, key=lambda manager: manager.num):
                manager.show()

        backend.FigureManager = FigureManager  # type: ignore[attr-defined]
        backend.show = show  # type: ignore[attr-defined]
        backend._BackendAgg.FigureManager = FigureManager
        backend.FigureCanvasAgg.manager_class = FigureManager


def _is_figure(value: object) -> bool:
    module = sys.modules.get("matplotlib.figure")
    return module is not None and isinstance(value, module.Figure)


def _keep_animations(module: ModuleType) -> None:
    """Let animations live as long as their figure is not captured, also without a name.

    matplotlib keeps no reference, and warns when it deletes one that has drawn nothing.
    """
    begin = module.Animation.__init__

    @wraps(begin)
    def begin_and_keep(animation: Any, *args: Any, **kwargs: Any) -> None:
        begin(animation, *args, **kwargs)
        vars(animation._fig.canvas).setdefault(_ANIMATIONS, []).append(animation)

    module.Animation.__init__ = begin_and_keep
