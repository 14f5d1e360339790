"""Where a peak lies between points: parabolas by hand, and a line of known frequency."""

import numpy as np
import pytest

from analysis import peak


@pytest.mark.parametrize("at", [-0.4, 0.0, 0.25])
def test_the_vertex_of_a_parabola_is_found_exactly(at: float) -> None:
    left, middle, right = (5.0 - 3.0 * (x - at) ** 2 for x in (-1.0, 0.0, 1.0))
    assert peak.vertex(left, middle, right) == pytest.approx(at, abs=1e-12)


@pytest.mark.parametrize("values", [(1.0, 1.0, 1.0), (2.0, 1.0, 2.0)])
def test_what_does_not_bend_down_has_no_vertex(values: tuple[float, float, float]) -> None:
    assert peak.vertex(*values) == 0.0


@pytest.mark.parametrize("bins", [20.0, 20.3, 20.5])
def test_a_line_behind_a_hann_window_is_found_within_a_fiftieth_of_a_bin(bins: float) -> None:
    wave = np.sin(2.0 * np.pi * bins / 256.0 * np.arange(256)) * np.hanning(256)
    spectrum = np.abs(np.fft.rfft(wave))
    assert peak.of_line(spectrum, int(np.argmax(spectrum))) == pytest.approx(bins, abs=0.02)


@pytest.mark.parametrize("bin_", [0, 4])
def test_at_the_ends_of_a_spectrum_a_line_is_where_it_is_highest(bin_: int) -> None:
    assert peak.of_line(np.ones(5), bin_) == bin_
