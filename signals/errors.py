"""The error family of the whole program.

Every failure that a user can cause or mend is a :class:`TapeError`. Its message is one line that names the value found, the
limit it broke and the remedy; the command prints it and leaves with exit status 1. Anything else that escapes is a defect.
"""


class TapeError(Exception):
    """A failure told in one line: value, limit, remedy."""


class AudioFileError(TapeError):
    """A sound file is missing, empty, of the wrong rate or shape, or cannot be decoded."""


class SignalError(TapeError):
    """A recording holds something other than what was expected: silence, clipping, the wrong take, no markers."""


class StimulusError(TapeError):
    """A stimulus cannot be planned or rendered as asked."""


class SessionError(TapeError):
    """A session on disk is missing, damaged, of a newer schema, or already holds what would be written."""


class DeviceError(TapeError):
    """A device cannot be found, opened or set as asked, or was lost."""


class ModelError(TapeError):
    """A model cannot be trained, loaded or applied."""


class UsageError(TapeError):
    """A command was given something that it cannot read; exit status 2."""
