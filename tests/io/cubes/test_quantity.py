"""What the values of a cube are called on plots."""

import json

import pytest

from glmha_cli.io.cubes.model import Facts
from glmha_cli.io.cubes.quantity import quantity_of


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"provenance": json.dumps({"task": "rgb2hsi"})}, "reflectance"),
        ({"provenance": json.dumps({"task": "sci"})}, "relative intensity"),
        ({"provenance": "no JSON", "data units": "Radiance (W/m^2/sr/um)"}, "Radiance (W/m^2/sr/um)"),
        ({"provenance": "[1]", "Units": "{counts}"}, "counts"),
        ({}, "value"),
    ],
)
def test_a_quantity_is_what_the_file_says(tags, expected):
    assert quantity_of(Facts(tags=tags)) == expected
