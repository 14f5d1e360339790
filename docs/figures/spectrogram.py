"""Draw music before and after ``tape render virtual:typical`` as spectrograms.

    python docs/figures/spectrogram.py [FILE.png]

The rendered sound is the command's own. Nothing is random and nothing is dated.
"""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import soundfile
from matplotlib.backends.backend_agg import FigureCanvasAgg
from scipy.signal import spectrogram

from reports.style import new_figure, styled
from signals.music import compose

RATE = 48_000
SECONDS = 12.0
LEVEL_DBFS = -20.0
FLOOR_DB, TOP_DB = -110.0, -30.0


def rendered(piece: np.ndarray) -> np.ndarray:
    """What the command makes of a piece."""
    with TemporaryDirectory() as place:
        dry, wet = Path(place) / "dry.wav", Path(place) / "wet.wav"
        soundfile.write(dry, piece, RATE, subtype="FLOAT")
        subprocess.run(["tape", "render", "virtual:typical", str(dry), str(wet)], check=True, capture_output=True)
        return np.asarray(soundfile.read(wet)[0])


@styled
def draw(path: Path) -> None:
    """Write the figure."""
    piece = compose(3, SECONDS, RATE, "band")
    piece = np.pad(piece * 10.0 ** (LEVEL_DBFS / 20.0) / np.sqrt(np.mean(piece**2)), RATE // 2)
    figure = new_figure(105.0)
    both = {"sent": piece, "as the deck plays it": rendered(piece)}
    for axes, (name, sound) in zip(figure.subplots(2, 1, sharex=True), both.items(), strict=True):
        f, t, power = spectrogram(sound, RATE, nperseg=2048, noverlap=1024, scaling="spectrum")
        level_db = 10.0 * np.log10(np.maximum(power, 1e-20))
        image = axes.pcolormesh(t, f / 1000.0, level_db, vmin=FLOOR_DB, vmax=TOP_DB, cmap="viridis", shading="auto")
        axes.set_ylabel("Frequency (kHz)")
        axes.set_title(name)
    axes.set_xlabel("Time (s)")
    figure.colorbar(image, ax=figure.axes, label="Level in a band of 35 Hz (dBFS)")
    canvas: Any = FigureCanvasAgg(figure)  # its methods have no type hints
    canvas.print_png(str(path), metadata={"Software": "tape"})


if __name__ == "__main__":
    draw(Path(sys.argv[1]) if len(sys.argv) == 2 else Path(__file__).parent / "spectrogram.png")
