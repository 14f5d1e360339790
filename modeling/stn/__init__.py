"""State-transition networks: the law without bias learnt from its most exact solver, to run faster than any of them."""
