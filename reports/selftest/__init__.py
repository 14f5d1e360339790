"""The proof on the user's own machine: decks drawn at random are captured and measured, and held against their truth.

A *case* is how a deck is captured: with a pilot or without, a quiet deck, or a plain wire. A *pair* is one figure or curve as
measured beside its truth. Errors are measured less true, in the unit of the quantity, or in % of the true value where the goal is
stated so. What is measured sees a session on disk that holds neither seed nor parameters of the deck; the truth is worked out when
measuring is over, and joined here alone.
"""
