"""The remark under a page whose figures the interface limits."""

import pytest

from analysis.interface import ALONE
from reports.limits import interface_remark
from reports.readings import Setup, pool
from reports.subjects import distortion, noise
from sessions.results import Measurements, Result

NOISY = f"{ALONE} -84.1 dBFS of the -80.2 dBFS here, 3.9 dB below, and raises the figure by about 2.3 dB"
BENT = f"{ALONE} 0.012 % here, 4.0 dB below, and may be part of the figure"


def figure(quantity, value, unit, note, **conditions) -> Result:
    where = {"track": 1, "pass": 1, "speed_cm_s": 9.5, "dbx": "off", **conditions}
    return Result(quantity=quantity, value=value, unit=unit, conditions=where, method="m", note=note)


def setup(*results: Result) -> Setup:
    return Setup("", "", {}, Measurements(session="s", tool_version="1", created="", results=list(results), curves=[]))


def test_a_few_figures_are_named_with_the_share_of_the_interface():
    of_noise = [figure("noise_a", -62.2, "dB", NOISY, **{"pass": n}) for n in (1, 2)]
    page = noise.page(setup(*of_noise, figure("snr_a", 62.2, "dB", NOISY), figure("noise_ccir_rms", -58.0, "dB", None)))
    assert page.remark == (
        "Noise, A-weighted (track 1): the interface alone has −84.1 dBFS of the −80.2 dBFS here, 3.9 dB below, and raises the"
        " figure by about 2.3 dB."
    )


@pytest.mark.parametrize("levels_db", [(-20.0, -15.0, -10.0, -5.0, 0.0)])
def test_many_figures_are_counted_and_placed(levels_db):
    own = [figure("thd", 0.02, "%", BENT, frequency_hz=315.0, level_db=level) for level in levels_db]
    page = distortion.page(setup(*own, figure("thd", 0.9, "%", None, frequency_hz=315.0, level_db=5.0)))
    assert page.remark.startswith("The interface alone comes within 10\u202fdB of 5 figures: Total harmonic distortion (")
    assert "−20\u202fdB to 0\u202fdB" in page.remark
    assert "315\u202fHz" in page.remark
    assert "cm/s" not in page.remark


def test_other_notes_and_invalid_figures_make_no_remark():
    invalid = Result.invalid("noise_a", "dB", {}, "m", NOISY)
    assert interface_remark(pool([figure("noise_a", -50.0, "dB", "measured in the rain"), invalid])) == ""
