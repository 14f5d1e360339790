"""Capture: playing a stimulus through a device and keeping what returns.

A :class:`capture.device.Device` moves samples, a :class:`capture.device.Operator` works the transport, and
:mod:`capture.flow` leads both through the passes of a deck with one head. Whatever is recorded is looked at before it counts
as a take (:mod:`capture.recognition`): its markers say which take it is. Channels count from 0 in the program and from 1 in
what a user reads; tracks count from 1.
"""
