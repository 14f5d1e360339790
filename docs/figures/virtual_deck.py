"""Draw the classic curves of the virtual deck beside published values, and print how far apart they are.

    python docs/figures/virtual_deck.py [FOLDER]

Figures go into FOLDER as SVG, by default beside this file; the tables that it prints are those of docs/virtual-deck-curves.md.
Nothing is random and nothing is dated: run again, it writes the same. Lines are the deck, points are what somebody else says.
"""

# ruff: noqa: T201
import sys
from collections.abc import Callable
from pathlib import Path

from beside import Drawn
from machine_curves import dbx, flutter, wavelength_losses
from tape_curves import bias, distortion, hysteresis, levels

from reports.style import svg

FIGURES: dict[str, Callable[[], Drawn]] = {
    "hysteresis": hysteresis,
    "bias": bias,
    "distortion": distortion,
    "levels": levels,
    "losses": wavelength_losses,
    "flutter": flutter,
    "dbx": dbx,
}


def main() -> None:
    """Write every figure and print its table."""
    if len(sys.argv) > 2 or sys.argv[1:] in (["-h"], ["--help"]):
        sys.exit("usage: python docs/figures/virtual_deck.py [FOLDER]")
    folder = Path(sys.argv[1]) if len(sys.argv) == 2 else Path(__file__).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, draw in FIGURES.items():
            figure, rows = draw()
            (folder / f"{name}.svg").write_bytes(svg(figure))
            print(
                f"{name}\n\n| | published | deck | off | source |\n| --- | --- | --- | --- | --- |",
                *rows,
                "",
                sep="\n",
                flush=True,
            )
    except OSError as error:
        sys.exit(f"{folder}: {error.strerror}; name a folder that can be written")


if __name__ == "__main__":
    main()
