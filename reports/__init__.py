"""From results to paper: figures, tables and the PDF report of a session. Pure functions; the caller writes the files.

Conventions of this room:

- Numbers are printed with as many decimals as their 95 % uncertainty allows, a true minus sign, and a narrow no-break space
  before the unit.
- Readings that differ only in the pass are pooled: the mean is printed, the ± is the uncertainty of *one* reading, and the
  spread over the passes stands beside it.
- Figures are SVG at their printed size; text goes into the template as JSON, never as markup.
- The same input gives the same bytes: nothing here reads a clock.
"""
