"""Frequency weightings of the standards, as power or amplitude over frequency.

References
----------
IEC 61672-1:2013, annex E (A-weighting). ITU-R BS.468-4 (weighting network of audio-frequency noise). AES17-2020, clause 5.2.7
(CCIR-RMS: the 468 curve with unity at 2 kHz, 5.63 dB lower, read by an RMS meter). IEC 60386 / AES6-2008 / DIN 45507
(weighting of speed fluctuations).
"""

import numpy as np

A_POLES_HZ = (20.598997, 107.65265, 737.86223, 12194.217)  # IEC 61672-1, annex E
A_GAIN_DB = 2.000  # makes 1 kHz 0 dB
CCIR_RMS_OFFSET_DB = -5.63  # AES17, 5.2.7

# IEC 60386: frequency of the fluctuation in Hz, and weight in dB re 4 Hz.
FLUTTER_TABLE = np.array(
    [
        (0.1, -48.0),
        (0.2, -30.6),
        (0.315, -19.7),
        (0.4, -15.0),
        (0.63, -8.4),
        (0.8, -6.0),
        (1.0, -4.2),
        (1.6, -1.8),
        (2.0, -0.9),
        (4.0, 0.0),
        (6.3, -0.9),
        (10.0, -2.1),
        (20.0, -5.9),
        (40.0, -10.4),
        (63.0, -14.2),
        (100.0, -17.3),
        (200.0, -23.0),
    ]
)


def a_weight_db(frequency_hz: np.ndarray) -> np.ndarray:
    """A-weighting in dB (IEC 61672-1, equation E.6); -inf at 0 Hz."""
    f2 = np.asarray(frequency_hz, dtype=np.float64) ** 2
    p1, p2, p3, p4 = (p**2 for p in A_POLES_HZ)
    amplitude = p4 * f2**2 / ((f2 + p1) * np.sqrt((f2 + p2) * (f2 + p3)) * (f2 + p4))
    return _db(amplitude) + A_GAIN_DB


def itu468_weight_db(frequency_hz: np.ndarray) -> np.ndarray:
    """ITU-R BS.468-4 weighting in dB, 0 dB at 1 kHz, 12.2 dB at 6.3 kHz; -inf at 0 Hz."""
    return _db(np.abs(itu468_network(frequency_hz)))


def itu468_network(frequency_hz: np.ndarray) -> np.ndarray:
    """Complex response of the weighting network of ITU-R BS.468-4 (figure 1a), 1 at 1 kHz in magnitude.

    One zero at 0 Hz over a polynomial of sixth order, whose even part is h1 and whose odd part is h2.
    """
    f = np.asarray(frequency_hz, dtype=np.float64)
    h1 = -4.737338981378384e-24 * f**6 + 2.043828333606125e-15 * f**4 - 1.363894795463638e-7 * f**2 + 1.0
    h2 = 1.306612257412824e-19 * f**5 - 2.118150887518656e-11 * f**3 + 5.559488023498642e-4 * f
    return 10.0 ** (18.2387 / 20.0) * 1.246332637532143e-4j * f / (h1 + 1j * h2)


def flutter_weight_db(frequency_hz: np.ndarray) -> np.ndarray:
    """Weight of speed fluctuations in dB re 4 Hz: the table of IEC 60386, interpolated over log frequency.

    Beyond the table the outermost slopes go on; -inf at 0 Hz.
    """
    f = np.asarray(frequency_hz, dtype=np.float64)
    x, y = np.log2(FLUTTER_TABLE[:, 0]), FLUTTER_TABLE[:, 1]
    with np.errstate(divide="ignore"):
        log_f = np.log2(f)
    inside = np.interp(log_f, x, y)
    below = y[0] + (log_f - x[0]) * (y[1] - y[0]) / (x[1] - x[0])
    above = y[-1] + (log_f - x[-1]) * (y[-1] - y[-2]) / (x[-1] - x[-2])
    return np.where(log_f < x[0], below, np.where(log_f > x[-1], above, inside))


def _db(amplitude: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return 20.0 * np.log10(amplitude)
