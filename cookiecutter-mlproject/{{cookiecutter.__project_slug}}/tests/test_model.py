"""Tests of the model: what must not matter to it, what must, and how well it does."""

import pytest

from {{ cookiecutter.package_name }}.data import Split
from {{ cookiecutter.package_name }}.evaluate import evaluate
from {{ cookiecutter.package_name }}.features import TABLE
from {{ cookiecutter.package_name }}.predict import predict
from {{ cookiecutter.package_name }}.registry import TrainedModel


def test_invariance_rows_do_not_influence_each_other(trained: TrainedModel, dataset: Split) -> None:
    rows = dataset.held_out.features.head(20)
    together = predict(trained.pipeline, rows)
    alone = [predict(trained.pipeline, rows.iloc[[number]])[0] for number in range(len(rows))]
    for one, other in zip(together, alone, strict=True):
        assert one.label == other.label
{% if cookiecutter.framework == "scikit-learn" %}
        assert abs(one.probability - other.probability) < 1e-9
{% else %}
        assert abs(one.probability - other.probability) < 1e-6  # 32 bits, summed in another order
{% endif %}


def test_invariance_the_order_of_columns_does_not_matter(
    trained: TrainedModel, dataset: Split
) -> None:
    rows = dataset.held_out.features
    assert predict(trained.pipeline, rows) == predict(trained.pipeline, rows[rows.columns[::-1]])


# What must hold of a model of the example's customers; of another table, other things must.
_of_the_example = pytest.mark.skipif(
    TABLE.file != "customers.csv", reason="write what must hold of a model of your table"
)


@_of_the_example
def test_direction_who_calls_support_more_leaves_more_often(
    trained: TrainedModel, dataset: Split
) -> None:
    rows = dataset.held_out.features
    more = rows.assign(support_calls=rows["support_calls"] + 2)
    before = [one.probability for one in predict(trained.pipeline, rows)]
    after = [one.probability for one in predict(trained.pipeline, more)]
    assert all(late >= early for early, late in zip(before, after, strict=True))


@_of_the_example
def test_minimum_it_is_much_better_than_guessing(trained: TrainedModel, dataset: Split) -> None:
    metrics = evaluate(trained.pipeline, dataset.held_out)
    majority = 1 - dataset.held_out.target.mean()
    assert metrics["accuracy"] > majority + 0.12
    assert metrics["recall"] > 0.6
    assert metrics["roc_auc"] > 0.85
