"""The person at the deck: told in plain words what to do, step by step, and asked what to make of every pass.

The words on the panel are those of the 424 MkII; another deck has the same things under other names.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event, Thread

import numpy as np
from rich.console import Group
from rich.live import Live
from rich.text import Text

from capture.device import Listen, Verdict
from capture.findings import Weight
from capture.level_tone import LevelTone
from capture.meters import Meter, Zone, drawn, verdict
from capture.terminal import Conversation
from capture.verification import Verification, automatic
from sessions.manifest import SessionManifest
from signals.cues import CueSheet

HEADROOM_DB = 3.0
ZONE_DB = 12.0
SPEED_NAMES = {9.5: "9.5 cm/s (the faster)", 4.8: "4.8 cm/s (the slower)"}
FRAMES_PER_S = 12
BESIDE_METERS = 60
"""Columns that labels, figures and words beside the bars need."""


@dataclass(frozen=True)
class Cables:
    """Numbers, from 1 as on the box, of the interface's outputs and inputs, in the order of the stimulus' channels."""

    interface: str
    outputs: Sequence[int]
    inputs: Sequence[int]


class Person:
    """Works a deck by hand.

    Parameters
    ----------
    talk : Conversation
        Where the person is spoken to.
    cables : Cables
        What goes where.
    sheet : CueSheet
        A stimulus, for its channels.
    manifest : SessionManifest
        What deck, tape and speed it is for.
    passes : int
        Play passes in each position of the dbx switch.
    loop : bool
        There is no tape in between.
    over : bool
        Each recording is made over the one before it.
    begun : bool
        An earlier run made a recording, or part of one.
    """

    def __init__(
        self,
        talk: Conversation,
        cables: Cables,
        sheet: CueSheet,
        manifest: SessionManifest,
        passes: int,
        *,
        loop: bool,
        over: bool = False,
        begun: bool = False,
    ) -> None:
        self._talk = talk
        self._cables = cables
        self._channels = sheet.channels
        self._manifest = manifest
        self._passes = passes
        self._loop = loop
        self._over = over
        self._begun = begun
        self._dbx: bool | None = None
        self._rolling = self._playing = self._level_is_set = False
        self._next = self._on_tape = ""
        """Stimulus that is to be recorded, and the one that this person recorded last."""

    @property
    def _sync(self) -> bool:
        """The pilot stays out of the dbx on track 4, in the position SYNC."""
        return any(channel.role == "pilot" and channel.track == 4 for channel in self._channels)

    def prepare(self, duration_s: float, records: int, plays: int) -> None:
        """Say what is to come, and have cables and panel put right."""
        if not records + plays:
            return
        self._talk.step(
            "What is to come", self._outlook(duration_s, records, plays), "Press Enter to begin, Ctrl-C to leave."
        )
        self._talk.step(
            f"Cables (everything turned down, direct monitoring of '{self._cables.interface}' off)", self._wires()
        )
        if not self._loop:
            self._talk.step("The panel", self._panel(recording=records > 0))

    def set_dbx(self, *, recording: bool, on: bool) -> None:
        """Have the dbx switch set, where it may stand otherwise."""
        if self._loop or on == self._dbx:
            return
        self._dbx = on
        if not self._talk.asking:
            self._talk.say(f"dbx from here on: {'on' if on else 'off'}")
        position = ("SYNC (track 4, the pilot, stays without)" if self._sync else "ON") if on else "OFF"
        self._talk.step(f"dbx {'for recording' if recording else 'for playing'}", [f"Set the dbx switch to {position}."])

    def set_level(self, sheet: CueSheet, listen: Listen) -> None:
        """Play 1 kHz at 0 dB with meters of what comes back, until Enter is pressed."""
        self._next = sheet.stimulus
        if self._level_is_set or not self._talk.asking:
            return
        zone = level_zone(sheet)
        while True:
            self._talk.step("Levels", self._level_lines(zone), "Press Enter for the tone and the meters.")
            meter = Meter(sheet.sample_rate, len(self._cables.inputs))
            tone = LevelTone(sheet.sample_rate, len(self._channels), 10.0 ** (sheet.reference_dbfs / 20.0))
            self._watch(listen, tone, meter, zone)
            wrong = [
                f"{label}: {reading.held_dbfs:.1f} dBFS, {verdict(reading, zone)[0]}"
                for label, reading in zip(self._labels(), meter.readings(), strict=True)
                if reading.clips or not zone.holds(reading.held_dbfs)
            ]
            wrong += self._crossed(tone)
            for line in wrong:
                self._talk.say(line, "yellow")
            if not wrong or self._talk.choose("Levels?", {"s": "set again", "g": "go on as it is"}, "s") == "g":
                break
        self._level_is_set = True

    def has_tape(self, stimulus: str) -> bool:
        """Ask whether what an earlier run recorded is still on the tape."""
        if self._on_tape != stimulus and self._talk.asking:
            question = "The record pass was made before. Is that recording still on the cassette in the deck?"
            if self._talk.choose(question, {"y": "yes", "n": "no, record it again"}, "y") == "n":
                return False
        self._on_tape = stimulus
        return True

    def arm(self, tracks: Sequence[int]) -> None:
        """Have the tape started, recording."""
        if self._loop:
            return
        self._rolling, self._playing = True, False
        if self._over and (self._begun or self._on_tape):
            wind = "Rewind to 0000 on the same cassette, so that the new recording covers the one before it."
        elif self._on_tape:
            wind = "Rewind to 0000, so that the new recording covers the one before it (or take a fresh cassette)."
        else:
            wind = "Wind the tape some ten seconds past the leader and press RESET at the counter: recordings begin at 0000."
        self._talk.step(
            f"Record pass: {_tracks(tracks)}",
            [
                f"Set RECORD FUNCTION of {_tracks(tracks)} to DIRECT, of all others to SAFE.",
                wind,
                "Press RECORD and PLAY. When the tape has run for two or three seconds, go on.",
            ],
            "Press Enter while the tape is recording.",
        )
        self._on_tape = self._next

    def rewind(self) -> None:
        """Have the tape rewound."""
        self._talk.step(
            "Rewind",
            [
                "Rewind to the beginning of the recording (0000; RTZ does it); some seconds before it do no harm.",
                "Set RECORD FUNCTION of every track to SAFE, so that nothing is erased. Leave the pitch control alone.",
            ],
        )

    def play(self, tracks: Sequence[int], number: int) -> None:
        """Have the tape played."""
        self._rolling = self._playing = True
        self._talk.step(
            f"Play pass {number} of {self._passes}",
            ["The interface records from Enter on, and waits for the tape: it need not be quick."],
            "Press Enter, then PLAY.",
        )

    def stop(self) -> None:
        """Have the tape stopped."""
        if self._rolling and self._talk.asking:
            self._talk.say("Stop the tape.", "bold")
        self._rolling = False

    def judge(self, take: str, verification: Verification) -> Verdict:
        """Show what was seen in a pass and ask what to make of it."""
        talk = self._talk
        talk.say(f"{take}: {verification.summary}", "" if verification.fit else "bold red")
        for finding in verification.findings:
            if finding.weight is Weight.REFUSAL and not talk.asking:
                continue  # it is told as the reason why the capture ends
            talk.say(finding.text, {Weight.NOTE: "", Weight.DOUBT: "yellow", Weight.REFUSAL: "red"}[finding.weight], 2)
        if not talk.asking:
            return automatic(verification)
        choices = {"a": "accept", "r": "repeat", "n": "new recording", "b": "break off"}
        if not verification.fit:
            del choices["a"]
        if not self._playing:
            del choices["n"]
        default = "r" if verification.doubtful else "a"
        chosen = talk.choose("This pass?", choices, default)
        return {"a": Verdict.ACCEPT, "r": Verdict.REPEAT, "n": Verdict.RECORD_AGAIN, "b": Verdict.ABORT}[chosen]

    # What is said.

    def _outlook(self, duration_s: float, records: int, plays: int) -> list[str]:
        each = f"{int(duration_s // 60)}:{int(duration_s % 60):02d} min"
        if self._loop:
            return [f"{_counted(plays, 'pass')} of {each}: the stimulus is played and what comes back is recorded."]
        parts = [_counted(records, "record pass")] if records else []
        return [
            f"{' and '.join([*parts, _counted(plays, 'play pass')])} of {each}, with a rewind before every play pass.",
            f"It takes about {round((records + plays) * (duration_s + 60.0) / 60.0)} min. What is recorded stays if you leave"
            " with Ctrl-C; the same command goes on where it stopped.",
        ]

    def _wires(self) -> list[str]:
        sent = zip(self._cables.outputs, self._channels, strict=True)
        back = zip(self._cables.inputs, self._channels, strict=True)
        if self._loop:
            return [
                *(f"output {o} to the input of channel {c.track} ({c.role})" for o, c in sent),
                *(f"the output of channel {c.track} to input {i}" for i, c in back),
            ]
        return [
            *(f"output {o} to MIC/LINE IN of channel {c.track} ({c.role})" for o, c in sent),
            *(f"TAPE OUT {c.track} to input {i}" for i, c in back),
            "A deck without TAPE OUT: use LINE OUT L and R, and for the play passes set those channels to TAPE, PAN to the side.",
        ]

    def _panel(self, *, recording: bool) -> list[str]:
        manifest = self._manifest
        tracks = _tracks([channel.track for channel in self._channels])
        speed = SPEED_NAMES.get(manifest.speed_cm_s, f"{manifest.speed_cm_s:g} cm/s")
        if not recording:
            return [
                "RECORD FUNCTION of every track to SAFE. Gains of deck and interface as they were for the passes before.",
                f"Tape speed {speed}. PITCH CONTROL in its detent. The cassette with the recording of this session.",
            ]
        return [
            f"Input switch of {tracks.replace('track', 'channel')} to MIC/LINE, EQ flat, EFFECT sends at zero.",
            f"RECORD FUNCTION of {tracks} to DIRECT (then the channel's own fader sets the level; with BUSS it is the master).",
            f"Tape speed {speed}. PITCH CONTROL in its detent.",
            f"Cassette: Type II (chrome){f', {manifest.tape}' if manifest.tape else ''}, its tabs in place; heads clean.",
        ]

    def _level_lines(self, zone: Zone) -> list[str]:
        lines = [
            "A tone of 1 kHz is played: on one output after the other, then on all, at the level that should read 0 VU."
        ]
        if not self._loop:
            lines.append("On the deck: turn TRIM, with the fader at its mark, until the meter of each track stands at 0.")
        return [
            *lines,
            f"On the interface: turn the gain of each input until its bar ends in the green zone, {zone.low_dbfs:g} to"
            f" {zone.high_dbfs:g} dBFS, and leave it there for good.",
        ]

    def _labels(self) -> list[str]:
        return [
            f"input {number} (track {channel.track})"
            for number, channel in zip(self._cables.inputs, self._channels, strict=True)
        ]

    def _watch(self, listen: Listen, tone: LevelTone, meter: Meter, zone: Zone) -> None:
        """Play the tone and draw the meters until Enter is pressed."""
        pressed = Event()

        left = Event()

        def wait() -> None:
            try:
                input()
            except EOFError:
                left.set()
            pressed.set()

        def picture() -> Group:
            lines = [Text(line) for line in self._level_lines(zone)]
            meters = drawn(meter.readings(), self._labels(), zone, self._talk.console.width - BESIDE_METERS)
            return Group(*lines, Text(), meters, Text(), Text("Press Enter when the levels are right.", style="cyan"))

        def sink(block: np.ndarray) -> None:
            tone.hear(block)
            meter.hear(block)

        self._talk.pause()
        with Live(get_renderable=picture, console=self._talk.console, refresh_per_second=FRAMES_PER_S, screen=True):
            Thread(target=wait, daemon=True).start()
            listen(tone, sink, pressed.is_set)
        if left.is_set():
            raise KeyboardInterrupt

    def _crossed(self, tone: LevelTone) -> list[str]:
        """What to do about outputs that come back at another's input."""
        outputs, inputs = self._cables.outputs, self._cables.inputs
        return [
            f"what output {outputs[sent]} plays comes back at input {inputs[returned]}, not at input {inputs[sent]}:"
            " change the cables, here or at the deck"
            for sent, returned in enumerate(tone.loudest_input())
            if returned is not None and returned != sent
        ]


def level_zone(sheet: CueSheet) -> Zone:
    """Where the returned reference tone ought to lie, so that the loudest of the stimulus stays below full scale."""
    loudest_db = max((cue.level_db for cue in sheet.cues if cue.level_db is not None), default=0.0)
    high = -HEADROOM_DB - max(loudest_db, 0.0)
    return Zone(high - ZONE_DB, high)


def _tracks(tracks: Sequence[int]) -> str:
    numbers = [str(track) for track in sorted(tracks)]
    return f"track {numbers[0]}" if len(numbers) == 1 else f"tracks {', '.join(numbers[:-1])} and {numbers[-1]}"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}es"
