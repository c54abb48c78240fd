"""The whole comparison, one case after the other: python -m benchmarks, or make bench.

A table of ratios is printed; every figure goes to DATE-KIND.json in the folder of results, with the kind of machine and
no host name.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import shlex
import time
from pathlib import Path
from typing import Any

from benchmarks import clicks, floor, propagation
from benchmarks.machine import kind, machine

RESULTS = Path(__file__).parent / "results"
SPEED = (
    "--model tiny --slices 40",
    "--model tiny --slices 40 --precision float32",
    "--model tiny --slices 40 --reference-precision bfloat16",
    "--model tiny --slices 40 --pixels 512",
    "--model tiny --slices 40 --pixels 512 --reference-pixels 1024",
    "--model tiny --slices 40 --pixels 512 --compare in_turn",
    "--model tiny --slices 40 --cells 0.05",
    "--model nano --slices 40 --cells 0.05",
    "--model nano --slices 60 --compare in_turn",
    "--model nano --slices 60 --compare in_turn --precision float32",
    "--model nano --slices 40",
    "--model nano --slices 40 --precision float32",
    "--model nano --slices 40 --objects 2",
    "--model nano --slices 40 --objects 3",
    "--model nano --slices 40 --rows 35 --columns 51",
    "--model nano --slices 60 --filled 0.33 --early-stop",
)
GPU = (
    "--model tiny --slices 40 --reference-precision bfloat16",
    "--model large --slices 40 --reference-precision bfloat16",
    "--model tiny --slices 40 --objects 3 --reference-precision bfloat16",
)
COMPILED = (
    "--model tiny --slices 40 --compile --reference-precision bfloat16",
    "--model tiny --slices 40 --compare vos_optimized --reference-precision bfloat16",
    "--model tiny --slices 40 --compile --compare vos_optimized --reference-precision bfloat16",
    "--model large --slices 40 --compile --reference-precision bfloat16",
    "--model large --slices 40 --compare vos_optimized --reference-precision bfloat16",
    "--model large --slices 40 --compile --compare vos_optimized --reference-precision bfloat16",
)
MEMORY = (
    "--model nano --slices 20",
    "--model nano --slices 100",
    "--model nano --slices 500 --compare none",
    "--model nano --slices 1000 --size 256 --compare none",
    "--model nano --slices 3 --rows 4020 --columns 4892 --compare none",
)


def cases_for(device: str) -> list[str]:
    """In order of what is wanted first where time is short; compiling takes minutes a case."""
    if not device.startswith("cuda"):
        return [*SPEED, *MEMORY]
    return list(dict.fromkeys([*GPU, *SPEED, *MEMORY, *COMPILED]))


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--quick", action="store_true", help="the embedded model alone, at most 20 slices")
    parser.add_argument("--case", action="append", help="only these, as options of benchmarks.propagation")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no case after so long")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder for the figures")
    options = parser.parse_args()
    end = time.monotonic() + 60 * options.minutes
    found: dict[str, Any] = {"machine": machine(options.device), "cases": []}
    cases = options.case or cases_for(options.device)
    if options.quick:
        cases = [case for case in cases if "nano" in case and not any(n in case for n in ("100", "500", "4020"))]
    if options.device == "cpu" and not options.case and not found["machine"]["bfloat16_units"]:
        cases = [case for case in cases if "bfloat16" not in case]
        print("Left out: bfloat16, which this processor would take days to emulate.")
    print(f"{found['machine']}\n\n{_HEADER}")
    path = _result_path(options.output, found["machine"])
    for number, case in enumerate(cases):
        if time.monotonic() > end:
            print(f"Left out for want of time: {len(cases) - number} of {len(cases)} cases.")
            break
        arguments = propagation.parser().parse_args([*shlex.split(case), "--device", options.device])
        try:
            result = propagation.compare(arguments)
            result.pop("machine")
            print(_row(result), flush=True)
        except propagation.SideFailedError as error:
            result = {"case": case, "failed": str(error)}
            print(f"failed: {case}\n{error}", flush=True)
        found["cases"].append(result)
        path.write_text(json.dumps(found, indent=1) + "\n")
    if not options.case:
        models = ["nano"] if options.quick else ["nano", "tiny"]
        found["clicks"] = [clicks.clicks(model, options.device, "auto", 50, 512) for model in models]
        found["floor"] = [floor.floor(model, None, options.device, 2) for model in models]
        for part in (*found["clicks"], *found["floor"]):
            part.pop("machine")
            print(json.dumps(part))
        path.write_text(json.dumps(found, indent=1) + "\n")
    print(f"\nKept in {path}")


_HEADER = f"{'ratio':>6} {'CPU':>6} {'Dice':>7} {'logits':>8} {'pixels':>7} {'MiB, R':>7} {'ours':>6}  case"


def _row(found: dict[str, Any]) -> str:
    def number(key: str, form: str, width: int) -> str:
        return format(found[key], form).rjust(width) if key in found else "-".rjust(width)

    return " ".join(
        [
            number("ratio", ".2f", 6),
            number("cpu_ratio", ".2f", 6),
            number("min_slice_dice", ".4f", 7),
            number("max_logit_difference", ".2g", 8),
            number("differing_pixels", "d", 7),
            number("reference_peak_mib", ".0f", 7),
            number("ours_peak_mib", ".0f", 6),
            "",
            found["case"],
        ]
    )


def _result_path(folder: Path, found: dict[str, Any]) -> Path:
    """A name that is not taken."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{dt.date.today().isoformat()}-{kind(found)}"
    for suffix in ("", *(f"-{i}" for i in range(2, 1000))):
        if not (folder / f"{stem}{suffix}.json").exists():
            return folder / f"{stem}{suffix}.json"
    raise SystemExit(f"There are too many results in {folder}.")


if __name__ == "__main__":
    main()
