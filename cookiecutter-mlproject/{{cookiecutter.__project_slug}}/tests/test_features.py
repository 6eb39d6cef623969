"""Tests of `features`, on columns of their own."""

{% if cookiecutter.framework == "scikit-learn" %}
import numpy as np
{% endif %}
import pandas as pd
import pytest

from {{ cookiecutter.package_name }} import features
from {{ cookiecutter.package_name }}.features import (
    EXAMPLE,
    FEATURES,
    InvalidFeaturesError,
    check_features,
    {% if cookiecutter.framework == "scikit-learn" %}
    preprocessing,
    {% endif %}
)
from {{ cookiecutter.package_name }}.table import Category, Number, Table

TABLE = Table(
    file="machines.csv",
    question="Does it fail?",
    target="failed",
    labels={"False": "works", "True": "fails"},
    columns={
        "hours": Number(kind="number", minimum=0, maximum=100),
        "heat": Number(kind="number", missing=True),
        "site": Category(kind="category", values=("1", "2")),
        "shift": Category(kind="category", values=("day", "night"), missing=True),
    },
)
ROW = {"hours": 3.0, "heat": 20.5, "site": "1", "shift": "day"}


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Table:
    monkeypatch.setattr(features, "TABLE", TABLE)
    monkeypatch.setattr(features, "FEATURES", tuple(TABLE.columns))
    return TABLE


def test_features_come_in_their_order_without_other_columns() -> None:
    rows = pd.DataFrame([{"note": "n1", **dict(reversed(EXAMPLE.items()))}])
    checked = check_features(rows)
    assert tuple(checked.columns) == FEATURES
    assert checked.iloc[0].to_dict() == EXAMPLE


def test_a_column_that_is_not_there_is_named() -> None:
    rows = pd.DataFrame([EXAMPLE]).drop(columns=[FEATURES[0], FEATURES[-1]])
    missing = f"^missing columns: {FEATURES[0]}, {FEATURES[-1]}$"
    with pytest.raises(InvalidFeaturesError, match=missing):
        check_features(rows)


@pytest.mark.usefixtures("table")
def test_each_column_gets_its_type_and_missing_values_stay_missing() -> None:
    rows = pd.DataFrame([ROW, {"hours": "4", "heat": None, "site": 2, "shift": None}])
    checked = check_features(rows)
    assert [str(dtype) for dtype in checked.dtypes[:2]] == ["float64", "float64"]
    assert checked["hours"].tolist() == [3, 4]
    assert checked["heat"].isna().tolist() == [False, True]
    assert checked["site"].tolist() == ["1", "2"]
    assert checked["shift"].tolist() == ["day", ""]


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("hours", float("nan"), "hours is missing"),
        ("hours", None, "hours is missing"),
        ("hours", "much", "hours is .*, not a finite number"),
        ("hours", float("inf"), "hours is .*, not a finite number"),
        ("hours", -1.0, "hours is .*, not at least 0"),
        ("hours", 101.0, "hours is .*, not at most 100"),
        ("heat", "hot", "heat is .*, not a finite number"),
        ("site", None, "site is missing"),
        ("site", "", "site is missing"),
    ],
)
def test_the_first_value_that_is_not_allowed_is_named(
    column: str, value: object, reason: str
) -> None:
    rows = pd.DataFrame([ROW, {**ROW, column: value}])
    with pytest.raises(InvalidFeaturesError, match=f"^row 2: {reason}$"):
        check_features(rows)
{% if cookiecutter.framework == "scikit-learn" %}


@pytest.mark.usefixtures("table")
def test_a_model_sees_standard_numbers_what_is_missing_and_which_names() -> None:
    rows = [ROW, {**ROW, "hours": 5.0, "heat": None, "site": "2", "shift": None}]
    seen = preprocessing().fit_transform(check_features(pd.DataFrame(rows)))
    # hours; heat, its median where it is missing, and a mark; site 1 and 2; shift day and night.
    np.testing.assert_allclose(seen, [[-1, 0, -1, 1, 0, 1, 0], [1, 0, 1, 0, 1, 0, 0]])


@pytest.mark.usefixtures("table")
def test_a_name_that_was_never_seen_is_like_none() -> None:
    step = preprocessing().fit(check_features(pd.DataFrame([ROW, ROW])))
    seen = step.transform(check_features(pd.DataFrame([{**ROW, "site": "9"}])))
    np.testing.assert_allclose(seen[0][2:], [0, 0, 1, 0])
{% endif %}
