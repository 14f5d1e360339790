import pytest

from modeling.deck.parameters import load_parameters
from signals.errors import ModelError


def test_presets_load_and_worn_changes_only_what_it_names():
    fresh, worn = load_parameters("fresh"), load_parameters("worn")
    assert (fresh.name, worn.name) == ("fresh", "worn")
    assert worn.tape.hiss_dba == -50.0
    assert worn.tape.coercivity_ka_m == fresh.tape.coercivity_ka_m


def test_presets_go_from_bad_to_worse():
    fresh, typical, worn, neglected = (load_parameters(name) for name in ("fresh", "typical", "worn", "neglected"))
    assert not any(
        value
        for key, value in fresh.faults.model_dump().items()
        if not key.startswith(("dropout_", "stretch_at", "stretch_l"))
    )
    for better, worse in ((fresh, typical), (typical, worn)):
        assert worse.electronics.noise_dba > better.electronics.noise_dba
        assert worse.tape.hiss_dba > better.tape.hiss_dba
        assert worse.replay_head_now.spacing_um > better.replay_head_now.spacing_um
        assert worse.transport.pinch_percent > better.transport.pinch_percent
    assert neglected.replay_head == worn.replay_head
    assert neglected.replay_head_now.spacing_um > worn.replay_head_now.spacing_um
    assert neglected.faults.dropouts_per_minute > typical.faults.dropouts_per_minute


def test_file_extends_fresh_by_default_and_a_named_preset_on_request(tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text("speed_cm_s = 4.8\n[tape]\nhiss_dba = -40\n")
    deck = load_parameters(str(mine))
    assert (deck.name, deck.speed_cm_s, deck.tape.hiss_dba) == ("mine", 4.8, -40.0)
    assert deck.speed_um_s == 47625.0
    assert deck.alignment.replay_us == 70.0
    mine.write_text('extends = "worn"\n')
    assert load_parameters(str(mine)).replay_head == load_parameters("worn").replay_head


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[tape]\nhiss_dba = 3\n", ["tape.hiss_dba", "3", "-10"]),
        ("[transport]\nwobble = 1\n", ["unknown key", "transport.wobble"]),
        ("[transport]\npinch_percent = 'much'\n", ["transport.pinch_percent", "much"]),
        ("speed_cm_s = 19.0\n", ["speed_cm_s", "19.0", "9.5 or 4.8"]),
        ("[tracks]\ngain_db = [0.0, 0.0]\n", ["tracks.gain_db"]),
        ("[tape\n", ["not TOML", "line 1"]),
        ('extends = "new"\n', ["new", "fresh", "worn"]),
    ],
)
def test_errors_are_one_line_that_names_key_value_and_limit(tmp_path, text, parts):
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(ModelError) as caught:
        load_parameters(str(path))
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message


def test_missing_preset_names_those_there_are():
    with pytest.raises(ModelError, match=r"fresh, hysteresis, neglected, type1-wrong-tape, typical, worn"):
        load_parameters("brandnew")


def test_changed_sets_nested_values_and_checks_them():
    deck = load_parameters("fresh").changed({"speed_cm_s": 4.8, "transport.pinch_percent": 0.5})
    assert (deck.speed_cm_s, deck.transport.pinch_percent) == (4.8, 0.5)
    assert deck.transport.capstan_percent == load_parameters("fresh").transport.capstan_percent
    with pytest.raises(ModelError, match=r"transport\.pinch_percent = 50"):
        deck.changed({"transport.pinch_percent": 50})
