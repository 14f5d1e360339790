"""The gate to the typst compiler: a document of plain data and its figures in, PDF bytes out.

The template reads the data as JSON, so no text of a user is ever markup.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typst

from reports.wording import needs_system_fonts, safe
from signals.errors import TapeError

_TEMPLATES = Path(__file__).parent / "templates"
REPORT, COMPARISON, EVALUATION = (_TEMPLATES / f"{name}.typ" for name in ("report", "comparison", "evaluation"))


def typeset(document: Mapping[str, Any], figures: Mapping[str, bytes], template: Path = REPORT) -> bytes:
    """Set the report.

    Parameters
    ----------
    document : mapping
        What the template prints: strings, numbers, lists and mappings.
    figures : mapping of str to bytes
        SVG of every figure that the document names.
    template : Path
        ``REPORT``, of one session, ``COMPARISON``, of several, or ``EVALUATION``, of a model.

    Returns
    -------
    bytes
        The PDF; the same for the same input.

    Raises
    ------
    TapeError
        The compiler refuses the document.
    """
    text = json.dumps(_printable(document), ensure_ascii=False)
    inputs = {"document": text, "figures": json.dumps({name: svg.decode() for name, svg in figures.items()})}
    try:
        compiler = typst.Compiler(
            str(template),
            root=str(_TEMPLATES),
            # The fonts inside the compiler are the same everywhere; those of the system are asked only for foreign scripts.
            ignore_system_fonts=not needs_system_fonts(text),
            sys_inputs=inputs,
        )
        pdf: Any = compiler.compile(format="pdf", timestamp=0)
    except typst.TypstError as error:
        raise TapeError(
            f"The report cannot be set ({error.message}); figures and measurements are whole, report this line."
        ) from error
    return pdf  # one file, since the format is PDF


def _printable(value: Any) -> Any:
    """Everything made safe to print but the names of figures, which are keys."""
    if isinstance(value, str):
        return safe(value)
    if isinstance(value, Mapping):
        return {key: item if key == "name" else _printable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(item) for item in value]
    return value
