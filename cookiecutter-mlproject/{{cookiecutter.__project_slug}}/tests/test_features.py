"""Tests of `features`."""

import pandas as pd
import pytest

from {{ cookiecutter.package_name }}.features import (
    EXAMPLE,
    FEATURES,
    InvalidFeaturesError,
    check_features,
)


def test_features_come_in_their_order_without_other_columns() -> None:
    rows = pd.DataFrame([{"note": "n1", **dict(reversed(EXAMPLE.items()))}])
    checked = check_features(rows)
    assert tuple(checked.columns) == FEATURES
    assert checked.iloc[0].to_dict() == EXAMPLE


def test_a_missing_column_is_named() -> None:
    rows = pd.DataFrame([EXAMPLE]).drop(columns=[FEATURES[0], FEATURES[-1]])
    missing = f"^missing columns: {FEATURES[0]}, {FEATURES[-1]}$"
    with pytest.raises(InvalidFeaturesError, match=missing):
        check_features(rows)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, "much", None])
def test_the_first_value_that_is_no_measurement_is_named(value: object) -> None:
    rows = pd.DataFrame([EXAMPLE, {**EXAMPLE, FEATURES[0]: value}])
    with pytest.raises(InvalidFeaturesError, match=f"^row 2: {FEATURES[0]} is .*, not a finite"):
        check_features(rows)
