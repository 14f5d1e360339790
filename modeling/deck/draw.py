"""Decks drawn at random, to measure what nobody has tuned anything to.

Every deck follows from its seed alone. The ranges of :data:`RANGES` are those of a used 424-class deck with Type II tape; their
centre is the preset ``fresh``. Two kinds are drawn: the usual one with hiss of about -50 dB(A) and 0.05 to 0.2 % of weighted
flutter, and a quiet one, the same deck with flutter, wander and noise off, which shows what is left of errors of response and
distortion.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from modeling.deck.motion import weighting
from modeling.deck.parameters import TRACKS, DeckParameters, load_parameters
from modeling.deck.transport import RESIDUE_HZ

CENTRE = "fresh"
_DRAWN = 31


@dataclass(frozen=True)
class Span:
    """Where a parameter is drawn, evenly between `low` and `high`, or evenly in its logarithm."""

    low: float
    high: float
    log: bool = False

    def draw(self, generator: np.random.Generator) -> float:
        """A value."""
        if self.log:
            return float(np.exp(generator.uniform(np.log(self.low), np.log(self.high))))
        return float(generator.uniform(self.low, self.high))


RANGES: Mapping[str, Span] = {
    "electronics.input_gain_db": Span(-1.0, 1.0),
    "electronics.output_gain_db": Span(-2.0, 2.0),
    "electronics.headroom_db": Span(20.0, 28.0),
    "electronics.asymmetry": Span(3e-4, 1e-2, log=True),  # second harmonic from -76 to -46 dB at 0 VU
    "electronics.noise_dba": Span(-76.0, -62.0),
    "electronics.hum_db": Span(-90.0, -66.0),
    "tape.coercivity_spread": Span(0.19, 0.25),
    "tape.interaction": Span(0.16, 0.20),
    "tape.coating_um": Span(4.5, 5.5),
    "tape.narrowing": Span(0.15, 0.30),
    "tape.taper_um": Span(3.4, 4.6),
    "tape.hiss_dba": Span(-53.0, -48.0),
    "tape.modulation_db": Span(-60.0, -50.0),
    "tape.modulation_mm": Span(0.3, 1.0, log=True),
    "record_head.bias_ka_m": Span(250.0, 294.0),  # over- and underbias of some 0.7 dB
    "record_head.spacing_um": Span(0.1, 0.5),
    "replay_head.gap_um": Span(0.9, 1.7),
    "replay_head.spacing_um": Span(0.1, 0.8),
    "replay_head.contact_mm": Span(0.7, 1.0),
    "replay_head.bump_db": Span(0.5, 2.5),
    "transport.speed_error_percent": Span(-1.5, 1.5),
    "transport.pass_difference_percent": Span(0.0, 0.6),
    "transport.drift_percent_per_min": Span(-0.03, 0.03),
    "transport.capstan_mm": Span(2.0, 2.5),
    "transport.pinch_mm": Span(8.0, 13.0),
    "transport.supply_mm": Span(11.0, 25.0),
    "transport.takeup_mm": Span(11.0, 25.0),
    "transport.residue_corner_hz": Span(3.0, 15.0, log=True),
    "transport.scrape_percent": Span(0.003, 0.03, log=True),
    "transport.scrape_span_mm": Span(85.0, 280.0),  # 10 to 3 kHz
    "transport.scrape_width_hz": Span(30.0, 200.0, log=True),
    "tracks.crosstalk_db": Span(-68.0, -48.0),
    "tracks.crosstalk_corner_hz": Span(3000.0, 10_000.0, log=True),
    "tracks.skew_us": Span(0.5, 8.0, log=True),
    "tracks.skew_wander_us": Span(0.2, 1.5, log=True),
    "tracks.skew_corner_hz": Span(2.0, 8.0),
    "compander.ratio": Span(1.9, 2.1),
    "compander.unity_db": Span(-6.0, 6.0),
    "compander.time_constant_s": Span(0.02, 0.06, log=True),
    "compander.emphasis_zero_hz": Span(700.0, 900.0),
    "compander.weighting_low_hz": Span(20.0, 35.0),
    "compander.weighting_zero_hz": Span(1000.0, 1500.0),
    "compander.weighting_high_hz": Span(9000.0, 12_000.0),
    "compander.floor_db": Span(-85.0, -75.0),
    "alignment_9_5.replay_us": Span(33.0, 37.0),
    "alignment_9_5.record_eq.shelf_zero_hz": Span(900.0, 1100.0),
    "alignment_9_5.record_eq.shelf_pole_hz": Span(1350.0, 1620.0),
    "alignment_9_5.record_eq.peak_hz": Span(14_000.0, 17_000.0),
    "alignment_9_5.record_eq.peak_db": Span(8.0, 11.0),
    "alignment_9_5.record_eq.peak_q": Span(1.05, 1.4),
}
"""Parameters that are drawn by themselves. Flutter, level and track gains follow below."""

FLUTTER_PERCENT = Span(0.05, 0.2, log=True)
"""Weighted flutter, two-sigma, of record and play pass together."""

DRIVE_DB = Span(-1.5, 1.5)
"""Recording level of 0 VU re that of the preset; it moves MOL and distortion, and hardly the level that is heard."""

LEVEL_DB = Span(-0.5, 0.5)
"""Replay level of 0 VU besides."""

GAIN_DB = Span(-1.0, 1.0)
"""Gain error of every track."""

EMPHASIS_RATIO, WEIGHTING_RATIO = 4.0, 10.0
"""Upper over lower corner of the compander's shelves, 12 and 20 dB."""

SHARE = Span(0.3, 1.0)
"""Weighted flutter of every turning part and of the residue, re each other."""

QUIET: Mapping[str, float | None] = {
    **{
        f"transport.{name}_percent": 0.0
        for name in ("pass_difference", "capstan", "pinch", "supply", "takeup", "residue", "scrape")
    },
    "transport.drift_percent_per_min": 0.0,
    "tracks.skew_wander_us": 0.0,
    "tape.hiss_dba": -120.0,
    "tape.modulation_db": -120.0,
    "electronics.noise_dba": -140.0,
    "electronics.hum_db": None,
}


def draw_deck(seed: int, *, quiet: bool = False) -> DeckParameters:
    """The deck of a seed.

    Parameters
    ----------
    seed : int
        0 or more.
    quiet : bool
        The same deck with flutter, wander of the skew, hiss, noise and hum off. A constant error of speed and skew remain.
    """
    centre = load_parameters(CENTRE)
    drawn = {key: span.draw(_generator(seed, key)) for key, span in RANGES.items()}
    changes: dict[str, object] = {"name": f"drawn-{seed}", **drawn}
    for shelf, ratio in (("emphasis", EMPHASIS_RATIO), ("weighting", WEIGHTING_RATIO)):
        changes[f"compander.{shelf}_pole_hz"] = ratio * drawn[f"compander.{shelf}_zero_hz"]
    changes["electronics.mains_hz"] = int(_generator(seed, "mains").choice((50, 60)))
    changes["tracks.gain_db"] = tuple(GAIN_DB.draw(_generator(seed, f"gain {track}")) for track in range(TRACKS))
    drive, level = (
        10.0 ** (span.draw(_generator(seed, name)) / 20.0) for name, span in (("drive", DRIVE_DB), ("level", LEVEL_DB))
    )
    changes["alignment_9_5.signal_ka_m"] = centre.alignment_9_5.signal_ka_m * drive
    changes["alignment_9_5.flux_at_0_vu"] = centre.alignment_9_5.flux_at_0_vu * drive * level
    share = np.array([SHARE.draw(_generator(seed, f"flutter {part}")) for part in range(5)])
    target = FLUTTER_PERCENT.draw(_generator(seed, "flutter"))
    deck = centre.changed(changes)
    deck = deck.changed(_flutter(deck, share, target))
    return deck.changed(QUIET) if quiet else deck


def _generator(seed: int, name: str) -> np.random.Generator:
    """Chance of one parameter, so that a new parameter leaves all others as they were."""
    return np.random.default_rng((seed, _DRAWN, zlib.crc32(name.encode())))


def _flutter(deck: DeckParameters, share: np.ndarray, two_sigma_percent: float) -> dict[str, float]:
    """Line amplitudes and residue that make the weighted flutter of two passes the given one.

    Two standard deviations of a sum of many parts; record and play pass add in power.
    """
    transport = deck.transport
    speed_mm_s = deck.speed_um_s / 1000.0
    radius_mm = np.array([transport.capstan_mm / 2, transport.pinch_mm / 2, transport.supply_mm, transport.takeup_mm])
    weighted_rms = two_sigma_percent / 2.0 / np.sqrt(2.0) * share / np.linalg.norm(share)
    line_percent = weighted_rms[:4] * np.sqrt(2.0) / np.maximum(weighting(speed_mm_s / (2.0 * np.pi * radius_mm)), 0.2)
    f = np.geomspace(*RESIDUE_HZ, 2000)
    density = 1.0 / (1.0 + (f / transport.residue_corner_hz) ** 2)
    passed = np.sqrt(np.trapezoid(density * weighting(f) ** 2, f) / np.trapezoid(density, f))
    names = ("capstan", "pinch", "supply", "takeup")
    return {
        **{f"transport.{name}_percent": float(value) for name, value in zip(names, line_percent, strict=True)},
        "transport.residue_percent": float(weighted_rms[4] / passed),
    }
