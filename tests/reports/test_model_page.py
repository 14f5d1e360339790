"""The page of a model: what its card says, and no more."""

from modeling.card import Card, Seconds, SettingCard, Source
from modeling.evaluation import Evaluation
from modeling.generators.trial import Trial
from reports.subjects.model import card_page

CARD = Card(
    name="evening",
    created="2025-11-21T20:14:05+00:00",
    tool_version="0.1.0",
    core="hammerstein",
    core_settings={},
    sample_rate=48000,
    reference_dbfs=-18.0,
    look_ahead_samples=0,
    sources=[Source(session="s", take="play-1", track=2, conditions={"dbx": "off"}, files={"stimuli/main.wav": "c" * 64})],
    seconds=Seconds(train=60.0, validation=16.0, test=30.0),
    split="by piece of music",
    evaluation=None,
    trained=True,
    training={"seed": 7, "minutes": 1.0, "fit_s": 12.345},
    transport_rms_percent=None,
    noise_dbfs=None,
    weights_sha256="a" * 64,
    log_sha256="b" * 64,
    limits=["Louder than +5 dB is a guess."],
)


def test_a_card_is_told_whole():
    page = card_page(CARD)
    (material,) = page.blocks
    assert material.rows == [["play-1", "2", "dbx off"]]
    assert "60" in material.caption
    said = dict(page.missing)
    assert said["Limits"] == "Louder than +5 dB is a guess."
    assert said["Training"] == "seed 7, minutes allowed 1, seconds taken 12.3."
    for letter in "abc":
        assert letter * 64 in said["SHA-256"]
    assert page.lead == ""


def test_takes_of_several_sessions_are_told_apart():
    (source,) = CARD.sources
    two = [source.model_copy(update={"session": name}) for name in ("spring", "autumn")]
    (material,) = card_page(CARD.model_copy(update={"sources": two})).blocks
    assert material.rows == [["spring", "play-1", "2", "dbx off"], ["autumn", "play-1", "2", "dbx off"]]
    assert material.columns[0] == "Session"


def test_an_old_card_says_what_it_can():
    old = CARD.model_copy(update={"limits": [], "log_sha256": None, "training": {}, "sources": []})
    page = card_page(old)
    assert dict(page.missing) == {"SHA-256": f"model.safetensors {'a' * 64}."}


def test_each_setting_has_its_errors_its_generators_and_its_limits():
    def setting(speed_cm_s, esr, hiss_dbfs):
        error = Evaluation(seconds=10.0, esr=esr, emphasised_esr=esr, baseline_esr=10 * esr, floor_esr=esr / 10)
        shared = {"core_settings": {}, "reference_dbfs": -18.0, "look_ahead_samples": 0, "sources": [0], "trained": True}
        return SettingCard(
            values={"speed_cm_s": speed_cm_s},
            seconds=CARD.seconds,
            evaluation=error,
            transport_rms_percent=0.0712,
            noise_dbfs=hiss_dbfs,
            generators=[Trial(of="noise", kind="parametric", used=True, recommended=True, test=None)],
            limits=[f"Learnt at {speed_cm_s}."],
            **shared,
        )

    card = CARD.model_copy(update={"settings": [setting(9.5, 1.2e-4, -71.0), setting(4.8, 3.4e-4, -66.5)], "limits": []})
    page = card_page(card)
    _, settings, generators = page.blocks
    assert [str(row[0]) for row in settings.rows] == ["9.5\N{NARROW NO-BREAK SPACE}cm/s", "4.8\N{NARROW NO-BREAK SPACE}cm/s"]
    assert [[cell.whole + cell.fraction for cell in row[1:]] for row in settings.rows][1] == [
        "0.00034",
        "0.0034",
        "3.4e-05",
        "0.071",
        "\N{MINUS SIGN}66.50",
    ]
    assert [row[0] for row in generators.rows] == [f"Noise, parametric, {row[0]}" for row in settings.rows]
    assert [text for head, text in page.missing if head.startswith("Limits at")] == ["Learnt at 9.5.", "Learnt at 4.8."]
