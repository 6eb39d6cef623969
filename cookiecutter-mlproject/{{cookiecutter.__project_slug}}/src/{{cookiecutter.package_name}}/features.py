{% if cookiecutter.framework == "scikit-learn" %}
"""The features: what counts as a valid row, and how a model sees it. `table.toml` names them."""
{% else %}
"""The features: what counts as a valid row. `table.toml` names them."""
{% endif %}

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
{% if cookiecutter.framework == "scikit-learn" %}
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
{% endif %}

from .table import Number, read_table

TABLE: Final = read_table(Path(__file__).with_name("table.toml"))
FEATURES: Final = tuple(TABLE.columns)
# One row. It is the example in the API's documentation, and what a freshly loaded model must be
# able to predict before it is served.
EXAMPLE: Final = {name: column.example for name, column in TABLE.columns.items()}
# Names stay as they are written: a column of the codes 1, 2 and 3 is none of numbers.
CSV_TYPES: Final = {TABLE.target: "str", **dict.fromkeys(TABLE.categories, "str")}


class InvalidFeaturesError(ValueError):
    """Rows that no prediction should be made for; the message says which and why."""


def check_features(rows: pd.DataFrame) -> pd.DataFrame:
    """Take rows with any columns; give exactly the features, in their order and of their types.

    A number that is missing is NaN, a name that is missing is empty. Raises InvalidFeaturesError
    for a column that is not there and, with its row, for a value that the table does not allow.
    """
    if missing := [name for name in FEATURES if name not in rows.columns]:
        raise InvalidFeaturesError(f"missing columns: {', '.join(missing)}")
    features = {}
    for name, column in TABLE.columns.items():
        given = rows[name].notna() & (rows[name] != "")
        if not column.missing:
            _refuse(name, rows[name], ~given, "missing")
        if isinstance(column, Number):
            features[name] = _numbers(name, column, rows[name], given)
        else:
            features[name] = rows[name].astype("object").where(given, "").map(str)
    return pd.DataFrame(features)


def _numbers(
    name: str, column: Number, values: "pd.Series[float]", given: "pd.Series[bool]"
) -> "pd.Series[float]":
    numbers = pd.to_numeric(values.where(given), errors="coerce").astype("float64")
    _refuse(name, values, given & ~np.isfinite(numbers), "not a finite number")
    if column.minimum is not None:
        _refuse(name, values, numbers < column.minimum, f"not at least {column.minimum:g}")
    if column.maximum is not None:
        _refuse(name, values, numbers > column.maximum, f"not at most {column.maximum:g}")
    return numbers


def _refuse(name: str, values: "pd.Series[float]", wrong: "pd.Series[bool]", reason: str) -> None:
    if wrong.any():
        row = int(np.argmax(wrong.to_numpy()))
        value = "" if reason == "missing" else f"{values.iloc[row]!r}, "
        raise InvalidFeaturesError(f"row {row + 1}: {name} is {value}{reason}")
{% if cookiecutter.framework == "scikit-learn" %}


def preprocessing() -> ColumnTransformer:
    """Give the step that a model's pipeline starts with, one way for each kind of column.

    It is fitted and saved with the model, so that training and serving cannot differ.
    """
    numbers = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
        StandardScaler(),
    )
    names = OneHotEncoder(
        categories=[list(column.values) for column in TABLE.categories.values()],
        handle_unknown="ignore",
        sparse_output=False,
    )
    return ColumnTransformer(
        [("numbers", numbers, list(TABLE.numbers)), ("names", names, list(TABLE.categories))]
    )
{% endif %}
