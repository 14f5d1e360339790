"""What every core owes, one inherited contract."""

import json
from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest
from scipy.signal import butter, lfilter

from modeling.compander import CompandedCore, Companding
from modeling.cores import core_class, names
from modeling.cores.core import Material, Run
from modeling.deck.parameters import load_parameters
from modeling.fidelity import esr_of
from modeling.model import Model, digest, load, save, weights_of
from signals.errors import ModelError
from tests.modeling.known_model import known

RATE = 48000


@pytest.fixture(scope="module")
def sound():
    rng = np.random.default_rng(2)
    return 0.2 * lfilter(*butter(1, 4000, fs=RATE), rng.standard_normal(70000))


def deviation(core, sound, sizes):
    """Largest difference between blocks of these sizes, joined, and the whole."""
    stream, ends = core.stream(), np.minimum(np.cumsum([0, *sizes]), sound.size)
    parts = [stream.push(sound[start:stop]) for start, stop in pairwise(ends)]
    joined, whole = np.concatenate([*parts, stream.flush()]), core.process(sound)
    assert joined.shape == whole.shape == sound.shape
    return np.max(np.abs(joined - whole))


class Conduct:
    """What all owe that run as a core does; inherited by a class that gives the fixture `fitted`."""

    exactness = 1e-9

    def test_silence_stays_silent(self, fitted):
        assert np.max(np.abs(fitted.process(np.zeros(20000)))) < 1e-9

    def test_output_is_as_long_as_input_down_to_nothing(self, fitted):
        for samples in (0, 1, 100, 5000):
            assert fitted.process(np.ones(samples)).shape == (samples,)

    def test_a_later_input_gives_the_same_output_later(self, fitted, sound):
        late = fitted.process(np.concatenate([np.zeros(1234), sound]))[1234:]
        assert np.max(np.abs(late - fitted.process(sound))) < max(self.exactness, 1e-6 * np.max(np.abs(late)))

    def test_blocks_of_64_equal_the_whole_within_1e_6(self, fitted, sound):
        assert deviation(fitted, sound, [64] * (sound.size // 64 + 1)) < 1e-6

    def test_blocks_of_any_size_equal_the_whole(self, fitted, sound):
        sizes = np.random.default_rng(3).integers(0, 9000, 40).tolist()
        assert sum(sizes) > sound.size
        assert deviation(fitted, sound, [0, 1, 2, *sizes]) < 1e-6

    def test_output_does_not_depend_on_input_beyond_the_look_ahead(self, fitted, sound):
        changed = sound.copy()
        changed[40000:] = 0.0
        until = 40000 - fitted.look_ahead_samples
        difference = np.abs(fitted.process(changed) - fitted.process(sound))
        assert np.max(difference[:until]) < 1e-7
        assert np.max(difference[until:]) > 1e-3


class Contract(Conduct):
    """Inherited by a class for each core, which gives `name`."""

    name: str

    @pytest.fixture
    def fitted(self, fitted_to):
        return fitted_to(self.name, "tape")

    def test_survives_a_round_trip_exactly(self, fitted, sound):
        again = core_class(self.name).from_arrays(fitted.to_arrays(), fitted.settings())
        assert np.array_equal(again.process(sound), fitted.process(sound))

    @pytest.mark.filterwarnings("ignore")
    def test_settings_that_it_cannot_have_are_refused_in_one_line(self, fitted, tmp_path):
        model = known("odd", taps=(1.0,))
        card = model.card.model_copy(update={"core": self.name, "weights_sha256": digest(weights_of(fitted, None, None))})
        save(Model(card, fitted, None, None), tmp_path / "model")
        whole = json.loads((tmp_path / "model/model.json").read_bytes())
        said = []
        for name, odd in product(fitted.settings(), (0, -1, -1e12, 1e308, None, "x", [])):
            changed = {**whole, "core_settings": {**fitted.settings(), name: odd}}
            (tmp_path / "model/model.json").write_text(json.dumps(changed))
            try:
                load(tmp_path / "model")
            except ModelError as error:
                said.append(str(error))
        assert said
        assert all("restore it from a copy" in line and "\n" not in line for line in said)

    def test_learns_a_linear_system_to_60_db(self, fitted_to, band_pass_material):
        core = fitted_to(self.name, "band-pass")
        assert 10 * np.log10(esr_of(core.process, band_pass_material.validation)) < -60

    def test_refuses_material_in_which_nothing_was_sent(self, band_pass_material):
        silent = [replace(pair, dry=np.zeros_like(pair.dry)) for pair in band_pass_material.train]
        with pytest.raises(ModelError, match="silent"):
            core_class(self.name).fit(Material(silent, silent, -18.0), Run(minutes=0.03))


class TestCompanded(Conduct):
    @pytest.fixture
    def fitted(self, fitted_to):
        usual = load_parameters("fresh").compander
        return CompandedCore(fitted_to("hammerstein", "tape"), Companding(encode=usual, decode=usual, asymmetry=0.01))

    @pytest.fixture
    def sound(self, fitted, sound):
        """Begins with silence: what a core answers ahead of the first sample is cut off, and a decoder does not hear it."""
        return np.concatenate([np.zeros(fitted.look_ahead_samples), sound])


class TestLinear(Contract):
    name = "linear"


class TestHammerstein(Contract):
    name = "hammerstein"

    def test_beats_the_linear_filter_five_times_and_more(self, fitted, fitted_to, held_out):
        linear = fitted_to("linear", "tape")
        assert esr_of(fitted.process, held_out) < 0.05 * esr_of(linear.process, held_out)


class TestHammersteinWithResidual(Conduct):
    exactness = 1e-6

    @pytest.fixture
    def fitted(self, topped):
        return topped


class NetworkContract(Contract):
    """What networks owe as well: they start at the linear filter."""

    exactness = 1e-6

    @pytest.mark.slow
    def test_learns_a_linear_system_to_60_db(self, fitted_to, band_pass_material):
        super().test_learns_a_linear_system_to_60_db(fitted_to, band_pass_material)

    def test_is_never_worse_on_validation_than_the_linear_filter_it_starts_from(self, fitted, fitted_to, tape_material):
        linear = fitted_to("linear", "tape")
        validation = tape_material.validation
        assert esr_of(fitted.process, validation) <= 1.001 * esr_of(linear.process, validation)


class TestTcn(NetworkContract):
    name = "tcn"

    @pytest.mark.slow
    def test_beats_the_linear_filter_in_a_minute(self, tape_material, held_out):
        linear = core_class("linear").fit(tape_material, Run())
        network = core_class("tcn").fit(tape_material, Run(minutes=1.0))
        assert esr_of(network.process, held_out) < 0.6 * esr_of(linear.process, held_out)


class TestGru(NetworkContract):
    name = "gru"


class TestLstm(NetworkContract):
    name = "lstm"


class TestWavenet(NetworkContract):
    name = "wavenet"


class TestS4(NetworkContract):
    name = "s4"


class TestStn(NetworkContract):
    name = "stn"


class TestJa(Contract):
    name = "ja"


def test_every_core_is_under_contract():
    kinds = [*Contract.__subclasses__(), *NetworkContract.__subclasses__()]
    assert {kind.name for kind in kinds if kind is not NetworkContract} == set(names())


def test_an_unknown_core_is_refused_with_those_there_are():
    with pytest.raises(ModelError, match="hammerstein"):
        core_class("gru2")
