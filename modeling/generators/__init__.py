"""Generators: what a deck adds by itself, made anew at every rendering.

Everything is a function of a seed and of absolute time, so a rendering in blocks equals one of the whole, any stretch can be
made without the ones before it, and the tracks of one deck share one motion.
"""
