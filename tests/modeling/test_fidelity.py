import numpy as np
import pytest

from modeling import losses
from modeling.evaluation import evaluate
from modeling.fidelity import Tone, esr_of, harmonic_error_db
from modeling.floor import Floor
from modeling.pairs import Pair
from signals.errors import ModelError

RATE = 48000


def pair(dry, wet, split="test", **conditions):
    return Pair(dry.astype(np.float32), wet.astype(np.float32), np.ones(dry.size, dtype=bool), RATE, split, "p", conditions)


def tone(wet_of, amplitude=0.3, noise=0.0, frequency_hz=500.0, flutter=0.0):
    rng = np.random.default_rng(0)
    t = np.arange(RATE) / RATE
    t = t + flutter * np.sin(2 * np.pi * 8 * t)
    dry = amplitude * np.sin(2 * np.pi * frequency_hz * t)
    return pair(dry, wet_of(dry) + noise * rng.standard_normal(RATE), "tone", frequency_hz=frequency_hz, level_db=0.0)


class Gain:
    """A stand-in for a core."""

    sample_rate = RATE

    def __init__(self, gain):
        self.gain = gain

    def process(self, x):
        return self.gain * x


def test_esr_by_hand():
    x = np.array([1.0, -2.0, 3.0])
    assert esr_of(lambda dry: 0.9 * dry, [pair(x, x)]) == pytest.approx(0.01, rel=1e-5)
    # Sums over all, no mean of ratios: (0.01 * 14 + 1 * 0.14) / 14.14
    quiet = pair(0.1 * x, -0.1 * x / 9 * 0)
    both = esr_of(lambda dry: 0.9 * dry, [pair(x, x), quiet])
    assert both == pytest.approx((0.01 * 14 + 0.81 * 0.14) / 14, rel=1e-4)


def test_emphasis_has_the_response_of_its_formula():
    """|1 - 0.95 e^-jw| at 6 kHz and 48 kHz is sqrt(1 + 0.9025 - 1.9 cos(pi/4)) = 0.7477."""
    x = np.sin(2 * np.pi * 6000 * np.arange(4800) / RATE)
    gain = np.std(losses.emphasised(x)) / np.std(x)
    assert gain == pytest.approx(np.sqrt(1.9025 - 1.9 * np.sqrt(0.5)), rel=1e-3)


def test_losses_agree_with_torch_and_auraloss():
    torch = pytest.importorskip("torch")
    auraloss = pytest.importorskip("auraloss")
    rng = np.random.default_rng(0)
    y, e = rng.standard_normal((2, 1, 1000))
    here = losses.esr(y, e)
    assert float(losses.esr(torch.tensor(y), torch.tensor(e))) == pytest.approx(here)
    theirs = auraloss.time.ESRLoss()(torch.tensor(e)[:, None], torch.tensor(y)[:, None])
    assert float(theirs) == pytest.approx(here, rel=1e-5)


@pytest.mark.parametrize("flutter", [0.0, 2e-5])
def test_harmonics_of_a_cubic(flutter):
    """For x + c x^3 and x = A sin: fundamental A + 3cA^3/4, third harmonic cA^3/4, no second. Flutter must not matter."""
    amplitude, c = 0.3, 0.4
    levels = Tone(tone(lambda x: x + c * x**3, flutter=flutter)).recorded
    first, third = amplitude + 0.75 * c * amplitude**3, 0.25 * c * amplitude**3
    assert levels.fundamental_db == pytest.approx(20 * np.log10(first), abs=0.01)
    assert levels.harmonic_db[1] == pytest.approx(20 * np.log10(third / first), abs=0.1)
    assert levels.harmonic_db[0] < -75


def test_noise_raises_the_floor_and_hides_what_lies_below_it():
    noisy = Tone(tone(lambda x: x + 1e-3 * x**3, noise=0.02))
    floor = 2 * np.sqrt(3 / RATE) * 0.02 / 0.3  # Hann window
    assert noisy.recorded.floor_db == pytest.approx(20 * np.log10(floor), abs=0.2)
    assert harmonic_error_db(lambda dry: dry, [noisy]) < 4.0


def test_harmonic_error_of_a_linear_model_is_the_height_of_the_harmonics():
    """H3 stands at -45.5 dB; the model has none, and counts as lying at the lowest level that is looked at, -70 dB."""
    cubic = Tone(tone(lambda x: x + 0.24 * x**3))
    error = harmonic_error_db(lambda dry: dry, [cubic])
    third = 20 * np.log10(0.06 * 0.09 / (1 + 0.18 * 0.09))
    assert error == pytest.approx((third + 70) / np.sqrt(2), abs=0.3)
    assert harmonic_error_db(lambda dry: dry, []) is None


def test_evaluation_puts_baseline_and_floor_beside_the_error():
    rng = np.random.default_rng(1)
    x = 0.1 * rng.standard_normal(RATE)
    pairs = [pair(x, x), pair(x, 5 * x, "train"), tone(lambda dry: dry)]
    found = evaluate(Gain(0.99), pairs, Floor(1e-5, 0.0), Gain(0.9))
    assert found.esr == pytest.approx(1e-4, rel=1e-3)
    assert found.emphasised_esr == pytest.approx(1e-4, rel=1e-3)
    assert found.baseline_esr == pytest.approx(1e-2, rel=1e-3)
    assert found.gain == pytest.approx(100.0, rel=1e-3)
    assert found.excess_esr == pytest.approx(9e-5, rel=1e-3)
    assert found.level_error_db == pytest.approx(-20 * np.log10(0.99), rel=1e-2)
    assert [piece.name for piece in found.pieces] == ["p"]


def test_evaluation_refuses_what_it_cannot_judge():
    x = np.ones(100)
    with pytest.raises(ModelError, match="held-out"):
        evaluate(Gain(1.0), [pair(x, x, "train")])
    other = Gain(1.0)
    other.sample_rate = 44100
    with pytest.raises(ModelError, match="44100 Hz"):
        evaluate(other, [pair(x, x)])
