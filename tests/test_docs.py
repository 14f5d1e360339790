"""What the pages for users say is held against the program: commands, fields, excerpts, values and links."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer.main
from pydantic import BaseModel
from scipy.io import wavfile

import tape
from modeling.card import Card, Seconds, SettingCard, Source
from modeling.config import Config
from modeling.deck.parameters import DeckParameters, load_parameters
from modeling.evaluation import Evaluation, PieceError, ToneError
from modeling.held_out import HeldOut
from modeling.likeness import Likeness
from modeling.pace import Pace
from modeling.snapshot import Segment, Snapshot
from reports.evaluation.document import ModelEvaluation
from reports.evaluation.goals import Deviation, Goal
from sessions.calibration import Calibration
from sessions.manifest import FileRecord, Interface, SessionManifest, SourceFile, StimulusRecord, TakeRecord, Wiring
from sessions.results import Axis, Curve, Measurements, Result
from signals.cues import Channel, Cue, CueSheet

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
FORMATS = "".join((ROOT / f"docs/{page}-format.md").read_text(encoding="utf-8") for page in ("session", "model"))
DECK_PAGES = "".join(
    page.read_text(encoding="utf-8") for page in (*sorted(ROOT.glob("docs/virtual-deck*.md")), ROOT / "docs/hysteresis.md")
)
ON_DISK: tuple[type[BaseModel], ...] = (
    SessionManifest, Wiring, Interface, StimulusRecord, FileRecord, TakeRecord, SourceFile, CueSheet, Channel, Cue,
    Measurements, Result, Curve, Axis, Calibration, Card, SettingCard, Source, Seconds, Evaluation, PieceError, ToneError,
    ModelEvaluation, Goal, Deviation, HeldOut, Likeness, Pace, Config, Snapshot, Segment,
)  # fmt: skip


def blocks(page: Path, language: str) -> list[str]:
    """Code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def commands() -> list[tuple[str, str]]:
    """Every line of every shell block, with the name of its page; the comments of the example deck show commands too."""
    lines = [
        (p.name, line) for p in PAGES for kind in ("sh", "powershell") for b in blocks(p, kind) for line in b.splitlines()
    ]
    deck = (ROOT / "examples/dusty.toml").read_text(encoding="utf-8")
    return [*lines, *(("dusty.toml", line) for line in re.findall(r"^#     (.*)", deck, re.MULTILINE))]


def code(text: str) -> set[str]:
    """Everything in backticks outside code blocks, quantities after a dot apart."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return set(re.findall(r"`([^`\n]+)`", prose))


@pytest.mark.parametrize(("page", "line"), commands())
def test_every_command_shown_is_one_that_the_program_understands(page: str, line: str) -> None:
    words = shlex.split(line.replace("\\", "/"))
    program, arguments = words[0], words[1:]
    if program == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        assert next(w for w in arguments if "=" not in w) in targets
        assert all(w.split("=")[0] == "PIP_ARGS" for w in arguments if "=" in w)
    elif Path(program).name == "tape":
        known: dict[str, Any] = typer.main.get_command(tape.app).commands  # type: ignore[attr-defined]
        assert arguments[0] in known, f"{page}: there is no command {arguments[0]}"
        known[arguments[0]].make_context(arguments[0], arguments[1:])  # raises on an option that is not there
    else:
        assert Path(program).name in {"pipx", "py", "pip"}


def test_readme_shows_commands_at_all() -> None:
    shown = {shlex.split(line)[1] for page, line in commands() if page == "README.md" and line.startswith("tape ")}
    assert shown >= {"stimulus", "import", "measure", "check", "train", "evaluate", "render", "report"}


@pytest.mark.parametrize("model", ON_DISK)
def test_every_field_on_disk_is_named_on_the_page_of_formats(model: type[BaseModel]) -> None:
    missing = set(model.model_fields) - code(FORMATS)
    assert not missing, f"docs/session-format.md does not name {sorted(missing)} of {model.__name__}"


def test_excerpts_are_documents_that_the_program_reads() -> None:
    models = {model.__name__: model for model in ON_DISK}
    excerpts = re.findall(r"^```json (\w+)\n(.*?)^```", FORMATS, re.MULTILINE | re.DOTALL)
    assert {name for name, _ in excerpts} >= {"SessionManifest", "TakeRecord", "CueSheet", "Result", "Curve", "Evaluation"}
    for name, text in excerpts:
        read = models[name].model_validate_json(text)
        assert set(json.loads(text)) == set(read.model_dump()), f"the excerpt of {name} leaves fields out"


def test_every_parameter_of_the_virtual_deck_stands_in_its_table() -> None:
    fresh, worn = load_parameters("fresh"), load_parameters("worn")
    seen = set()
    for section, rows in re.findall(
        r"^### \[(\w+)\](?: and \[\w+\])?\n(.*?)(?=^###|\Z)", DECK_PAGES, re.MULTILINE | re.DOTALL
    ):
        for key, first, second in re.findall(r"^\| `([\w.]+)` \| ([^|]*) \| ([^|]*) \|", rows, re.MULTILINE):
            one = value(fresh, f"{section}.{key}")
            other = value(fresh, f"alignment_4_8.{key}") if section == "alignment_9_5" else value(worn, f"{section}.{key}")
            assert first.strip() == shown(one), f"{section}.{key} of fresh"
            assert second.strip() in {shown(other), "" if other == one else None}, f"{section}.{key}, second column"
            seen.add(f"{section}.{key}")
    assert seen == {k for k in leaves(fresh.model_dump()) if "." in k and not k.startswith("alignment_4_8")}


def value(deck: DeckParameters, key: str) -> Any:
    """A parameter by its dotted name."""
    found: Any = deck
    for part in key.split("."):
        found = getattr(found, part)
    return found


def shown(parameter: Any) -> str:
    """A parameter as the table prints it."""
    if parameter is None:
        return "none"
    if isinstance(parameter, str):
        return parameter
    return " ".join(f"{v:g}" for v in parameter) if isinstance(parameter, tuple) else f"{parameter:g}"


def leaves(tree: dict[str, Any], stem: str = "") -> set[str]:
    """Dotted names of all values."""
    found = set()
    for key, inner in tree.items():
        found |= leaves(inner, f"{stem}{key}.") if isinstance(inner, dict) else {stem + key}
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_pages_stay_short(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        assert target.startswith("http") or (page.parent / target).exists(), f"{page.name}: {target}"
    assert len(text.splitlines()) <= 250


def test_files_named_in_the_methods_are_there() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("methods*.md"))
    named = re.findall(r"(?:signals|analysis|modeling)/\w+\.py", text)
    assert named
    assert all((ROOT / name).is_file() for name in named)


def test_the_example_deck_differs_from_its_preset_as_it_says() -> None:
    deck, fresh = load_parameters(str(ROOT / "examples/dusty.toml")), load_parameters("fresh")
    assert (deck.name, deck.replay_head.spacing_um, deck.electronics) == ("dusty", 1.0, fresh.electronics)
    assert re.findall(r"\d\.\d Hz at 9.5", (ROOT / "examples/dusty.toml").read_text(encoding="utf-8")) == ["2.5 Hz at 9.5"]
    assert deck.speed_um_s / (3.14159265 * 1000.0 * deck.transport.pinch_mm) == pytest.approx(2.5, abs=0.05)


@pytest.mark.slow
def test_the_curves_of_the_virtual_deck_are_drawn_anew_and_its_page_says_what_they_say(tmp_path: Path) -> None:
    script = [sys.executable, str(ROOT / "docs/figures/virtual_deck.py"), str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(script, capture_output=True, encoding="utf-8", check=True, env=environment)
    page = (ROOT / "docs/virtual-deck-curves.md").read_text(encoding="utf-8")
    rows = [line for line in done.stdout.splitlines() if line.startswith("|")]
    assert len(rows) > 40
    assert [row for row in rows if row not in page] == []
    drawn = {path.name for path in tmp_path.iterdir()}
    assert drawn == {path.name for path in (ROOT / "docs/figures").glob("*.svg")}
    assert drawn == set(re.findall(r"\(figures/(\w+\.svg)\)", page))


def test_the_example_script_prints_and_plots_a_response(tmp_path: Path) -> None:
    curve = Curve(
        quantity="frequency_response",
        conditions={"track": 1, "pass": 2, "level_db": -20.0},
        method="by hand",
        x=Axis(name="frequency", unit="Hz", values=[20.0, 40.0, 1000.0, 10_000.0]),
        y=Axis(name="magnitude", unit="dB", values=[-6.0, -2.5, 0.5, -3.0]),
    )
    file = tmp_path / "measurements.json"
    file.write_text(Measurements(
        session="0", tool_version="0", created="now", results=[], curves=[curve]
    ).model_dump_json())  # fmt: skip
    picture = tmp_path / "response.png"
    script = [sys.executable, str(ROOT / "examples/response.py"), str(file)]
    done = subprocess.run([*script, str(picture)], capture_output=True, text=True, check=True)
    rows = dict(line.split(maxsplit=1) for line in done.stdout.splitlines()[1:])
    assert (rows["40"], rows["1000"], rows["10000"], rows["16000"]) == ("-3.00", "+0.00", "-3.50", "-")  # re 1 kHz
    assert picture.read_bytes().startswith(b"\x89PNG")
    file.write_text('{"results": [], "curves": []}')
    refused = subprocess.run(script, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "no frequency response" in refused.stderr


def test_the_keys_of_the_virtual_deck_are_heard(tmp_path: Path) -> None:
    script = [sys.executable, str(ROOT / "examples/keys.py"), str(tmp_path)]
    done = subprocess.run(script, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert {line.split(",")[0] for line in done.stdout.splitlines()} == {path.name for path in tmp_path.iterdir()}
    rate, stopped = wavfile.read(tmp_path / "stop.wav")
    assert not stopped[-rate:].any()
    level = [np.std(stopped[start : start + rate // 10, 0]) for start in (round(0.7 * rate), round(1.6 * rate))]
    assert level[0] > level[1] > 0.1 * level[0]  # running, and just before it stands after 0.8 s
    _, overdub = wavfile.read(tmp_path / "overdub.wav")
    assert np.std(overdub[rate:], axis=0).min() < 0.1 * np.sort(np.std(overdub[rate:], axis=0))[1]
