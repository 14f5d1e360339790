"""A trained model on the bench that measured the deck: every figure beside the deck's, and the goals it is held against.

A difference is the model's figure less the deck's. Both have the same stimulus, the same number of play passes and the same code to
measure them, so that what the bench itself gets wrong is wrong in both.
"""
