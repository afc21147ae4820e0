"""Capturing matplotlib figures: each once, when shown or at the end of the run that left it open.

Nothing here imports matplotlib: a figure can only exist if user code has.
"""

from __future__ import annotations

import base64
import io
import os
import sys
from types import ModuleType
from typing import Any

from .import_hooks import after_import
from .output import Output


class Figures:
    """Sends open figures as `image/png` displays and closes them in pyplot, as notebooks do."""

    def __init__(self, output: Output, dpi: float | None) -> None:
        """`dpi` is dots per inch of the images; None leaves it to each figure."""
        self._output = output
        self._dpi = dpi
        self.troubles: list[str] = []

    def install(self) -> None:
        """Make matplotlib, when it comes, draw into memory and hand us what is shown."""
        # For child processes too, which have no window either.
        os.environ.setdefault("MPLBACKEND", "agg")
        after_import("matplotlib.backends.backend_agg", self._take_over)
        after_import("matplotlib.figure", self._let_show_again)

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
        if figure.axes:
            png = base64.b64encode(self._draw(figure)).decode("ascii")
            data = {"image/png": png}
            self._output.publish({"type": "display_data", "data": data, "metadata": {}})

    def _draw(self, figure: Any) -> bytes:
        buffer = io.BytesIO()
        dpi = self._dpi or figure.dpi
        figure.savefig(buffer, format="png", dpi=dpi, bbox_inches="tight")
        return buffer.getvalue()

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
