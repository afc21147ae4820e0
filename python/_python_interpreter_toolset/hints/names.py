"""A name that is not there because code of another kind has it, or is usually run before."""

from __future__ import annotations

_MODULES = {
    "np": "numpy as np",
    "pd": "pandas as pd",
    "plt": "matplotlib.pyplot as plt",
    "sns": "seaborn as sns",
    "pl": "polars as pl",
    "px": "plotly.express as px",
    "sp": "scipy as sp",
    "tf": "tensorflow as tf",
}
_CONSTANTS = {"true": "True", "false": "False", "null": "None", "undefined": "None", "nil": "None"}


def hint(error: BaseException) -> str | None:
    """Answer the import that it needs, or how Python calls it."""
    if type(error) is not NameError:
        return None
    name = getattr(error, "name", None)  # since Python 3.10
    if name in _MODULES:
        return f"It is not imported there: import {_MODULES[name]}."
    if name in _CONSTANTS:
        return f"Python writes {_CONSTANTS[name]}."
    return None
