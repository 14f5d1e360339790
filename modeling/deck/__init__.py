"""The virtual deck: a cassette multitrack simulated from its physics, with a truth to every figure that can be measured.

Conventions of this folder. Arrays inside the deck are ``(channels, samples)`` float64, so that channels are contiguous; the
door, :class:`modeling.deck.deck.VirtualDeck`, takes and gives ``(samples, tracks)``. Signals in the electronics are in units
of the peak of a sine at 0 VU, fields in kA/m, flux on tape in units of saturation, lengths on tape in micrometres. Tracks
count from 1 at the door and from 0 inside. A response is the factor by which e^{+j 2 pi f t} is multiplied. Positions on
tape are in seconds (or samples) of tape at nominal speed.
"""
