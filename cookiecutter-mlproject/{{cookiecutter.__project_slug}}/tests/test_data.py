"""Tests of `data`."""

from pathlib import Path

import pandas as pd
import pytest

from {{ cookiecutter.package_name }}.data import DataError, Split, find_table, load_dataset, split
from {{ cookiecutter.package_name }}.features import EXAMPLE, FEATURES, TABLE


@pytest.fixture
def rows() -> pd.DataFrame:
    """Two rows of a table, of either kind."""
    return pd.DataFrame([{**EXAMPLE, TABLE.target: value} for value in TABLE.labels])


def _write(rows: pd.DataFrame, folder: Path) -> Path:
    (folder / "raw").mkdir()
    rows.to_csv(folder / "raw" / TABLE.file, index=False)
    return folder


def test_all_rows_with_the_named_features() -> None:
    features, target = load_dataset()
    assert len(features) == len(target) > 1
    assert tuple(features.columns) == FEATURES
    assert set(target) == {0, 1}


def test_a_table_in_the_folder_of_data_comes_first(rows: pd.DataFrame, tmp_path: Path) -> None:
    assert find_table(tmp_path).parent == Path("data/raw")
    features, target = load_dataset(_write(rows, tmp_path))
    assert list(target) == [0, 1]
    assert features.iloc[0].to_dict() == EXAMPLE


def test_rows_whose_target_is_not_known_are_left_out(rows: pd.DataFrame, tmp_path: Path) -> None:
    unknown = pd.DataFrame([{**EXAMPLE, TABLE.target: None}])
    target = load_dataset(_write(pd.concat([unknown, rows]), tmp_path)).target
    assert list(target) == [0, 1]


def test_what_is_no_table_is_said(
    rows: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strange = rows.assign(**{TABLE.target: "perhaps"})
    with pytest.raises(DataError, match=f"{TABLE.target} is 'perhaps', not one of "):
        load_dataset(_write(strange, tmp_path))
    rows.drop(columns=TABLE.target).to_csv(tmp_path / "raw" / TABLE.file, index=False)
    with pytest.raises(DataError, match=f"has no column {TABLE.target}"):
        load_dataset(tmp_path)
    monkeypatch.setattr("{{ cookiecutter.package_name }}.data._IN_THE_PROJECT", ())
    with pytest.raises(DataError, match=f"envman cp data/raw/{TABLE.file} ENV:data/raw/"):
        load_dataset(tmp_path / "nowhere")


def test_no_row_is_in_both_parts(dataset: Split) -> None:
    training, held_out = dataset.training.features.index, dataset.held_out.features.index
    assert not set(training) & set(held_out)
    assert len(training) + len(held_out) == len(load_dataset().features)


def test_both_parts_have_the_same_share_of_each_class(dataset: Split) -> None:
    assert abs(dataset.training.target.mean() - dataset.held_out.target.mean()) < 0.01


def test_a_seed_decides_the_parts() -> None:
    data = load_dataset()
    first, again, other = (
        split(data, test_fraction=0.2, seed=seed).held_out.features for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(first, again)
    assert list(first.index) != list(other.index)
