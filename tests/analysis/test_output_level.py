"""MOL and SOL against saturations that can be worked by hand."""

import numpy as np
import pytest

from analysis.output_level import maximum_output_level, saturated_output_level

LADDER = np.arange(-15.0, 10.1, 2.5)


def cubic(level_db: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Output and third harmonic in dB of x - b x^3: of A sin, A - 3/4 b A^3 at once and b A^3 / 4 at three times."""
    amplitude = 10.0 ** (level_db / 20.0)
    fundamental, third = amplitude * (1.0 - 0.75 * share * amplitude**2), 0.25 * share * amplitude**3
    return 20.0 * np.log10(fundamental), 20.0 * np.log10(third / fundamental)


@pytest.mark.parametrize("share", [0.02, 0.05, 0.12])
@pytest.mark.parametrize("ladder", [LADDER, np.array([-20.0, -10.0, -5.0, 0.0, 2.5, 5.0, 7.5])])
def test_mol_of_a_cubic_is_where_algebra_puts_it(share, ladder):
    """A third harmonic of 3 % is b A^2 / 4 = 0.03 (1 - 3/4 b A^2), so b A^2 = 0.12 / 1.09."""
    square = 0.12 / 1.09
    expected = 20.0 * np.log10(np.sqrt(square / share) * (1.0 - 0.75 * square))
    output, third = cubic(ladder, share)
    found = maximum_output_level(ladder, output, third, np.full(ladder.size, 0.02))
    assert found is not None
    assert found.db == pytest.approx(expected, abs=0.03)
    assert abs(found.db - expected) <= found.doubt_db


def test_mol_uncertainty_holds_the_truth_when_harmonics_are_noisy():
    square, share = 0.12 / 1.09, 0.05
    expected = 20.0 * np.log10(np.sqrt(square / share) * (1.0 - 0.75 * square))
    output, third = cubic(LADDER, share)
    rng = np.random.default_rng(1)
    sd = 0.3 * 10.0 ** (-(LADDER + 5.0) / 20.0) + 0.1
    hits, doubts = [], []
    for _ in range(300):
        found = maximum_output_level(LADDER, output, third + sd * rng.standard_normal(sd.size), 1.96 * sd)
        assert found is not None
        hits.append(abs(found.db - expected) <= found.doubt_db)
        doubts.append(found.doubt_db)
    assert 0.90 <= np.mean(hits) <= 0.995
    assert np.median(doubts) < 0.2


def test_a_ladder_that_never_reaches_3_percent_has_no_mol():
    output, third = cubic(LADDER[:5], 0.05)
    assert maximum_output_level(LADDER[:5], output, third, np.full(5, 0.1)) is None


def test_the_top_of_a_hump_is_found_between_the_steps():
    """A parabola that peaks at -3.2 dB for 4 dB sent."""
    output = -3.2 - 0.06 * (LADDER - 4.0) ** 2
    found = saturated_output_level(LADDER, output, np.full(LADDER.size, 0.02))
    assert found is not None
    assert found.db == pytest.approx(-3.2, abs=1e-6)
    assert found.doubt_db < 0.2


def test_an_output_that_approaches_its_limit_is_continued_to_it():
    output = -1.0 - 3.0 * np.exp(-LADDER / 4.0)
    found = saturated_output_level(LADDER, output, np.full(LADDER.size, 0.01))
    assert found is not None
    assert found.db == pytest.approx(-1.0, abs=1e-3)
    missing = 3.0 * np.exp(-10.0 / 4.0)
    assert 0.25 * missing < found.doubt_db < missing


def test_an_output_that_still_rises_has_no_saturation():
    assert saturated_output_level(LADDER, 0.9 * LADDER, np.full(LADDER.size, 0.01)) is None
    assert saturated_output_level(LADDER, -0.2 - 3.0 * np.exp(-LADDER / 9.0), np.full(LADDER.size, 0.01)) is None
