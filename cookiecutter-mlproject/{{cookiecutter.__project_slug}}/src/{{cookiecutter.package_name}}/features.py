{% if cookiecutter.framework == "scikit-learn" %}
"""The features: their names, what counts as a valid row, and how a model sees them."""
{% else %}
"""The features: their names, and what counts as a valid row."""
{% endif %}

from typing import Final

import numpy as np
import pandas as pd
{% if cookiecutter.framework == "scikit-learn" %}
from sklearn.preprocessing import StandardScaler
{% endif %}

# One real row. It names the features in their order, is the example in the API's documentation,
# and is what a freshly loaded model must be able to predict before it is served.
EXAMPLE: Final[dict[str, float]] = {
    "mean_radius": 17.99,
    "mean_texture": 10.38,
    "mean_perimeter": 122.8,
    "mean_area": 1001.0,
    "mean_smoothness": 0.1184,
    "mean_compactness": 0.2776,
    "mean_concavity": 0.3001,
    "mean_concave_points": 0.1471,
    "mean_symmetry": 0.2419,
    "mean_fractal_dimension": 0.07871,
    "radius_error": 1.095,
    "texture_error": 0.9053,
    "perimeter_error": 8.589,
    "area_error": 153.4,
    "smoothness_error": 0.006399,
    "compactness_error": 0.04904,
    "concavity_error": 0.05373,
    "concave_points_error": 0.01587,
    "symmetry_error": 0.03003,
    "fractal_dimension_error": 0.006193,
    "worst_radius": 25.38,
    "worst_texture": 17.33,
    "worst_perimeter": 184.6,
    "worst_area": 2019.0,
    "worst_smoothness": 0.1622,
    "worst_compactness": 0.6656,
    "worst_concavity": 0.7119,
    "worst_concave_points": 0.2654,
    "worst_symmetry": 0.4601,
    "worst_fractal_dimension": 0.1189,
}
FEATURES: Final = tuple(EXAMPLE)


class InvalidFeaturesError(ValueError):
    """Rows that no prediction should be made for; the message says which and why."""


def check_features(rows: pd.DataFrame) -> pd.DataFrame:
    """Take rows with any columns; give exactly the features, in their order, as numbers.

    Raises InvalidFeaturesError for a column that is missing and for a value that is not a finite
    number of at least 0, with the first row that has one.
    """
    if missing := [name for name in FEATURES if name not in rows.columns]:
        raise InvalidFeaturesError(f"missing columns: {', '.join(missing)}")
    features = pd.DataFrame(
        {name: pd.to_numeric(rows[name], errors="coerce") for name in FEATURES}, dtype="float64"
    )
    values = features.to_numpy()
    wrong = ~(np.isfinite(values) & (values >= 0))
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise InvalidFeaturesError(
            f"row {row + 1}: {FEATURES[column]} is {rows[FEATURES[column]].iloc[row]!r}, "
            "not a finite number of at least 0"
        )
    return features
{% if cookiecutter.framework == "scikit-learn" %}


def preprocessing() -> StandardScaler:
    """Give the step that a model's pipeline starts with.

    It is fitted and saved with the model, so that training and serving cannot differ.
    """
    return StandardScaler()
{% endif %}
