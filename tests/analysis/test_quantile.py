"""Quantiles of compiled loops against those of numpy."""

import numpy as np
import pytest

from analysis.quantile import quantile


@pytest.mark.parametrize("share", [0.0, 0.35, 0.5, 0.999, 1.0])
@pytest.mark.parametrize("count", [1, 2, 3, 10, 101, 4096])
def test_it_is_that_of_numpy_and_leaves_its_values_alone(count, share):
    rng = np.random.default_rng(count)
    for values in (rng.standard_normal(count), rng.integers(0, 3, count).astype(float), np.arange(count, 0.0, -1.0)):
        before = values.copy()
        assert quantile(values, share) == pytest.approx(np.quantile(values, share), rel=1e-12, abs=1e-12)
        assert np.array_equal(values, before)


def test_of_nothing_there_is_none():
    assert np.isnan(quantile(np.zeros(0), 0.5))
