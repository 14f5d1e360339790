"""What a recording says.

Signals are float64, ``(samples,)`` or ``(samples, channels)``; long recordings come as :class:`signals.audio.AudioReader`. *Input
time* is counted from the first sample of the stimulus, *output time* from the first sample of the recording; the delay is
output minus input time. A time base is estimated first, segments are dewarped by it, figures are taken last. Uncertainties are
95 % (two standard deviations); ``sd`` and ``variance`` are one. Functions are pure; nothing here opens a file or a device.
"""
