"""The bench for a pair of recordings made with any material, without a stimulus of ours."""

import numpy as np

from analysis import programme, wow_flutter
from analysis.dewarp import interpolate
from analysis.findings import Measured, curve, flutter_curve, flutter_results, result, trajectory_curves
from analysis.transfer import transfer
from sessions.results import Conditions

RESPONSE = "cross-spectrum over auto-spectrum of the aligned programme, smoothed over 0.3 octave"
TRAJECTORY = (
    "delay trajectory from the programme: Gauss-Newton on the phase in short frames, with a prior on the motion of tape"
)
PILOT = "delay trajectory from the pilot of {:.0f} Hz beside the programme, to which that adds its constant and skew"


def measure(
    dry: np.ndarray, wet: np.ndarray, sample_rate: int, estimate: programme.Estimate, conditions: Conditions
) -> Measured:
    """What a pair of recordings made with any material tells: delay, speed, polarity, response.

    Parameters
    ----------
    dry, wet : ndarray, shape (samples,)
        Signal sent and returned.
    estimate : programme.Estimate
        Their time base, from :func:`analysis.alignment.align_channels`.
    """
    timebase = estimate.timebase
    method = TRAJECTORY if estimate.pilot_hz is None else PILOT.format(estimate.pilot_hz)
    end_s = min(dry.size / sample_rate, float(timebase.input_time(wet.size / sample_rate)))
    start_s = max(0.0, float(timebase.input_time(0.0)))
    sd = float(np.sqrt(np.mean(timebase.sd_s**2)))
    speed = float(timebase.speed(start_s, end_s))
    speed_sd = np.sqrt(2.0) * sd / (end_s - start_s)
    results = [
        result("latency", float(timebase.delay(start_s)), "s", 1.96 * sd, conditions, method),
        result("speed_error", 100.0 * (speed - 1.0), "%", 196.0 * speed_sd, conditions, method),
    ]
    curves = trajectory_curves(timebase, start_s, end_s, conditions, method)
    grid = np.arange(start_s, end_s, timebase.step_s)
    if end_s - start_s >= wow_flutter.MINIMUM_S - 0.5:
        density = 2.0 * float(np.median(timebase.sd(grid))) ** 2 * timebase.step_s
        deviation = wow_flutter.deviation(timebase.delay(grid), timebase.step_s, density)
        results += flutter_results(deviation, dict(conditions), method)
        curves.append(flutter_curve(deviation, dict(conditions), method))
    time = np.arange(wet.size) / sample_rate
    warped = interpolate(dry, timebase.input_time(time) * sample_rate)
    H, coherence, frequency = transfer(warped, wet, sample_rate)
    told = (coherence > 0.5) & (frequency >= 20.0) & (frequency <= 0.46 * sample_rate)
    if told.sum() > 8:
        frames = max(1.0, wet.size / (2.0 * (frequency.size - 1)))
        doubt = 8.686 * 1.96 * np.sqrt((1.0 - coherence[told]) / (2.0 * coherence[told] * frames))
        level = 20.0 * np.log10(np.abs(H[told]))
        curves.append(curve("frequency_response", conditions, RESPONSE, frequency[told], level, "magnitude", "dB", doubt))
        phase = np.degrees(np.unwrap(np.angle(H[told])))
        curves.append(curve("phase_response", conditions, RESPONSE, frequency[told], phase, "phase", "deg"))
        middle = told & (frequency > 200.0) & (frequency < 2000.0)
        sign = float(np.sign(np.sum(np.real(H[middle])))) if middle.any() else 0.0
        if sign:
            results.append(result("polarity", sign, "1", None, conditions, "sign of the response from 200 Hz to 2 kHz"))
    return results, curves
