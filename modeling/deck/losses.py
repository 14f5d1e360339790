"""Wavelength losses and equalisers as complex responses in closed form.

Every function takes frequencies in Hz (and the tape speed where a wavelength matters) and returns the factor by which a
sine is multiplied. The deck makes its filters from these very functions by sampling them; the truth uses them as they are.
Wave number k = 2 pi f / v.
"""

import numpy as np

from modeling.deck.parameters import RecordEqualiser, ReplayHead

BASS_LIFT_S = 3180e-6
"""Lower time constant of the cassette standard, IEC 60094-1."""

BUMP_DAMPING = 1.0 / 12.0
"""Distance of the head's outer edges from the tape, as part of the contact length: how fast the ripple dies out."""


def wave_number(frequency_hz: np.ndarray, speed_um_s: float) -> np.ndarray:
    """Wave number on tape in radians per micrometre."""
    return 2.0 * np.pi * np.asarray(frequency_hz, dtype=np.float64) / speed_um_s


def spacing_loss(k: np.ndarray, spacing_um: float) -> np.ndarray:
    """Loss by distance d between head and coating, e^{-kd} (Wallace 1951): 54.6 dB per wavelength."""
    return np.exp(-k * spacing_um)


def thickness_loss(k: np.ndarray, coating_um: float) -> np.ndarray:
    """Loss of a coating magnetised evenly through its depth, (1 - e^{-k delta}) / (k delta)."""
    x = k * coating_um
    return np.where(x < 1e-9, 1.0, -np.expm1(-x) / np.maximum(x, 1e-300))


def gap_loss(k: np.ndarray, gap_um: float) -> np.ndarray:
    """Loss by the width g of the replay gap, sin(kg/2) / (kg/2)."""
    return np.sinc(k * gap_um / (2.0 * np.pi))


def azimuth_loss(k: np.ndarray, width_mm: float, azimuth_arcmin: float) -> np.ndarray:
    """Loss of a gap at an angle theta to that of the recording, over the track width W: sin(x) / x, x = kW tan(theta) / 2.

    Bertram, "Theory of Magnetic Recording" (1994): the flux of a track is its mean over the width, and is late by x / (W/2)
    at its edge.
    """
    return np.sinc(k * 1000.0 * width_mm * np.tan(np.radians(azimuth_arcmin / 60.0)) / (2.0 * np.pi))


def head_bump(k: np.ndarray, contact_mm: float, bump_db: float) -> np.ndarray:
    """Ripple at wavelengths near the length L of the head face.

    The outer edges of the pole pieces act as two faint gaps of opposite sign at +-L/2, blurred by their distance from the
    tape: 1 - a cos(kL/2) e^{-kd}. The first crest lies at the wavelength L, where `bump_db` sets the height.
    """
    length = 1000.0 * contact_mm
    damping = BUMP_DAMPING * length
    crest = np.exp(-2.0 * np.pi * BUMP_DAMPING)
    strength = (10.0 ** (bump_db / 20.0) - 1.0) / crest
    return 1.0 - strength * np.cos(k * length / 2.0) * np.exp(-k * damping)


def replay_head(frequency_hz: np.ndarray, speed_um_s: float, head: ReplayHead) -> np.ndarray:
    """All losses of the replay head together; real, so that none of them delays."""
    k = wave_number(frequency_hz, speed_um_s)
    return spacing_loss(k, head.spacing_um) * gap_loss(k, head.gap_um) * head_bump(k, head.contact_mm, head.bump_db)


def replay_equaliser(frequency_hz: np.ndarray, replay_us: float) -> np.ndarray:
    """Replay amplifier and head against constant flux: high-pass at 3180 us, treble rising above `replay_us`."""
    s = 2j * np.pi * np.asarray(frequency_hz, dtype=np.float64)
    return s * BASS_LIFT_S / (1.0 + s * BASS_LIFT_S) * (1.0 + s * replay_us * 1e-6)


def record_equaliser(frequency_hz: np.ndarray, settings: RecordEqualiser) -> np.ndarray:
    """Record amplifier: bass lift of 3180 us down to a floor, treble shelf, tuned circuit; gain 1 between them."""
    s = 2j * np.pi * np.asarray(frequency_hz, dtype=np.float64)
    bass = (s + 1.0 / BASS_LIFT_S) / (s + 2.0 * np.pi * settings.bass_floor_hz)
    shelf = (1.0 + s / (2.0 * np.pi * settings.shelf_zero_hz)) / (1.0 + s / (2.0 * np.pi * settings.shelf_pole_hz))
    centre = 2.0 * np.pi * settings.peak_hz
    width = centre / settings.peak_q
    lift = 10.0 ** (settings.peak_db / 20.0)
    peak = (s**2 + lift * width * s + centre**2) / (s**2 + width * s + centre**2)
    return bass * shelf * peak


def coupling(frequency_hz: np.ndarray, corner_hz: float) -> np.ndarray:
    """First-order high-pass of a coupling capacitor."""
    jf = 1j * np.asarray(frequency_hz, dtype=np.float64)
    return jf / (jf + corner_hz)
