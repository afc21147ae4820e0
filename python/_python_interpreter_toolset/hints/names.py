"""A name that is not there because another language has it, or is usually imported before."""

from __future__ import annotations

_MODULES = {
    "np": "numpy as np",
    "pd": "pandas as pd",
    "plt": "matplotlib.pyplot as plt",
    "sns": "seaborn as sns",
    "pl": "polars as pl",
    "px": "plotly.express as px",
    "tf": "tensorflow as tf",
}
_HABITS = {
    "true": "`True`",
    "false": "`False`",
    "TRUE": "`True`",
    "FALSE": "`False`",
    "null": "`None`",
    "NULL": "`None`",
    "nil": "`None`",
    "undefined": "`None`",
    "NaN": '`float("nan")`',
    "Infinity": '`float("inf")`',
    "console": "`print(...)` for `console.log(...)`",
    "parseInt": "`int(x)` for `parseInt(x)`",
    "parseFloat": "`float(x)` for `parseFloat(x)`",
    "JSON": "`json.dumps(x)` and `json.loads(text)`, after `import json`",
    "Math": "`math.` for `Math.`, after `import math`",
}


def hint(error: BaseException) -> str | None:
    """Answer the import that it needs, or what to write for it."""
    if type(error) is not NameError:
        return None
    name = getattr(error, "name", None)  # since Python 3.10
    if name in _MODULES:
        return f"`{name}` is not imported where it is used: write `import {_MODULES[name]}` there."
    if name in _HABITS:
        return f"In Python, write {_HABITS[name]}."
    return None
