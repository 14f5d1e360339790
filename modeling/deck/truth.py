"""The true value of what a session measures, all groups of :mod:`modeling.deck.true` together."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from modeling.deck.motion import PassPair
from modeling.deck.parameters import TRACKS, DeckParameters
from modeling.deck.transport import play_trajectory, record_trajectory
from modeling.deck.true.intermodulation import intermodulation_results
from modeling.deck.true.linearity import (
    band_results,
    compression_curves,
    distortion_results,
    output_level_results,
    polarity_results,
    response_curves,
    thd_curves,
)
from modeling.deck.true.motion import flutter_curves, motion_curves, motion_results
from modeling.deck.true.noise import noise_curves, noise_results, snr_re_mol
from modeling.deck.true.session import TrueSession
from modeling.deck.true.steadiness import steadiness_results, undisturbed
from modeling.deck.true.thd_n import thd_n_results
from modeling.deck.true.tracks import track_results
from sessions.results import Curve, Measurements, Result
from signals.audio import AudioReader
from signals.cues import CueSheet
from signals.errors import ModelError
from signals.stimulus import StimulusAudio


def truth(
    parameters: DeckParameters,
    sheet: CueSheet,
    seed: int,
    *,
    passes: Sequence[int],
    tool_version: str,
    created: str,
    recording: int = 1,
    over: int = 0,
    sound: AudioReader | None = None,
    told: Callable[[float], None] = lambda part: None,
) -> Measurements:
    """True values of a session made on a virtual deck.

    Programme channels are taken to carry the same programme, so that each is heard in its neighbours. Sending and receiving
    begin with the first sample of their pass.

    Parameters
    ----------
    parameters, seed
        Those of the deck.
    sheet : CueSheet
        The stimulus; channel i is wired to track ``sheet.channels[i].track``.
    passes : sequence of int
        Play passes, as numbered at ``VirtualDeck.play``.
    tool_version, created : str
        As in every results file.
    recording : int
        Number of the record pass, from 1 (``VirtualDeck.recordings``).
    over : int
        Earlier recordings that it was made over.
    sound : AudioReader
        The stimulus, where recordings of music belong to it; otherwise it is synthesised from its cue sheet.
    told : callable
        Is told which part of it, 0 to 1, has been done.

    Returns
    -------
    Measurements
        Latency, speed, wow and flutter, response, distortion and noise for every track and pass, and what the tracks tell
        beside one another.

    Raises
    ------
    ModelError
        A track that the deck has not, or a stimulus without markers.
    """
    tracks = [channel.track - 1 for channel in sheet.channels]
    wrong = [t + 1 for t in tracks if t >= TRACKS]
    if wrong:
        raise ModelError(f"the stimulus is wired to track {wrong[0]}; the virtual deck has {TRACKS}")
    programme = frozenset(tracks[i] for i in sheet.channels_of("programme"))
    sent = TrueSession(parameters, sheet, programme, sound or StimulusAudio(sheet), over=over)
    span_s = sent.marker_s("marker_start"), sent.marker_s("marker_end")
    record = record_trajectory(parameters, seed, recording).smooth  # scrape flutter is no motion to the bench, but noise
    results: list[Result] = []
    curves: list[Curve] = []
    for i, number in enumerate(passes):
        play = play_trajectory(parameters, seed, number).smooth
        heard = 1.0 + PassPair(record, play, tracks[0]).speed_error_percent(*span_s) / 100.0
        session = replace(sent, ratio=heard / parameters.pitch_ratio)
        for channel, track in enumerate(tracks):
            told((i + channel / (len(tracks) + 1)) / len(passes))
            if session.is_dead(track):
                continue  # nothing is heard of it that a figure could be re
            pair = PassPair(record, play, track)
            results += steadiness_results(session, pair, seed, number, channel)
            results += motion_results(session, pair, number, channel)
            curves += motion_curves(session, pair, number)
            curves += flutter_curves(session, pair, number, channel)
            calm = undisturbed(session, pair, seed, channel)
            results += noise_results(calm, track, number, channel)
            curves += noise_curves(session, track, number, channel)
            if track in programme:
                results += distortion_results(session, track, number, channel)
                results += thd_n_results(calm, track, number, channel)
                results += output_level_results(session, track, number, channel)
                results += intermodulation_results(session, track, number, channel)
                results += polarity_results(session, track, number)
                results += band_results(session, track, number)
                curves += response_curves(session, track, number)
                curves += compression_curves(session, track, number, channel)
                curves += thd_curves(session, track, number, channel)
        told((i + len(tracks) / (len(tracks) + 1)) / len(passes))
        results += track_results(session, record, play, number)
    results += snr_re_mol(results)
    return Measurements(session=sheet.session, tool_version=tool_version, created=created, results=results, curves=curves)
