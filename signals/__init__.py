"""What is played: stimuli, their cue sheets, and what audio means to the whole program.

Waveforms are float64 of shape ``(samples,)``, full scale 1; a sine of peak 1 is 0 dBFS (AES17). Generators make unit waveforms;
a level in dB becomes an amplitude only in :mod:`signals.stimulus`, through the reference level of the cue sheet. Positions and
lengths in a cue sheet are whole samples; everything random has a seed. Nothing here reads or writes a file.
"""
