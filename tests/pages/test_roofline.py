"""The roofline picture puts every kernel where its numbers say, below or above the roof."""

import re

import pytest

from book_pages.roofline import Scale, draw

ROWS = [
    {"what": "slow", "value": 2.0, "low": 1.5, "high": 3.0, "intensity": 0.5},
    {"what": "quick <all t>", "value": 90.0, "intensity": 5000.0},
    {"what": "GEMM", "value": 100.0},
    {"what": "stream", "value": 10.0},
]


def test_the_roof_bends_where_memory_and_products_meet():
    points = re.search(r'class="roof" points="([^"]+)"', draw(ROWS))[1].split()
    scale = Scale([2.5, 0.5, 5000.0], [100.0, 2.0, 90.0])
    assert points[1] == ",".join(map(str, scale.at(10.0, 100.0)))


def test_every_kernel_is_drawn_and_named():
    picture = draw(ROWS)
    scale = Scale([2.5, 0.5, 5000.0], [100.0, 2.0, 90.0])
    for x, y in (scale.at(0.5, 2.0), scale.at(5000.0, 90.0)):
        assert f'cx="{x}" cy="{y}"' in picture
    assert "slow: 2 [1.5, 3] GF/s at 0.5 operations a byte" in picture
    assert "at 5,000 operations a byte" in picture
    assert "quick &lt;all t&gt;" in picture and "<all t>" not in picture
    assert picture.count("<circle") == 2


def test_axes_are_logarithmic():
    scale = Scale([1.0, 100.0], [1.0, 100.0])
    left, middle, right = (scale.at(value, value) for value in (1.0, 10.0, 100.0))
    assert middle == pytest.approx([(a + b) / 2 for a, b in zip(left, right, strict=True)], abs=0.1)
