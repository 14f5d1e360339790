"""Models of a deck: from aligned pairs to a model that is trained, evaluated, stored and rendered.

Order of things: :mod:`dataset` (a session) -> :mod:`pairs`, :mod:`material`, :mod:`floor` -> :mod:`training` with one of the
:mod:`cores` -> :mod:`evaluation` -> :mod:`model` and its :mod:`card` -> :mod:`render`. What the deck adds by itself stands in
:mod:`generators`; :mod:`deck` is the virtual deck, which shares nothing with the models. torch is imported only where a
network is trained or run.
"""
