"""The session on disk: what was played, what came back, under which conditions, and what was measured.

Conventions of this room: paths inside a session are relative with forward slashes, so that a session can be moved and
zipped; times are UTC in ISO 8601; every file is written under a temporary name, synced and renamed, and listed in
``session.json`` with its SHA-256. Stimuli and takes are never overwritten; derived files (measurements, curves, figures,
reports) are replaced as a whole when they are made again. One process at a time writes to a session.
"""
