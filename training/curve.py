"""Draw the curves of a training log: python -m training.curve LOG PNG."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from matplotlib.figure import Figure


def draw_curves(log: Path, png: Path) -> None:
    """Dice of training clips and loss by step, from log.jsonl of training.train."""
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    figure = Figure(figsize=(9, 6), layout="constrained")  # without pyplot, which would look for a screen
    upper, lower = figure.subplots(2, 1, sharex=True)
    total = 0
    stages = sorted({entry["stage"] for entry in entries})
    for stage in stages:
        own = [entry for entry in entries if entry["stage"] == stage]
        steps = [total + entry["step"] for entry in own]
        for frame in range(len(own[0]["dice"])):
            label = ("prompted frame" if frame == 0 else f"frame {frame} after it") if stage == stages[-1] else None
            upper.plot(steps, [e["dice"][frame] for e in own], color=f"C{frame}", marker=".", label=label)
        lower.plot(steps, [entry["loss"] for entry in own], color="black", marker=".")
        total += own[-1]["step"]
        for axes in (upper, lower):
            axes.axvline(total, color="grey", linewidth=0.5)
    upper.set(ylabel="Dice of training clips", ylim=(0, 1))
    upper.legend(loc="lower right", ncols=3, fontsize="small")
    lower.set(ylabel="loss", xlabel="step; a grey line ends each stage", yscale="log")
    figure.savefig(png, dpi=100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log", type=Path, help="log.jsonl of training.train")
    parser.add_argument("png", type=Path)
    arguments = parser.parse_args()
    draw_curves(arguments.log, arguments.png)


if __name__ == "__main__":
    main()
