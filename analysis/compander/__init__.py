"""What takes with dbx in the way say of the compander, when they are laid beside the take without.

Levels are dB: *sent* re the session's reference level, *returned* re full scale. Every take gives readings by itself
(:mod:`readings`), the takes without dbx make the channel between (:mod:`channel`), and :mod:`bench` lays them side by side: law,
ballistics, emphasis, tracking, noise. Nothing is assumed of a compander but that one level sets one gain by a power law, and that
the detector is a one-pole on the square; r is the dB of programme for a dB on the channel.
"""
