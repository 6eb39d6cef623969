"""The data: where rows come from, and how some are held out."""

from typing import NamedTuple

import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

from .features import check_features


class Dataset(NamedTuple):
    """Rows and what is known of them."""

    features: pd.DataFrame
    target: "pd.Series[int]"
    """1 where the tumour is malignant, 0 where it is benign."""


class Split(NamedTuple):
    """A dataset in two parts that share no row."""

    training: Dataset
    held_out: Dataset


def load_dataset() -> Dataset:
    """Give all rows, checked.

    These are the 569 tumours that scikit-learn brings along. To train on data of your own, read
    it here and name its columns in `features`.
    """
    bunch = load_breast_cancer(as_frame=True)
    features = bunch.data.rename(columns=lambda name: str(name).replace(" ", "_"))
    # scikit-learn codes malignant as 0; what is looked for is better called 1.
    target = (bunch.target == list(bunch.target_names).index("malignant")).astype("int64")
    return Dataset(check_features(features), target.rename("malignant"))


def split(dataset: Dataset, *, test_fraction: float, seed: int) -> Split:
    """Take a dataset; give its training and held-out parts, with the same share of each class.

    The same seed gives the same parts.
    """
    training, held_out, training_target, held_out_target = train_test_split(
        dataset.features,
        dataset.target,
        test_size=test_fraction,
        random_state=seed,
        stratify=dataset.target,
    )
    return Split(Dataset(training, training_target), Dataset(held_out, held_out_target))
