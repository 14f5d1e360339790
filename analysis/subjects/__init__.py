"""What the bench reads from one channel of a take, subject by subject.

Each has a function ``measure(take, reference)``: an :class:`analysis.take.Take` and the peak amplitude of its returned reference
tone (1 kHz at 0 dB; None without one) in, results and curves out.
"""
