"""Takes of a compander without a tape deck: tones through both halves, and a straight tape with hiss between."""

from dataclasses import dataclass, field

import numpy as np
from scipy.signal import lfilter

from analysis.alignment import Alignment
from analysis.compander import readings
from analysis.dewarp import interpolate
from analysis.findings import curve
from analysis.locate import FoundTake
from analysis.take import Take
from analysis.timebase import Timebase
from analysis.weighting import a_weight_db
from modeling.deck.compander import CompanderHalf
from modeling.deck.parameters import Compander, load_parameters
from signals.audio import ArrayAudio
from signals.companded import PROBE_DB, PROBED_DB, PROBED_HZ
from signals.cues import Channel, Cue, CueSheet
from signals.stimulus import waveform

RATE = 48_000
REFERENCE_DBFS = -18.0
PEAK = 10.0 ** (REFERENCE_DBFS / 20.0)
FLUTTER_HZ = 7.0
STEP_S = 1e-3
TREBLE_LOSS = ([1.0, 0.15], [1.15])  # a little, as a first-order filter
FRESH = load_parameters("fresh").compander


def drawn(rng: np.random.Generator) -> Compander:
    """A compander with every constant drawn."""
    return FRESH.model_copy(
        update={
            "ratio": rng.uniform(1.6, 2.4),
            "unity_db": rng.uniform(-12.0, 6.0),
            "time_constant_s": float(np.exp(rng.uniform(np.log(0.01), np.log(0.05)))),
            "emphasis_zero_hz": rng.uniform(500.0, 1500.0),
            "emphasis_pole_hz": rng.uniform(2500.0, 6000.0),
            "weighting_low_hz": rng.uniform(15.0, 40.0),
            "weighting_zero_hz": rng.uniform(800.0, 2000.0),
            "weighting_pole_hz": rng.uniform(5000.0, 15_000.0),
            "mismatch_db": rng.uniform(-2.0, 2.0),
        }
    )


def stimulus(
    steps: dict[float, tuple[float, ...]],
    bursts: tuple[tuple[float, float, float], ...] = (),
    probes: tuple[float, ...] = (),
    silence_s: float = 0.0,
) -> CueSheet:
    """Such as the session's own, with as little in it as a test needs and no markers; a reference tone first."""
    cues: list[Cue] = []
    cursor = RATE // 4

    def add(kind: str, name: str, seconds: float, level_db: float | None, gap_s: float, **parameters: float | str) -> None:
        nonlocal cursor
        length = round(seconds * RATE)
        cues.append(
            Cue(
                name=name, kind=kind, channel=0, start_samples=cursor, length_samples=length, level_db=level_db,
                parameters=parameters,
            )
        )  # fmt: skip
        cursor += length + round(gap_s * RATE)

    add("tone", "reference tone", 0.6, 0.0, 0.5, purpose="reference", frequency_hz=1000.0)
    for f, levels in steps.items():
        for level in levels:
            name = f"{f} at {level}"
            add("tone", name, 0.8 if f < 200.0 else 0.55, level, 0.05, purpose="ladder", frequency_hz=f)
        cursor += RATE // 2
    for f, level, rest in bursts:
        name = f"bursts {f} {level}"
        add("bursts", name, 3.6, level, 0.5, frequency_hz=f, on_s=0.4, period_s=1.2, rest_db=rest)
    for f in probes:
        named = {"first_hz": PROBED_HZ, "second_hz": f, "second_db": PROBE_DB}
        add("two_tone", f"probe {f}", 0.6, PROBED_DB, 0.05, purpose="emphasis", **named)
    if silence_s:
        cursor += RATE // 2
        add("silence", "silence", silence_s, None, 0.1)
    return CueSheet(
        stimulus="plain", session="s", code=0, sample_rate=RATE, samples=cursor + RATE // 4, reference_dbfs=REFERENCE_DBFS,
        channels=(Channel(role="programme", track=1),), cues=tuple(cues),
    )  # fmt: skip


@dataclass
class Bench:
    """A compander with a tape: gain, a little treble loss and compression, white hiss of a given A-weighted level re 0 VU."""

    settings: Compander
    sheet: CueSheet
    hiss_dba: float = -50.0
    gain_db: float = 0.0
    flutter_percent: float = 0.15
    seed: int = 0
    rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.sent = np.zeros(self.sheet.samples)
        for cue in self.sheet.cues:
            self.sent[cue.start_samples : cue.stop_samples] += waveform(cue, self.sheet) / PEAK
        grid = np.arange(0.0, self.sheet.samples / RATE, STEP_S)
        wander = self.flutter_percent / 100.0 / (2.0 * np.pi * FLUTTER_HZ) * np.sin(2.0 * np.pi * FLUTTER_HZ * grid)
        self.base = Timebase(0.0, STEP_S, wander, np.full(grid.size, 1e-8))

    @property
    def hiss_sd(self) -> float:
        f = np.arange(20.0, 20_001.0)
        weighted = np.sum(10.0 ** (a_weight_db(f) / 10.0)) / (RATE / 2.0)
        return float(np.sqrt(0.5 * 10.0 ** (self.hiss_dba / 10.0) / weighted))

    def gain_of_tape_db(self, f: np.ndarray | float) -> np.ndarray:
        z = np.exp(-2j * np.pi * np.asarray(f) / RATE)
        return self.gain_db + 20.0 * np.log10(np.abs(1.0 + 0.15 * z) / 1.15)

    def tape(self, x: np.ndarray) -> np.ndarray:
        y = 10.0 ** (self.gain_db / 20.0) * lfilter(*TREBLE_LOSS, x)
        y = y * (1.0 - 0.0012 * np.minimum(y * y, 4.0))
        played = self.base.input_time(np.arange(x.size) / RATE) * RATE
        return interpolate(y, played) + self.hiss_sd * self.rng.standard_normal(x.size)

    def half(self, decode: bool, x: np.ndarray) -> np.ndarray:
        return CompanderHalf(self.settings, decode, 1, RATE).process(x[None])[0]

    def returned(self, dbx: str) -> np.ndarray:
        """What comes back in a position of the switch."""
        on_tape = self.half(False, self.sent) if dbx in ("on", "encode") else self.sent
        heard = self.tape(on_tape)
        out = self.half(True, heard) if dbx in ("on", "decode") else heard
        return out + 1e-4 * self.rng.standard_normal(out.size)

    def take(self, dbx: str, returned: np.ndarray | None = None) -> Take:
        alignment = Alignment(0, 0, FoundTake(0, 0.0, 1.0, 0, self.sheet.samples / RATE), self.base, "known")
        audio = PEAK * (self.returned(dbx) if returned is None else returned)
        return Take(
            ArrayAudio(audio[:, None], RATE), self.sheet, alignment, {"track": 1, "pass": 1, "speed_cm_s": 9.5, "dbx": dbx}
        )

    def read(self, *positions: str) -> list[readings.Readings]:
        """Readings of a take in each position; that without dbx has a response too, as a sweep would tell it."""
        f = np.geomspace(20.0, 20_000.0, 400)
        response = curve("frequency_response", {"level_db": -20.0}, "m", f, self.gain_of_tape_db(f), "magnitude", "dB")
        return [readings.read(self.take(dbx), [response] if dbx == "off" else []) for dbx in positions]
