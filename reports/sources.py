"""What every quantity is, by which standard or paper, and which function computes it: the appendix of the report."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """Where a figure comes from.

    Attributes
    ----------
    definition : str
        What it is, in a sentence.
    basis : str
        Standard and clause, paper and equation, or the practice it follows.
    functions : tuple of str
        ``module.function`` that computes it, most important first.
    """

    definition: str
    basis: str
    functions: tuple[str, ...] = ()


_FLUTTER = "AES6-2008 and IEC 60386:1972"
_SWEEP = "Novak, Lotton, Simon, JAES 63(10), 2015, eq. 43"
_HARMONICS = "IEC 60268-3 (THD); least squares, whole cycles"
_RMS = "RMS deviation"

SOURCES: Mapping[str, Source] = {
    # time
    "latency": Source(
        "Output time less input time at the start marker; the linear phase of the response from 400 Hz to 6 kHz counts as delay",
        "matched filter for hyperbolic chirps: Kroszczynski, Proc. IEEE 57(7), 1969",
        ("analysis.locate.find_takes", "analysis.alignment.align_take"),
    ),
    "interface_latency": Source(
        "Delay of converters, driver and cable, measured through a loop",
        "cross-correlation, then linear phase of the cross-spectrum: Carter, Proc. IEEE 75(2), 1987",
        ("analysis.loopback.measure",),
    ),
    "speed_error": Source(
        "Span of the stimulus over the span of its return less one; positive: the returned tone is higher",
        "definition; the ends as for the latency",
        ("analysis.alignment.align_take", "analysis.locate.played_speed"),
    ),
    "speed_drift": Source(
        "Slope of the speed over six parts of the take, times its length", "definition", ("analysis.timebase.Timebase",)
    ),
    "speed_deviation": Source(
        "(f − f mean)/f mean over time, from the slope of the delay",
        f"definition of {_FLUTTER}",
        ("analysis.findings.trajectory_curves",),
    ),
    "delay_trajectory": Source(
        "Output time less input time, over input time",
        "pilot: Rife and Boorstyn, IEEE Trans. IT 20(5), 1974; programme: Kalman and RTS smoother, Särkkä and Solin 2019",
        ("analysis.phase.track", "analysis.programme.refine", "analysis.smoother.smooth"),
    ),
    # wow and flutter
    "wow_flutter_weighted_2sigma": Source(
        "Weighted deviation whose magnitude is exceeded 5 % of the time",
        f"{_FLUTTER}: weighting, two-sigma statistic",
        ("analysis.wow_flutter.figures", "analysis.weighting.flutter_weight_db"),
    ),
    "wow_flutter_weighted_rms": Source(
        f"Weighted {_RMS}, known as JIS or WRMS",
        "weighting of IEC 60386:1972; RMS as in JIS and NAB practice",
        ("analysis.wow_flutter.figures", "analysis.weighting.flutter_weight_db"),
    ),
    "wow_flutter_unweighted_rms": Source(f"{_RMS}, 0.2 to 200 Hz", f"band of {_FLUTTER}", ("analysis.wow_flutter.figures",)),
    "wow_rms": Source(f"{_RMS} below 6 Hz", "usual division between wow and flutter", ("analysis.wow_flutter.figures",)),
    "flutter_rms": Source(
        f"{_RMS}, 6 to 200 Hz", "usual division between wow and flutter", ("analysis.wow_flutter.figures",)
    ),
    "flutter_spectrum": Source(
        "RMS of the deviation in each line of a Hann-windowed spectrum",
        "Harris, Proc. IEEE 66(1), 1978",
        ("analysis.wow_flutter.spectrum",),
    ),
    "flutter_line": Source(
        "RMS of a line that stands above its surroundings; the likely part by its rate of rotation",
        "f = v/(π d) of shafts, v/(2 π r) of reels",
        ("analysis.flutter_lines.lines", "analysis.rotating_parts.names"),
    ),
    # response
    "frequency_response": Source(
        "Returned over sent, after dewarping", _SWEEP, ("analysis.response.measure", "analysis.dewarp.dewarp")
    ),
    "phase_response": Source(
        "Phase of returned over sent, the delay of the time base taken off", _SWEEP, ("analysis.response.measure",)
    ),
    "group_delay": Source("−dφ/dω of the phase response", _SWEEP, ("analysis.response.measure",)),
    "bandwidth_low": Source(
        "Frequency below 1 kHz at which the response is 3 dB below that at 1 kHz",
        "IEC 60268-3 (gain-limited frequency range)",
        ("analysis.response.band_edges",),
    ),
    "bandwidth_high": Source(
        "Frequency above 1 kHz at which the response is 3 dB below that at 1 kHz",
        "IEC 60268-3 (gain-limited frequency range)",
        ("analysis.response.band_edges",),
    ),
    "response_ripple": Source(
        "Half the spread of the response from 100 Hz to 10 kHz", "definition", ("analysis.response.measure",)
    ),
    # distortion
    "thd": Source(
        "RMS of the harmonics up to 20 kHz over the fundamental (THD_F)", _HARMONICS, ("analysis.distortion.analyse",)
    ),
    "thd_n": Source(
        "Everything but the fundamental, 20 Hz to 20 kHz, over the fundamental",
        "AES17-2020 (THD+N), band 20 Hz to 20 kHz",
        ("analysis.distortion.analyse",),
    ),
    **{
        f"harmonic_{n}": Source(
            "A harmonic re the fundamental, the noise in its band subtracted",
            _HARMONICS,
            ("analysis.distortion.analyse",),
        )
        for n in range(2, 6)
    },
    "thd_vs_level": Source("THD against the level sent", _HARMONICS, ("analysis.distortion.analyse",)),
    "thd_vs_frequency": Source(
        "THD at one level against the frequency of the tone", _HARMONICS, ("analysis.distortion.analyse",)
    ),
    **{
        f"harmonic_response_{n}": Source(
            "A harmonic over the fundamental, by frequency of the excitation",
            f"{_SWEEP}, eq. 38",
            ("analysis.response.measure",),
        )
        for n in range(2, 6)
    },
    "imd_smpte": Source(
        "Sidebands about the high tone over that tone; low and high tone 4 to 1",
        "SMPTE RP 120; IEC 60268-3 (modulation distortion)",
        ("analysis.intermodulation.smpte",),
    ),
    "imd_difference": Source(
        "Difference products over the sum of two equal tones",
        "IEC 60268-3 (difference-frequency distortion)",
        ("analysis.intermodulation.difference",),
    ),
    "compression": Source(
        "Fundamental returned against the level sent, re the reference tone",
        "tape practice",
        ("analysis.distortion.analyse",),
    ),
    "mol_315": Source(
        "Output at 315 Hz at which the third harmonic is 3 % of the fundamental",
        "IEC 60094-5:1988, as in the data sheets of cassettes",
        ("analysis.output_level.maximum_output_level",),
    ),
    "sol_10k": Source(
        "Highest output at 10 kHz over the ladder of levels",
        "IEC 60094-5:1988, as in the data sheets of cassettes",
        ("analysis.output_level.saturated_output_level",),
    ),
    # noise
    "noise_a": Source(
        "A-weighted RMS in silence re the returned reference tone",
        "IEC 61672-1:2013, E.6",
        ("analysis.noise.weighted_power", "analysis.weighting.a_weight_db"),
    ),
    "noise_itu468": Source(
        "Quasi-peak reading of the noise behind the 468 network",
        "ITU-R BS.468-4: weighting network and quasi-peak meter",
        ("analysis.quasi_peak.level",),
    ),
    "noise_ccir_rms": Source(
        "RMS behind the 468 curve, unity at 2 kHz",
        "AES17-2020, 5.2.7",
        ("analysis.noise.weighted_power", "analysis.weighting.itu468_weight_db"),
    ),
    "snr_a": Source(
        "Level of the reference, or of MOL, over the A-weighted noise",
        "IEC 61672-1:2013, E.6",
        ("analysis.noise.weighted_power",),
    ),
    "hum": Source(
        "Level of a mains line that stands above its surroundings",
        "averaged periodogram: Welch, IEEE Trans. AU 15(2), 1967",
        ("analysis.hum.lines",),
    ),
    "modulation_noise": Source(
        "A-weighted noise beside a steady low tone and its harmonics, re the returned reference tone",
        "tape practice",
        ("analysis.modulation.residue",),
    ),
    "noise_spectrum": Source(
        "Density in dB/Hz, and power in third octaves",
        "Welch 1967; IEC 61260-1:2014, base ten",
        ("analysis.noise.spectrum", "analysis.noise.third_octaves"),
    ),
    "dropouts_per_minute": Source(
        "Falls of a steady tone by so many dB for so long, a minute: 6 dB for 2 ms, 12 dB for 5 ms",
        "definition; the count of data sheets has no common rule; exact interval of a count: Garwood, Biometrika 28, 1936",
        ("analysis.dropouts.per_minute", "analysis.dropouts.follow"),
    ),
    "dropouts": Source(
        "Greatest depth of every fall of a steady tone by 3 dB or more, over time",
        "definition",
        ("analysis.dropouts.events",),
    ),
    "dropout_lengths": Source(
        "Time that each of these falls spends more than 3 dB down", "definition", ("analysis.dropouts.events",)
    ),
    "level_stability": Source(
        "Half the central 95 % range of the level of a steady tone, read over 0.1 s",
        "tape practice",
        ("analysis.level_stability.stability",),
    ),
    # tracks
    "crosstalk": Source(
        "What of one track returns on another, re what returns on its own, by correlation of the two",
        "matched filter: Turin, IRE Trans. IT 6(3), 1960",
        ("analysis.crosstalk.leaks",),
    ),
    "azimuth_delay": Source(
        "Delay of the higher track against the lower; positive: it is late",
        "phase of the cross-spectrum: Carter, Proc. IEEE 75(2), 1987",
        ("analysis.azimuth.delay",),
    ),
    "channel_balance": Source(
        "Level of the higher track re the lower",
        "definition, from the reference tones",
        ("analysis.subjects.tracks.measure",),
    ),
    "polarity": Source(
        "Sign of the correlation with what was sent, 200 Hz to 2 kHz", "definition", ("analysis.subjects.time.measure",)
    ),
    "erasure": Source(
        "What a recording left of the one before it, re the level of that one",
        "definition; found by correlation with the earlier recording",
        ("analysis.erasure.residue",),
    ),
    # dbx
    "dbx_encode_ratio": Source(
        "Change of level in over change of level out while recording",
        "steady steps; the law of dbx II is 2:1",
        ("analysis.compander.law.fit",),
    ),
    "dbx_decode_ratio": Source(
        "Change of level out over change of level in while playing",
        "steady steps; the law of dbx II is 1:2",
        ("analysis.compander.law.fit",),
    ),
    "dbx_unity_level": Source(
        "Level at which the compander changes nothing",
        "crossing of the law and the line of slope one",
        ("analysis.compander.law.fit",),
    ),
    "dbx_time_constant": Source(
        "Time constant τ of the detector's mean square: release 4.343/τ dB/s",
        "one pole on the square, from the slope after bursts",
        ("analysis.compander.ballistics.edges", "analysis.compander.ballistics.combined"),
    ),
    "dbx_tracking_error": Source(
        "Level through both halves less the level without either", "definition", ("analysis.compander.tracking.errors",)
    ),
    "dbx_noise_reduction": Source(
        "Noise without dbx less that with it", "definition", ("analysis.compander.tracking.mean_noise",)
    ),
    "dbx_encode_law": Source(
        "Level out against level in while recording", "steady steps", ("analysis.compander.pairs.of_takes",)
    ),
    "dbx_decode_law": Source(
        "Level out against level in while playing", "steady steps", ("analysis.compander.pairs.of_takes",)
    ),
    "dbx_emphasis": Source(
        "Gain of a weak tone beside a strong steady one that holds the detector, over frequency",
        "two-tone method",
        ("analysis.compander.emphasis.curve",),
    ),
    "dbx_weighting": Source(
        "Weighting of the detector over frequency: what shifts the static law beyond the emphasis",
        "steady steps, less the two-tone method",
        ("analysis.compander.emphasis.weighting",),
    ),
}


def rows(methods: Mapping[str, Iterable[str]]) -> list[tuple[list[str], str, str, str]]:
    """What the appendix prints: quantities with one source share a row.

    Parameters
    ----------
    methods : mapping
        Quantities of the report and the methods that their figures state. One that is not in the table is told by its methods.

    Returns
    -------
    list of (quantities, definition, basis, functions)
        In the order of the table.
    """
    found: dict[tuple[str, str, str], list[str]] = {}
    for quantity, source in SOURCES.items():
        if quantity in methods:
            key = (source.definition, source.basis, ", ".join(source.functions))
            found.setdefault(key, []).append(quantity)
    for quantity, stated in methods.items():
        if quantity not in SOURCES:
            found.setdefault(("; ".join(dict.fromkeys(stated)), "", ""), []).append(quantity)
    return [(quantities, *key) for key, quantities in found.items()]
