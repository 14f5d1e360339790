"""The styles: what each has to choose from."""

from signals.music.accompaniment import ChordManner
from signals.music.melody import LeadManner
from signals.music.rhythm_section import BassManner, Kit
from signals.music.style import Section, Style

_ROCK = Kit(
    grooves={
        4: (
            (("kick", "X.....o.X.o....-"), ("snare", "....X..-.-..X..-"), ("closed hat", "X-x-X-x-X-x-X-x-")),
            (("kick", "X..o....x.X....."), ("snare", "....X.-.....X.-."), ("ride", "X.x.X.xoX.x.X.xo")),
            (
                ("kick", "X...x...X...x..o"),
                ("snare", "....X.......X..-"),
                ("open hat", "..o...o...o...x."),
                ("closed hat", "X...X...X...X..."),
            ),
        ),
        3: ((("kick", "X.....o....."), ("snare", "....x..-x..-"), ("ride", "X.x.X.x.X.xo")),),
    },
    downbeat=("kick", "crash"),
    fill=(("snare", 54.0), ("tom", 50.0), ("tom", 46.0), ("tom", 40.0)),
    sizes={"kick": 33.0, "snare": 54.0},
)
_MACHINE = Kit(
    grooves={
        4: (
            (
                ("kick", "X..o..x...X..o.."),
                ("clap", "....X.......X..."),
                ("snare", ".......-.-.....-"),
                ("closed hat", "x-xxx-x-xoxxx-xo"),
            ),
            (
                ("kick", "X......o..x....o"),
                ("snare", "........X......-"),
                ("rim", "...o..-....o..-."),
                ("closed hat", "x.xox.xxx.xox.xx"),
                ("open hat", "..............o."),
            ),
            (
                ("kick", "X...X...X...X..."),
                ("clap", "....X.......X..-"),
                ("open hat", "..X...X...X...X."),
                ("shaker", "xoxoxoxoxoxoxoxo"),
            ),
        ),
    },
    downbeat=("kick", "crash"),
    fill=(("rim", 60.0), ("snare", 56.0), ("tom", 45.0), ("snare", 54.0)),
    sizes={"kick": 29.0, "snare": 56.0},
)
_HAND = Kit(
    grooves={
        4: (
            (("shaker", "x-x-x-x-x-x-x-xo"), ("tom", "X.........o.-..."), ("rim", "....-..o....-...")),
            (("tambourine", "..o.x...-.o.x..."), ("tom", "X.....-.o......."), ("triangle", "x.......o.......")),
        ),
        3: (
            (("shaker", "x.o.x-o.x.o-"), ("tom", "X.......-..."), ("triangle", "x.....o.....")),
            (("tambourine", "....x.-.x.o."), ("tom", "X.....-....."), ("triangle", "..o.....o...")),
        ),
    },
    downbeat=("triangle",),
    fill=(("tom", 50.0), ("tom", 45.0), ("tom", 41.0)),
    sizes={"tom": 40.0, "triangle": 86.0},
)

_FINGER = BassManner(
    "bass", 28, 50, ((0.0, 1.5, 2.0, 3.5), (0.0, 0.75, 2.0, 2.75, 3.5), (0.0, 1.0, 2.0, 3.0), (0.0, 2.5, 3.0, 3.5)), 0.9
)
_UPRIGHT = BassManner("double bass", 28, 50, ((0.0, 2.0, 3.5), (0.0, 1.0, 2.0, 3.0), (0.0, 1.5, 2.0), (0.0, 2.0)), 1.0)
_SUB = BassManner(
    "synth bass", 28, 45, ((0.0, 0.75, 2.5), (0.0, 1.75, 2.5, 3.75), (0.0, 0.5, 1.5, 2.5, 3.0), (0.0, 2.75)), 0.85
)

_TENOR = LeadManner("tenor", 48, 67, 2.2)
_ALTO = LeadManner("alto", 57, 74, 2.2)
_HIGH = (LeadManner("glockenspiel", 84, 108, 2.4), LeadManner("celesta", 79, 103, 2.2))
_LOW = (LeadManner("bass", 28, 50, 2.6), LeadManner("double bass", 28, 52, 2.2))

BAND = Style(
    tempo_bpm=(88.0, 132.0),
    beats=(4, 4, 4, 3),
    swing=(0.0, 0.09),
    swung=1.0,
    rubato=0.012,
    progressions={
        "major": ("I V vi IV", "I iii7 IV V7sus4", "vi7 IV I V", "I vi7 ii7 V7", "Iadd9 bVII IV I"),
        "minor": ("i bVI bIII bVII", "i7 iv7 bVII bIII", "i bVII bVI V7", "i7 iv7 i7 V7"),
        "mixolydian": ("I bVII IV I", "I7 IV7 I7 V7sus4"),
    },
    kits=(_ROCK,),
    basses=(_FINGER,),
    chords=(
        ChordManner("steel", 60, 5, "strummed"),
        ChordManner("steel", 62, 4, "broken"),
        ChordManner("electric piano", 60, 4, "stabs"),
    ),
    pads=(ChordManner("organ", 62, 4, "held"), ChordManner("electric piano", 62, 4, "held")),
    leads=(_TENOR, _ALTO, _ALTO, LeadManner("steel", 57, 81, 2.8)),
    forms=(
        (
            Section("mid", 2, (0.62, 0.78)),
            Section("drums bass chords lead", 4, (0.72, 0.8)),
            Section("drums bass chords pad lead", 2, (0.8, 0.96), stop=True),
            Section("drums bass chords pad lead", 4, (0.97, 1.0)),
            Section("high chimes", 3, (0.85, 0.75)),
            Section("chords pad lead", 2, (0.84, 0.42)),
        ),
        (
            Section("low", 2, (0.74, 0.84)),
            Section("drums bass chords", 2, (0.72, 0.82)),
            Section("drums bass chords lead", 4, (0.84, 0.95), stop=True),
            Section("mid", 2, (0.72, 0.84)),
            Section("drums bass chords pad lead", 4, (0.95, 1.0)),
            Section("chords bass lead", 2, (0.84, 0.42)),
        ),
    ),
    low=_LOW,
    mid=(LeadManner("steel", 52, 84, 2.8), LeadManner("electric piano", 55, 91, 2.8)),
    high=_HIGH,
)
CHAMBER = Style(
    tempo_bpm=(60.0, 92.0),
    beats=(3, 4, 4),
    swing=(0.0, 0.03),
    swung=1.0,
    rubato=0.03,
    progressions={
        "major": ("I V vi iii IV I IV V", "Imaj7 vi7 ii7 V7", "I IVadd9 ii V7", "I6 IVmaj7 iii7 vi7 ii7 V7"),
        "minor": ("i iv bVII bIII bVI iim7b5 V7 i", "i bVII bVI V", "i V7 bVI iv", "i v bVI bIII iv i iim7b5 V7"),
        "dorian": ("i7 IV i7 bVII", "iadd9 bIII IV i"),
    },
    kits=(_HAND,),
    basses=(_UPRIGHT,),
    chords=(
        ChordManner("nylon", 60, 4, "broken"),
        ChordManner("harpsichord", 62, 4, "broken"),
        ChordManner("nylon", 60, 4, "broken", 1 / 3),
    ),
    pads=(ChordManner("organ", 60, 4, "held"), ChordManner("celesta", 78, 3, "broken", 1.0)),
    leads=(_ALTO, _TENOR, _ALTO, LeadManner("nylon", 60, 86, 2.6)),
    forms=(
        (
            Section("mid", 2, (0.55, 0.72)),
            Section("bass chords lead", 3, (0.66, 0.8)),
            Section("drums bass chords pad lead", 4, (0.84, 1.0), stop=True),
            Section("high chimes", 3, (0.82, 0.7)),
            Section("drums bass chords lead", 3, (0.8, 0.98)),
            Section("chords lead", 2, (0.8, 0.42)),
        ),
        (
            Section("low", 2, (0.66, 0.8)),
            Section("drums bass chords", 2, (0.7, 0.85)),
            Section("lead", 1, (0.7, 0.78)),
            Section("drums bass chords pad lead", 4, (0.86, 1.0), stop=True),
            Section("mid chimes", 3, (0.74, 0.84)),
            Section("chords bass", 2, (0.82, 0.42)),
        ),
    ),
    low=_LOW,
    mid=(LeadManner("nylon", 48, 84, 2.6), LeadManner("harpsichord", 52, 86, 3.0)),
    high=_HIGH,
)
BEAT = Style(
    tempo_bpm=(76.0, 124.0),
    beats=(4,),
    swing=(0.0, 0.14),
    swung=0.5,
    rubato=0.006,
    progressions={
        "minor": ("i7 bVImaj7 iv7 v7", "i9 iv9", "i7 bVII bVImaj7 bVII", "i9 bIIImaj7 bVImaj7 V7"),
        "dorian": ("i9 IV9", "i7 ii7 bIIImaj7 IV7"),
        "major": ("ii9 V9 Imaj9 vi9", "IVmaj7 iii7 ii7 Imaj7", "Imaj9 vi9 ii9 V9"),
    },
    kits=(_MACHINE,),
    basses=(_SUB, _SUB, _FINGER),
    chords=(
        ChordManner("electric piano", 62, 4, "stabs"),
        ChordManner("steel", 67, 3, "broken", 0.25),
        ChordManner("organ", 64, 4, "stabs"),
    ),
    pads=(ChordManner("electric piano", 64, 4, "held"), ChordManner("organ", 62, 4, "held")),
    leads=(_ALTO, _ALTO, LeadManner("celesta", 72, 93, 2.8), LeadManner("electric piano", 67, 91, 3.2)),
    forms=(
        (
            Section("chords", 2, (0.5, 0.72)),
            Section("drums bass", 2, (0.82, 0.88)),
            Section("drums bass chords lead", 4, (0.88, 0.98), stop=True),
            Section("drums bass chords pad lead", 4, (0.97, 1.0)),
            Section("mid chimes", 3, (0.72, 0.84)),
            Section("pad lead", 2, (0.82, 0.36)),
        ),
        (
            Section("drums", 2, (0.7, 0.85)),
            Section("drums bass chords", 4, (0.86, 0.94), stop=True),
            Section("low", 2, (0.74, 0.84)),
            Section("drums bass chords pad lead", 4, (0.94, 1.0)),
            Section("high chimes", 3, (0.8, 0.7)),
            Section("pad bass", 2, (0.82, 0.36)),
        ),
    ),
    low=(LeadManner("synth bass", 28, 48, 2.6), LeadManner("bass", 28, 50, 2.8)),
    mid=(LeadManner("electric piano", 50, 91, 2.8), LeadManner("alto", 57, 76, 2.4)),
    high=_HIGH,
)
SOLO = Style(
    tempo_bpm=(66.0, 116.0),
    beats=(4, 3),
    swing=(0.0, 0.06),
    swung=1.0,
    rubato=0.025,
    progressions=CHAMBER.progressions,
    kits=(_ROCK, _HAND),
    basses=(_UPRIGHT, _FINGER),
    chords=CHAMBER.chords,
    pads=BAND.pads,
    leads=(_ALTO, _TENOR),
    forms=(
        (
            Section("low", 3, (0.9, 1.0)),
            Section("mid", 3, (0.62, 0.85), stop=True),
            Section("high chimes", 3, (0.75, 0.65)),
            Section("lead", 3, (0.8, 0.95), stop=True),
            Section("drums", 2, (0.85, 1.0)),
            Section("chords", 2, (0.8, 0.4)),
        ),
        (
            Section("lead", 3, (0.7, 0.9), stop=True),
            Section("drums", 2, (0.85, 1.0)),
            Section("low", 3, (0.75, 1.0)),
            Section("pad", 2, (0.75, 0.85), stop=True),
            Section("mid chimes", 3, (0.8, 0.9)),
            Section("high", 2, (0.7, 0.42)),
        ),
    ),
    low=(*_LOW, LeadManner("synth bass", 28, 48, 2.4)),
    mid=(*BAND.mid, *CHAMBER.mid),
    high=_HIGH,
)
STYLES: dict[str, Style] = {"band": BAND, "chamber": CHAMBER, "beat": BEAT, "solo": SOLO}
