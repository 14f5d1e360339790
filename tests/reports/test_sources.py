"""Every figure of the report can be traced: to a definition, a standard or paper, and the function that computes it."""

import importlib
import re
from pathlib import Path

import pytest

from reports.sources import SOURCES, rows
from reports.wording import NAMES

# The quantities of the results' schema, as its table lists them.
SCHEMA = [
    "latency", "interface_latency", "speed_error", "speed_drift", "speed_deviation", "delay_trajectory",
    "wow_flutter_weighted_2sigma", "wow_flutter_weighted_rms", "wow_flutter_unweighted_rms", "wow_rms", "flutter_rms",
    "flutter_spectrum", "flutter_line", "frequency_response", "phase_response", "group_delay", "bandwidth_low",
    "bandwidth_high", "response_ripple", "thd", "thd_n", "harmonic_2", "harmonic_3", "harmonic_4", "harmonic_5",
    "thd_vs_level", "thd_vs_frequency", "harmonic_response_2", "harmonic_response_3", "harmonic_response_4",
    "harmonic_response_5", "imd_smpte", "imd_difference", "compression", "mol_315", "sol_10k", "noise_a",
    "noise_itu468", "noise_ccir_rms", "snr_a", "hum", "modulation_noise", "noise_spectrum", "dropouts_per_minute",
    "level_stability", "crosstalk", "azimuth_delay", "channel_balance", "polarity", "erasure", "dbx_encode_ratio",
    "dbx_decode_ratio", "dbx_unity_level", "dbx_time_constant", "dbx_tracking_error", "dbx_noise_reduction",
    "dbx_encode_law", "dbx_decode_law", "dbx_emphasis", "dbx_weighting", "dropouts", "dropout_lengths",
]  # fmt: skip


def test_every_quantity_of_the_schema_has_a_source_and_a_name():
    assert set(SCHEMA) == set(SOURCES)
    assert set(SCHEMA) <= set(NAMES)


@pytest.mark.parametrize("quantity", SCHEMA)
def test_a_source_says_what_by_which_rule_and_by_what_code(quantity):
    source = SOURCES[quantity]
    assert len(source.definition) > 8
    assert source.basis
    for name in source.functions:
        module, _, function = name.rpartition(".")
        assert callable(getattr(importlib.import_module(module), function)), name


def test_every_quantity_stands_on_the_page_of_quantities():
    page = (Path(__file__).parents[2] / "docs/quantities.md").read_text(encoding="utf-8")
    missing = set(SCHEMA) - set(re.findall(r"`(\w+)`", page))
    assert missing == set()


def test_what_the_sources_cite_is_listed_with_the_methods():
    methods = (Path(__file__).parents[2] / "docs/methods.md").read_text(encoding="utf-8")
    cited = {name for s in SOURCES.values() for name in re.findall(r"IEC \d+-?\d*|AES\d+|BS\.468-4", s.basis)}
    assert cited
    missing = {name for name in cited if name not in methods}
    assert missing == set()


def test_quantities_with_one_source_share_a_row_and_a_stranger_is_told_by_its_method():
    found = rows({"harmonic_3": ["x"], "harmonic_2": ["x"], "thd": ["y"], "my_own": ["by hand", "by hand"]})
    assert [r[0] for r in found] == [["thd"], ["harmonic_2", "harmonic_3"], ["my_own"]]
    assert found[-1] == (["my_own"], "by hand", "", "")
    assert found[0][3] == "analysis.distortion.analyse"
