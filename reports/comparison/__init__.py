"""Two or more sessions beside each other: two tapes, two decks, last year and now.

The first session named is A; every other is compared with it. A difference is the other's figure less that of A. It counts as a
change when it is larger than the 95 % uncertainty of the difference, so about one figure in twenty is called changed by chance.
"""
