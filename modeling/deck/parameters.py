"""Everything that can be set on the virtual deck, each value with its unit and where it comes from.

The numbers themselves stand once, in ``presets/fresh.toml`` and, for what a kind of tape brings with it or asks of the
machine, in ``tapes``; any other file names only what differs from the preset it ``extends``. Sources are given in brackets
after each meaning: [V] read in a published source, [D] derived from stated inputs, [S] second hand, [F] fitted so that the
simulated tape meets its data sheet, [A] assumed: nothing is known of the 424 MkII here. No value is claimed to be Tascam's.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from modeling.deck.materials import JilesAtherton, Solver
from signals.errors import ModelError

PRESETS = Path(__file__).parent / "presets"
TAPES = Path(__file__).parent / "tapes"
TRACKS = 4
IN_FILE = "correct it in the file"

TAPE_SPEED_UM_S = {9.5: 95250.0, 4.8: 47625.0}
"""Exact speeds behind the rounded names, in micrometres a second: IEC 60094-1, 47.625 mm/s and its double."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Electronics(_Section):
    """Amplifiers before and after the tape. Levels in dB re 0 VU."""

    input_gain_db: float = Field(ge=-40, le=40, description="gain from the input to the record amplifier [A]")
    output_gain_db: float = Field(ge=-40, le=40, description="gain after the replay amplifier [A]")
    headroom_db: float = Field(ge=6, le=60, description="level at which each amplifier saturates [A]")
    asymmetry: float = Field(
        ge=0,
        le=0.1,
        description="quadratic term x + a x^2 of each amplifier, x = 1 at the peak of 0 VU; H2 = a/2 at 0 VU [A]",
    )
    noise_dba: float = Field(
        ge=-140, le=-20, description="noise behind the decoder, A-weighted [F: dbx takes a little over 30 dB]"
    )
    hum_db: float | None = Field(default=None, ge=-140, le=0, description="mains hum, fundamental; absent: none [A]")
    mains_hz: Literal[50, 60] = Field(description="mains frequency [A]")


class Tape(_Section):
    """One formulation. Particle and coating constants of the frozen-Preisach model (see :mod:`modeling.deck.magnetics`)."""

    coercivity_ka_m: float = Field(ge=10, le=200, description="median coercivity; only ratios to the fields matter [S]")
    coercivity_spread: float = Field(ge=0.02, le=1, description="standard deviation of the log of coercivity [F]")
    interaction: float = Field(ge=0.02, le=1, description="sd of the interaction field over the median coercivity [F]")
    narrowing: float = Field(ge=0, le=0.5, description="by how much its variance falls towards saturation [F]")
    coating_um: float = Field(ge=0.5, le=20, description="thickness of the magnetic coating [S: 5.0 for TDK SA]")
    taper_um: float = Field(ge=0.1, le=50, description="depth over which magnetisation builds up, 1 - exp(-(y/yt)^1.5) [F]")
    hiss_dba: float = Field(ge=-120, le=-10, description="hiss of a 0.6 mm track at 9.5 cm/s, A-weighted, at the output [S]")

    modulation_db: float = Field(
        ge=-120, le=-20, description="unevenness of the coating: RMS variation of the flux along the tape, re the flux [S]"
    )
    modulation_mm: float = Field(ge=0.1, le=2, description="length above which the unevenness does not grow [A]")
    base_um: float = Field(ge=3, le=50, description="film under the coating [D: 18 um of C-60 tape less the coating]")
    print_db: float | None = Field(
        default=None, ge=-120, le=-20, description="print-through at its strongest wavelength, re the flux; absent: none [A]"
    )


class Magnetics(JilesAtherton):
    """How the tape takes its magnetisation: a law of :mod:`modeling.deck.law`, and the constants of the one without bias."""

    law: Literal["bias", "jiles-atherton"] = Field(description="with AC bias, or hysteresis without any bias")
    solver: Solver = Field(description="how hysteresis is integrated; RK2 is the fastest")


class RecordHead(_Section):
    """Field of the record gap."""

    bias_ka_m: float = Field(ge=10, le=3000, description="deep-gap peak of the bias field, 2.5 dB past the 10 kHz peak [F]")
    gap_um: float = Field(ge=0.2, le=20, description="effective record gap of the fitted set [F]")
    spacing_um: float = Field(ge=0, le=20, description="head to coating while recording [S]")


class EraseHead(_Section):
    """Field of the erase gap, ahead of the record head."""

    field_ka_m: float = Field(ge=0, le=3000, description="deep-gap peak of the erase field [A: three times the coercivity]")
    gap_um: float = Field(ge=10, le=1000, description="erase gap [S: about 200]")
    spacing_um: float = Field(ge=0, le=100, description="head to coating [A]")


class ReplayHead(_Section):
    """Wavelength losses of replay."""

    gap_um: float = Field(ge=0.1, le=20, description="effective replay gap [S: 1 um data-sheet deck, 10 % longer acting]")
    spacing_um: float = Field(ge=0, le=20, description="head to coating; oxide build-up and wear add to it [S]")
    contact_mm: float = Field(
        ge=0.3, le=10, description="length of the head face: first bump at this wavelength [S: 0.7-1.0]"
    )
    bump_db: float = Field(ge=0, le=6, description="height of the first bump [S: 1-3 dB]")


class RecordEqualiser(_Section):
    """Pre-emphasis: 3180 us bass lift, a shelf and a tuned circuit, the form of a cassette deck's record amplifier."""

    bass_floor_hz: float = Field(ge=8, le=50, description="frequency below which the 3180 us lift stops [A]")
    shelf_zero_hz: float = Field(ge=200, le=50000, description="corner at which the treble shelf begins to rise [D: flat]")
    shelf_pole_hz: float = Field(ge=200, le=200000, description="corner at which it ends [D: flat]")
    peak_hz: float = Field(ge=2000, le=40000, description="resonance of the tuned circuit [D: flat]")
    peak_db: float = Field(ge=0, le=30, description="lift at the resonance [D: flat]")
    peak_q: float = Field(ge=0.2, le=10, description="quality factor of the resonance [D: flat]")


class Alignment(_Section):
    """What the speed switch changes, and what a technician sets for that speed."""

    signal_ka_m: float = Field(gt=0, le=1000, description="deep-gap peak field of 0 VU at 315 Hz: MOL at +5 dB [F]")
    flux_at_0_vu: float = Field(gt=0, le=1, description="flux, as part of saturation, that replays as 0 VU at 315 Hz [F]")
    replay_us: float = Field(ge=10, le=200, description="upper replay time constant [S: 35 at 9.5, 70 at 4.8 cm/s]")
    record_eq: RecordEqualiser


class Transport(_Section):
    """Tape motion. Peak deviations in percent of speed; rates follow from sizes and speed."""

    speed_error_percent: float = Field(
        ge=-15, le=15, description="both passes against nominal speed; cancels on own tapes [A]"
    )
    pass_difference_percent: float = Field(ge=0, le=5, description="speed of a play pass against the record pass [A]")
    drift_percent_per_min: float = Field(ge=-1, le=1, description="change of speed as the reel radius changes [A]")
    capstan_mm: float = Field(ge=1, le=6, description="diameter of the capstan shaft [S: 2.0-2.5, unknown for the 424]")
    capstan_percent: float = Field(ge=0, le=5, description="run-out of the capstan, peak [A]")
    pinch_mm: float = Field(ge=4, le=30, description="diameter of the pinch roller [S: 8-13]")
    pinch_percent: float = Field(ge=0, le=5, description="pinch roller line, peak [A]")
    supply_mm: float = Field(ge=10, le=30, description="radius of the supply pack [D: C-60 11-25]")
    supply_percent: float = Field(ge=0, le=5, description="supply reel line, peak [A]")
    takeup_mm: float = Field(ge=10, le=30, description="radius of the take-up pack [D: C-60 11-25]")
    takeup_percent: float = Field(ge=0, le=5, description="take-up reel line, peak [A]")
    residue_percent: float = Field(ge=0, le=5, description="random flutter 0.15-200 Hz, RMS [A]")
    residue_corner_hz: float = Field(ge=0.2, le=100, description="above it random flutter falls by 6 dB an octave [A]")
    belt_mm: float = Field(ge=10, le=1000, description="tape that passes while the belt goes round once [A]")
    belt_percent: float = Field(ge=0, le=5, description="line of a belt with a kink or a joint, peak; a fault [A]")
    scrape_percent: float = Field(ge=0, le=1, description="scrape flutter, RMS in each pass [A]")
    scrape_span_mm: float = Field(ge=70, le=300, description="free tape L, which resonates at 1700 m/s / 2L [S: 85]")
    scrape_width_hz: float = Field(ge=10, le=200, description="width of that resonance at half power [A]")
    record_pitch_percent: float = Field(ge=-12, le=12, description="pitch control while recording [S: 12 on siblings]")
    play_pitch_percent: float = Field(ge=-12, le=12, description="pitch control while playing [S: 12 on siblings]")
    start_percent: float = Field(ge=0, le=90, description="lack of speed as a pass starts [A]")
    start_ms: float = Field(ge=1, le=2000, description="time in which that lack falls to 1/e [A]")
    stop_ms: float = Field(ge=0, le=5000, description="time in which a stopped tape comes to rest, at an even rate [A]")
    rewind_min_s: float = Field(ge=0, le=60, description="rewind lands at least this far before the recording [A]")
    rewind_max_s: float = Field(ge=0, le=60, description="and at most this far [A]")


class Tracks(_Section):
    """Four tracks in one head stack, 0.6 mm wide with 0.3 mm between them."""

    gain_db: tuple[float, float, float, float] = Field(description="replay gain error of tracks 1 to 4 [A]")
    crosstalk_db: float = Field(ge=-120, le=-20, description="neighbour at 1 kHz [S: -55 published for the 424 MkII]")
    crosstalk_corner_hz: float = Field(
        ge=1000, le=50000, description="inductive coupling rises by 6 dB an octave to here [A]"
    )
    width_mm: float = Field(gt=0, le=3, description="track width [S: 0.6, IEC 60094-7]")
    guard_mm: float = Field(gt=0, le=3, description="distance to the neighbour [S: 0.3]")
    skew_us: float = Field(ge=0, le=100, description="constant delay between tracks 1 and 4 in one pass, RMS [A]")
    skew_wander_us: float = Field(ge=0, le=100, description="slow wander of that delay, record and play together, RMS [A]")
    skew_corner_hz: float = Field(ge=0.2, le=50, description="bandwidth of the wander [D: real tapes wander up to 10 Hz]")


class Compander(_Section):
    """The noise reduction, dbx type II in kind (see :mod:`modeling.deck.compander`). Levels in dB re 0 VU, filters 0 dB at 1 kHz.

    Ratio and topology are published; every constant below is recollected or chosen, and none is claimed to be this deck's.
    """

    ratio: float = Field(ge=1.2, le=4, description="dB in for a dB on tape [V: 2]")
    unity_db: float = Field(ge=-40, le=20, description="level of a 1 kHz sine that both halves leave alone [A]")
    time_constant_s: float = Field(
        ge=0.002, le=0.2, description="one-pole on the square in the detector [S: 0.0347, 125 dB/s]"
    )
    emphasis_zero_hz: float = Field(ge=50, le=20000, description="corner at which the signal's shelf begins [A]")
    emphasis_pole_hz: float = Field(ge=50, le=40000, description="corner at which it ends, 12 dB higher [A]")
    weighting_low_hz: float = Field(ge=1, le=400, description="high-pass of the side chain [S: 16-30]")
    weighting_zero_hz: float = Field(ge=50, le=20000, description="corner at which the side chain's shelf begins [A]")
    weighting_pole_hz: float = Field(ge=50, le=100000, description="corner at which it ends, 20 dB higher [A]")
    weighting_high_hz: float = Field(ge=1000, le=100000, description="low-pass of the side chain [S: 10 kHz]")
    floor_db: float = Field(ge=-140, le=-40, description="what the detector reads in silence [A]")
    mismatch_db: float = Field(ge=-20, le=20, description="decoder's unity level re the encoder's; a fault [A]")


class Mixer(_Section):
    """Where the channels of the mixer come together on the busses (see :mod:`modeling.deck.routing`)."""

    pan_centre_db: float = Field(ge=-6, le=-1, description="gain to either buss in the middle of PAN, 0 dB at its ends [A]")


class Faults(_Section):
    """What age, dirt and mishap do to a machine that was aligned without them; 0, or absent, is none.

    Dropouts and stretch lie at places of the tape, the same in every play pass.
    """

    dropouts_per_minute: float = Field(ge=0, le=600, description="dropouts of each track [S: below 7 on new tape]")
    dropout_db: float = Field(ge=1, le=60, description="their depth, of each half to twice that [S: 3-30]")
    dropout_ms: float = Field(
        ge=0.5, le=1000, description="time below half the depth in dB, of each half to twice that [S: 1-10 at 9.5 cm/s]"
    )
    dirt_um: float = Field(ge=0, le=50, description="oxide on the head while playing, adds to the spacing [A]")
    gap_wear_um: float = Field(ge=0, le=20, description="by how much wear has opened the replay gap [A]")
    face_wear_mm: float = Field(ge=0, le=10, description="by how much it has lengthened the head face: the bump sinks [A]")
    azimuth_arcmin: float = Field(
        ge=-60, le=60, description="angle of the head while playing re while recording; above 0 track 4 is late [A]"
    )
    magnetism_ka_m: float = Field(ge=-30, le=30, description="steady field of a magnetised head while recording [A]")
    magnetism_hiss_db: float = Field(ge=0, le=30, description="rise of the hiss by a magnetised head [A]")
    erasure_db: float | None = Field(
        default=None,
        ge=-120,
        le=0,
        description="what the erase head itself records anew of what it erases; absent: nothing [A]",
    )
    dead_track: int = Field(ge=0, le=TRACKS, description="track that replays nothing; 0: none [A]")
    stretch_percent: float = Field(ge=0, le=10, description="mean lengthening of the stretched piece [A]")
    stretch_db: float = Field(ge=0, le=60, description="loss of level in its middle [A]")
    stretch_at_s: float = Field(ge=0, le=10000, description="middle of the piece, in seconds of tape from the start [A]")
    stretch_length_s: float = Field(ge=0.01, le=100, description="length of the piece, in seconds of tape [A]")


def _speed(speed_cm_s: float) -> float:
    if speed_cm_s not in TAPE_SPEED_UM_S:
        raise ValueError(f"the deck runs at {' or '.join(str(v) for v in TAPE_SPEED_UM_S)} cm/s")
    return speed_cm_s


class DeckParameters(_Section):
    """A whole deck with the tape in it."""

    name: str
    speed_cm_s: Annotated[float, AfterValidator(_speed)]
    electronics: Electronics
    magnetics: Magnetics
    tape: Tape
    erase_head: EraseHead
    record_head: RecordHead
    replay_head: ReplayHead
    transport: Transport
    tracks: Tracks
    compander: Compander
    mixer: Mixer
    faults: Faults
    alignment_9_5: Alignment
    alignment_4_8: Alignment

    @property
    def speed_um_s(self) -> float:
        """Nominal tape speed in micrometres a second."""
        return TAPE_SPEED_UM_S[self.speed_cm_s]

    @property
    def record_speed_um_s(self) -> float:
        """Speed that the pitch control asks for while recording."""
        return self.speed_um_s * (1.0 + self.transport.record_pitch_percent / 100.0)

    @property
    def play_speed_um_s(self) -> float:
        """Speed that the pitch control asks for while playing."""
        return self.speed_um_s * (1.0 + self.transport.play_pitch_percent / 100.0)

    @property
    def pitch_ratio(self) -> float:
        """Frequency heard over frequency sent, by the pitch control."""
        return self.play_speed_um_s / self.record_speed_um_s

    @property
    def replay_head_now(self) -> ReplayHead:
        """The replay head with its wear and dirt."""
        head, faults = self.replay_head, self.faults
        return head.model_copy(
            update={
                "gap_um": head.gap_um + faults.gap_wear_um,
                "spacing_um": head.spacing_um + faults.dirt_um,
                "contact_mm": head.contact_mm + faults.face_wear_mm,
            }
        )

    @property
    def alignment(self) -> Alignment:
        """Settings of the chosen speed."""
        return self.alignment_9_5 if self.speed_cm_s == 9.5 else self.alignment_4_8

    def changed(self, changes: Mapping[str, Any], option: str = "") -> "DeckParameters":
        """The same deck with some values set otherwise, keys as ``"transport.pinch_percent"``.

        `option` is what asked for that, and is to blame for a value out of its limits.

        Raises
        ------
        ModelError
            Unknown key, or a value out of its limits.
        """
        nested: dict[str, Any] = {}
        for key, value in changes.items():
            *sections, name = key.split(".")
            section = nested
            for part in sections:
                section = section.setdefault(part, {})
            section[name] = value
        source, remedy = (f"{option} on {self.name}", "choose less of it") if option else (self.name, IN_FILE)
        return _validated(_merged(self.model_dump(), nested), source, remedy)


def load_parameters(preset_or_path: str) -> DeckParameters:
    """Read a preset by name, or a TOML file by path.

    A file holds only what differs from the preset it names under ``extends`` (``"fresh"`` where it names none). ``cassette``
    is the tape in the deck and ``aligned_for`` the one that bias, record and replay equalisation are set for (the same where
    it is not named); values that the file names itself come before those of either.

    Raises
    ------
    ModelError
        No such preset, file or tape, or a value out of its limits.
    """
    values = _read(preset_or_path)
    cassette = values.pop("cassette")
    aligned_for = values.pop("aligned_for", cassette)
    inside = _tape("cassette", cassette, preset_or_path)["cassette"]
    machine = _tape("aligned_for", aligned_for, preset_or_path)["machine"]
    return _validated(_merged(_merged(machine, inside), values), preset_or_path)


def _tape(key: str, name: Any, source: str) -> dict[str, Any]:
    """What one tape brings with it (``cassette``) and asks for (``machine``)."""
    known = sorted(path.stem for path in TAPES.glob("*.toml"))
    if name not in known:
        raise ModelError(f"{source}: {key} = {name!r} is not a tape; use one of {', '.join(known)}")
    return tomllib.loads((TAPES / f"{name}.toml").read_text(encoding="utf-8"))


def _read(preset_or_path: str) -> dict[str, Any]:
    path = PRESETS / f"{preset_or_path}.toml"
    if not path.is_file():
        path = Path(preset_or_path)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        known = ", ".join(sorted(p.stem for p in PRESETS.glob("*.toml")))
        raise ModelError(f"no deck '{preset_or_path}': name a preset ({known}) or a readable TOML file") from error
    except tomllib.TOMLDecodeError as error:
        raise ModelError(f"{path.name} is not TOML: {error}; correct that line") from error
    base = values.pop("extends", None if path == PRESETS / "fresh.toml" else "fresh")
    if base is None:
        return values
    if not isinstance(base, str) or not (PRESETS / f"{base}.toml").is_file() or PRESETS / f"{base}.toml" == path:
        known = ", ".join(sorted(p.stem for p in PRESETS.glob("*.toml")))
        raise ModelError(f"{path.name}: extends = {base!r} is not a preset; use one of {known}")
    return _merged(_read(base), {"name": path.stem, **values})


def _merged(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    both = dict(base)
    for key, value in change.items():
        old = both.get(key)
        both[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return both


def _validated(values: dict[str, Any], source: str, remedy: str = IN_FILE) -> DeckParameters:
    try:
        return DeckParameters.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise ModelError(f"{source}: unknown key '{key}'; see presets/fresh.toml for the names") from error
        reason = first["msg"].removeprefix("Value error, ")
        reason = reason[0].lower() + reason[1:]
        found = "" if first["type"] == "missing" or isinstance(first["input"], dict) else f" = {first['input']!r}"
        raise ModelError(f"{source}: {key}{found}: {reason}; {remedy}") from error
