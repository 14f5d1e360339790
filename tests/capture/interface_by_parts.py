"""An audio interface whose every property is known, because it is made of textbook parts."""

import numpy as np
from scipy.signal import sosfilt

from capture.device import StreamFacts

RATE = 48_000


def shelf(rate):
    """A high shelf of -1.5 dB about 8 kHz (R. Bristow-Johnson's cookbook, S = 1) and a 5 Hz high-pass of first order."""
    A, w = 10.0 ** (-1.5 / 40.0), 2.0 * np.pi * 8000.0 / rate
    c, alpha, root = np.cos(w), np.sin(w) / 2.0 * np.sqrt(2.0), np.sqrt(A)
    b = [
        A * ((A + 1) + (A - 1) * c + 2 * root * alpha),
        -2 * A * ((A - 1) + (A + 1) * c),
        A * ((A + 1) + (A - 1) * c - 2 * root * alpha),
    ]
    a = [(A + 1) - (A - 1) * c + 2 * root * alpha, 2 * ((A - 1) - (A + 1) * c), (A + 1) - (A - 1) * c - 2 * root * alpha]
    k = np.tan(np.pi * 5.0 / rate)
    high_pass = [1 / (1 + k), -1 / (1 + k), 0.0, 1.0, (k - 1) / (k + 1), 0.0]
    return np.array([[*(np.array(b) / a[0]), *(np.array(a) / a[0])], high_pass])


class Interface:
    """Outputs cabled to inputs: tanh, filter, gain, delay of a fraction of a sample, noise.

    `cables` says for each input the output that it hears.
    """

    name = "Test 2i2"

    def __init__(
        self, *, rate=RATE, delay=1234.37, gain=0.8, drive=0.0, noise=0.0, cables=(0,), outputs=1, filters=None, later=0.0
    ):
        self.sample_rate, self.input_channels = rate, len(cables)
        self.delay, self.gain, self.drive, self.noise = delay, gain, drive, noise
        self.cables, self.outputs = cables, outputs
        self.filters = shelf(rate) if filters is None else filters
        self.later, self.runs, self.lost = later, 0, ()
        self.bend = lambda y: y

    def loop(self, x):
        rng = np.random.default_rng(self.runs)
        y = np.tanh(self.drive * x) / self.drive if self.drive else x
        y = self.gain * sosfilt(self.filters, y)
        # A sum of a shift by whole samples and a Lagrange interpolator would colour; the Fourier shift does not.
        size = 1 << int(np.ceil(np.log2(y.size + 8192)))
        late = self.delay + self.later * self.runs
        turn = np.exp(-2j * np.pi * np.fft.rfftfreq(size) * late)
        return self.bend(
            np.fft.irfft(np.fft.rfft(y, size) * turn, size)[: y.size] + self.noise * rng.standard_normal(y.size)
        )

    def run(self, sent, sink, tail_s, stop=lambda: False):
        assert sent.channels == self.outputs
        total = sent.samples + round(tail_s * self.sample_rate)
        x = sent.read(0, total)
        returned = np.stack([self.loop(x[:, c]) if c is not None else np.zeros(total) for c in self.cables], axis=1)
        self.runs += 1
        for start in range(0, total, 10_000):
            sink(returned[start : start + 10_000].astype(np.float32))
        return StreamFacts(total, lost=self.lost)
