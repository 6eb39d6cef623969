"""Tests of `data`."""

import pandas as pd

from {{ cookiecutter.package_name }}.data import Split, load_dataset, split
from {{ cookiecutter.package_name }}.features import EXAMPLE, FEATURES


def test_all_rows_with_the_named_features() -> None:
    features, target = load_dataset()
    assert features.shape == (569, 30)
    assert tuple(features.columns) == FEATURES
    assert target.value_counts().to_dict() == {0: 357, 1: 212}


def test_the_example_is_a_row_of_the_data() -> None:
    features, target = load_dataset()
    assert features.iloc[0].to_dict() == EXAMPLE
    assert target.iloc[0] == 1


def test_no_row_is_in_both_parts(dataset: Split) -> None:
    training, held_out = dataset.training.features.index, dataset.held_out.features.index
    assert not set(training) & set(held_out)
    assert len(training) + len(held_out) == 569


def test_both_parts_have_the_same_share_of_each_class(dataset: Split) -> None:
    assert abs(dataset.training.target.mean() - dataset.held_out.target.mean()) < 0.01


def test_a_seed_decides_the_parts() -> None:
    data = load_dataset()
    first, again, other = (
        split(data, test_fraction=0.2, seed=seed).held_out.features for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(first, again)
    assert list(first.index) != list(other.index)
