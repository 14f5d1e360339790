"""What two passes do to time, from their trajectories in closed form.

A signal recorded at time t_in lies at tape position s_r(t_in) and is heard at t_out, where s_p(t_out) = s_r(t_in).
"""

from dataclasses import dataclass

import numpy as np

from modeling.deck.comb import Comb
from modeling.deck.tracks import lever
from modeling.deck.transport import PARTS, Trajectory

# IEC 60386:1972 / AES6-2008 table: weighting in dB over frequency in Hz, re 4 Hz.
WEIGHTING_HZ = (0.1, 0.2, 0.315, 0.4, 0.63, 0.8, 1.0, 1.6, 2.0, 4.0, 6.3, 10.0, 20.0, 40.0, 63.0, 100.0, 200.0)
WEIGHTING_DB = (
    -48.0, -30.6, -19.7, -15.0, -8.4, -6.0, -4.2, -1.8, -0.9, 0.0, -0.9, -2.1, -5.9, -10.4, -14.2, -17.3, -23.0,
)  # fmt: skip
UNWEIGHTED_HZ = (0.2, 200.0)
WOW_HZ = (0.5, 6.0)
FLUTTER_HZ = (6.0, 200.0)
SPECTRUM_HZ = (0.1, 200.0)
TOLD_APART = 3.0
"""Lines so many times 1/T apart, or farther, are told apart in a time T: the main lobe of a Hann window is four wide."""

READING_HZ = 1000.0
"""Rate at which the deviation is read for its statistics."""


@dataclass(frozen=True)
class PassPair:
    """A recording and one play pass of it, as one track sees them (0-based)."""

    record: Trajectory
    play: Trajectory
    track: int

    def output_time(self, input_time_s: np.ndarray) -> np.ndarray:
        """When what was sent at the given times is heard, both counted from the start of their passes."""
        t = np.asarray(input_time_s, dtype=np.float64)
        return self.play.time_at(t + self.record.advance(t, self.track), self.track)

    def speed_ratio(self, input_time_s: np.ndarray, output_time_s: np.ndarray) -> np.ndarray:
        """Instantaneous frequency heard over frequency sent, dt_in / dt_out, of what is sent and heard at these times."""
        return self.play.rate(output_time_s, self.track) / self.record.rate(input_time_s, self.track)

    def speed_error_percent(self, start_s: float, stop_s: float) -> float:
        """Mean speed error of what was sent from `start_s` to `stop_s`."""
        heard = self.output_time(np.array([start_s, stop_s]))
        return float(100.0 * ((stop_s - start_s) / (heard[1] - heard[0]) - 1.0))

    def flutter(self, start_s: float, stop_s: float) -> dict[str, float]:
        """Wow and flutter figures in percent of a tone sent from `start_s` to `stop_s`.

        The deviation heard is the difference of the two passes' deviations, a sum of sinusoids; every one of them is
        weighted by itself, without any filter.
        """
        heard = self.output_time(np.array([start_s, stop_s]))
        stretch = (stop_s - start_s) / (heard[1] - heard[0])
        time_s = np.arange(0.0, heard[1] - heard[0], 1.0 / READING_HZ)
        play = _deviations(self.play, self.track, heard[0], 1.0)
        record = _deviations(self.record, self.track, start_s, stretch)
        frequency = np.concatenate([play[0], record[0]])
        phasor = np.concatenate([play[1], -record[1]])

        weights = {
            "wow_flutter_weighted": weighting(frequency),
            "wow_flutter_unweighted_rms": _within(frequency, UNWEIGHTED_HZ),
            "wow_rms": _within(frequency, WOW_HZ),
            "flutter_rms": _within(frequency, FLUTTER_HZ),
        }
        amplitudes = phasor[:, None] * np.stack(list(weights.values()), axis=1)
        percent = 100.0 * _sums(time_s, frequency, amplitudes)
        percent -= percent.mean(axis=0)
        weighted_rms, *unweighted = np.sqrt(np.mean(percent**2, axis=0)).tolist()
        return {
            "wow_flutter_weighted_2sigma": float(np.quantile(np.abs(percent[:, 0]), 0.95)),
            "wow_flutter_weighted_rms": weighted_rms,
            **dict(zip(list(weights)[1:], unweighted, strict=True)),
        }

    def lines(self, start_s: float, stop_s: float) -> list[tuple[str, float, float]]:
        """Parts that turn: name, frequency heard in Hz, and RMS in percent of their flutter in a tone sent from `start_s` on.

        A part is heard twice, from the record and from the play pass; the two beat over the tone. Parts that no tone of this
        length tells apart are one line, named after all of them. The frequency is the mean of all, weighted by power.
        """
        heard = self.output_time(np.array([start_s, stop_s]))
        length_s = heard[1] - heard[0]
        stretch = (stop_s - start_s) / length_s
        time_s = np.arange(0.0, length_s, 1.0 / READING_HZ)
        play = _deviations(self.play, self.track, heard[0], 1.0)
        record = _deviations(self.record, self.track, start_s, stretch)
        parts = [i for i in np.argsort(play[0][: self.play.parts]) if abs(play[1][i]) + abs(record[1][i]) > 0.0]
        together: list[list[int]] = []
        for i in parts:
            if together and play[0][i] - play[0][together[-1][-1]] < TOLD_APART / length_s:
                together[-1].append(int(i))
            else:
                together.append([int(i)])
        found = []
        for group in sorted(sorted(group) for group in together):
            frequency = np.concatenate([play[0][group], record[0][group]])
            phasor = np.concatenate([play[1][group], -record[1][group]])
            beating = np.real(np.exp(2j * np.pi * np.outer(time_s, frequency)) @ phasor)
            hertz = float(np.average(frequency, weights=np.abs(phasor) ** 2))
            name = " and ".join(PARTS[i] for i in group)
            found.append((name, hertz, float(100.0 * np.sqrt(np.mean(beating**2)))))
        return found

    def spectrum(self, start_s: float, stop_s: float) -> tuple[np.ndarray, np.ndarray]:
        """Spectrum of the deviation of a tone sent from `start_s` to `stop_s` under a Hann window, a line standing at its RMS.

        Every sinusoid is put through the transform of the window, sinc(x) + [sinc(x - 1) + sinc(x + 1)] / 2 at x bins from it.

        Returns
        -------
        frequency_hz, percent : ndarray, shape (bins,)
            From :data:`SPECTRUM_HZ`, 1/T apart.
        """
        heard = self.output_time(np.array([start_s, stop_s]))
        length_s = heard[1] - heard[0]
        play = _deviations(self.play, self.track, heard[0], 1.0)
        record = _deviations(self.record, self.track, start_s, (stop_s - start_s) / length_s)
        line_hz = np.concatenate([play[0], record[0]])
        phasor = np.concatenate([play[1], -record[1]])
        low, high = (int(np.ceil(f * length_s)) for f in SPECTRUM_HZ)
        frequency = np.arange(low, high) / length_s
        seen = np.zeros(frequency.size, dtype=np.complex128)
        for hertz, amplitude in zip(
            np.concatenate([line_hz, -line_hz]), np.concatenate([phasor, phasor.conj()]), strict=True
        ):
            x = (hertz - frequency) * length_s
            seen += amplitude * np.exp(1j * np.pi * x) * (np.sinc(x) + 0.5 * (np.sinc(x - 1.0) + np.sinc(x + 1.0)))
        return frequency, 100.0 * np.abs(seen) / np.sqrt(2.0)

    def stretched(self, start_s: float, stop_s: float) -> bool:
        """Whether a stretched piece of tape comes by in what was sent from `start_s` to `stop_s`."""
        piece = self.play.stretch
        if piece is None:
            return False
        heard = self.output_time(np.array([start_s, stop_s]))
        lag_s = piece.lag(heard + self.play.without_stretch(heard, self.track))
        return bool(lag_s[1] > lag_s[0])

    def drift_percent(self, start_s: float, stop_s: float, parts: int = 6) -> float:
        """Slope of the speed heard over equal parts of what was sent from `start_s` to `stop_s`, times the whole."""
        edges = np.linspace(start_s, stop_s, parts + 1)
        speed = np.diff(edges) / np.diff(self.output_time(edges))
        middle = np.arange(parts) - 0.5 * (parts - 1)
        return float(100.0 * parts * (speed @ middle) / (middle @ middle))


def _sums(time_s: np.ndarray, frequency_hz: np.ndarray, amplitudes: np.ndarray) -> np.ndarray:
    """Real parts of sums of rotating phasors of shape ``(lines, sums)`` at evenly spaced times from 0; shape ``(times, sums)``."""
    within = np.exp(2j * np.pi * np.outer(time_s[:1000], frequency_hz))  # later times are so much turned on
    starts = np.exp(2j * np.pi * np.outer(time_s[::1000], frequency_hz))
    return np.concatenate([np.real(within @ (start[:, None] * amplitudes)) for start in starts])[: time_s.size]


def weighting(frequency_hz: np.ndarray) -> np.ndarray:
    """IEC 60386 weighting as a factor, straight lines in dB over log frequency between the table's points, 0 outside."""
    db = np.interp(np.log(frequency_hz), np.log(WEIGHTING_HZ), WEIGHTING_DB)
    return np.where(_within(frequency_hz, (WEIGHTING_HZ[0], WEIGHTING_HZ[-1])) > 0, 10.0 ** (db / 20.0), 0.0)


def _within(frequency_hz: np.ndarray, band_hz: tuple[float, float]) -> np.ndarray:
    return ((frequency_hz >= band_hz[0]) & (frequency_hz <= band_hz[1])).astype(np.float64)


def _deviations(trajectory: Trajectory, track: int, from_s: float, stretch: float) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies and complex amplitudes of the relative speed deviation, time counted from `from_s`.

    A pass heard through another appears `stretch` times as fast.
    """
    combs: tuple[tuple[Comb, float], ...] = ((trajectory.flutter, 1.0), (trajectory.skew, float(lever()[track])))
    speed = 1.0 + trajectory.speed_error
    frequency = np.concatenate([c.frequency_hz for c, _ in combs])
    amplitude = np.concatenate([g * c.amplitude_s * 2.0 * np.pi * c.frequency_hz / speed for c, g in combs])
    phase = np.concatenate([2.0 * np.pi * c.frequency_hz * from_s + c.phase for c, _ in combs])
    return frequency * stretch, amplitude * np.exp(1j * phase)
