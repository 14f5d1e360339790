"""The true value of what a session measures, group by group, by other roads than measurement takes.

Times come from the trajectories in closed form, response and distortion from a steady sine through the law of the tape in
full, noise from its density. Nothing of a recording, of the running deck or of the analysis is used.
"""
