"""What the papers print: their values beside which a study's own are put."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

PROMPT_ONCE = "Prompt Once, Segment Everything (Algorithms 18:227, 2025)"
NO_MORE_TRAINING = "No More Training (IEEE Access 12:24205, 2024)"
HUANG = "Segment Anything Model for Medical Images? (Medical Image Analysis 92:103061, 2024)"
DRAWINGS = "drawings of github.com/i3uex/prompt_once_segment_everything_code"

_STRATEGY_ARMS = [f"{model}-S{number}" for model in ("sam_b", "sam_h") for number in range(1, 7)]


@dataclass(frozen=True)
class PrintedValue:
    """One value of a paper.

    study, arm: as studies call them, of moved prompts the strategy and how far they moved. group: of cases, "all" for
    all slices of the study together.
    metric: "jaccard" and "dice" are means over slices, with their standard deviation in `sd`; an ending says that it is
    something else: "_min", "_max", "_median", "_q1", "_q3", "_delta" (difference of means from the arm that the study
    compares with), "_t" and "_p" (paired t-test of SAM less SAM 2: negative where SAM 2 is better), "_drop" (loss of
    mean Dice by moved prompts), "_rho" (partial rank correlation with Dice). Others: "hausdorff_pixels", "seconds" (for
    one slice), "embed_seconds", "prompt_seconds".
    value, sd: percentages as fractions from 0 to 1; t, p, rho, pixels and seconds as they are.
    source: paper and table or figure.
    """

    study: str
    group: str
    arm: str
    metric: str
    value: float
    sd: float | None
    source: str


def _against_sam() -> Iterator[PrintedValue]:
    """Prompt Once, section 4.1: every slice prompted, SAM ViT-L and SAM 2 large.

    The values of SAM are those of SAM 2 less the printed differences.
    """
    columns = {
        ("Coronacases", "jaccard"): (12.81, 99.05, 93.29, 7.16),
        ("Coronacases", "dice"): (22.71, 99.52, 96.35, 4.81),
        ("Radiopaedia", "jaccard"): (14.32, 98.52, 92.04, 8.82),
        ("Radiopaedia", "dice"): (25.05, 99.26, 95.57, 6.18),
        ("Montgomery", "jaccard"): (65.16, 94.07, 87.77, 5.21),
        ("Montgomery", "dice"): (78.91, 96.65, 93.40, 3.13),
    }
    differences = {  # Montgomery's SAM is printed itself, in No More Training
        ("Coronacases", "jaccard"): (4.37, 0.21, 1.39, -4.29),
        ("Coronacases", "dice"): (7.15, 0.10, 1.08, -3.75),
        ("Radiopaedia", "jaccard"): (8.05, 0.19, 1.76, -5.27),
        ("Radiopaedia", "dice"): (13.26, 0.10, 1.49, -4.83),
    }
    sam = {
        key: tuple(round(value - more, 2) for value, more in zip(columns[key], difference, strict=True))
        for key, difference in differences.items()
    }
    yield from _distributions("sam-vs-sam2", "sam2", columns, f"{PROMPT_ONCE}, table 2")
    yield from _distributions("sam-vs-sam2", "sam", sam, f"{PROMPT_ONCE}, table 2, SAM 2 less the difference")
    for arm, jaccard, dice in (("sam", 91.09, 94.68), ("sam2", 92.66, 95.96)):
        # The mean of the two groups' means, not that of all slices.
        for metric, percent in (("jaccard", jaccard), ("dice", dice)):
            yield _percent("sam-vs-sam2", "mean of groups", arm, metric, percent, f"{PROMPT_ONCE}, table 3")
    for group, arm, seconds in (
        ("all", "sam", 0.876),
        ("all", "sam2", 0.685),
        ("all, with Montgomery", "sam", 0.96),
        ("all, with Montgomery", "sam2", 0.81),
    ):
        yield PrintedValue("sam-vs-sam2", group, arm, "seconds", seconds, None, f"{PROMPT_ONCE}, table 4")
    yield PrintedValue("sam-vs-sam2", "all", "sam", "prompt_seconds", 0.061, None, f"{PROMPT_ONCE}, section 6")
    yield PrintedValue("sam-vs-sam2", "all", "sam2", "prompt_seconds", 0.588, None, f"{PROMPT_ONCE}, section 6")
    for group, metric, t, p in (
        ("Coronacases", "jaccard", -9.00, 4.72e-19),
        ("Coronacases", "dice", -8.70, 6.38e-18),
        ("Radiopaedia", "jaccard", -5.60, 2.97e-8),
        ("Radiopaedia", "dice", -5.58, 3.36e-8),
        ("Montgomery", "jaccard", -0.68, 0.498),
        ("Montgomery", "dice", -0.76, 0.447),
    ):
        for ending, value in (("_t", t), ("_p", p)):
            yield PrintedValue("sam-vs-sam2", group, "sam2", metric + ending, value, None, f"{PROMPT_ONCE}, table 5")


def _boxes() -> Iterator[PrintedValue]:
    """The boxes of the drawings that come with the code, read from their lines: exact to 0.01 points.

    They are No More Training's figures 4 and 5 for SAM, and the same for SAM 2 with every slice prompted.
    """
    for group, arm, metric, q1, median, q3 in (
        ("all", "sam", "jaccard", 92.56, 95.26, 96.65),
        ("Coronacases", "sam", "jaccard", 93.07, 95.32, 96.64),
        ("Radiopaedia", "sam", "jaccard", 91.26, 95.08, 96.71),
        ("Montgomery", "sam", "jaccard", 83.77, 88.65, 92.30),
        ("all", "sam", "dice", 96.13, 97.57, 98.30),
        ("Coronacases", "sam", "dice", 96.41, 97.60, 98.29),
        ("Radiopaedia", "sam", "dice", 95.43, 97.48, 98.33),
        ("Montgomery", "sam", "dice", 91.17, 93.98, 96.00),
        ("all", "sam2", "jaccard", 92.52, 94.81, 96.57),
        ("Coronacases", "sam2", "jaccard", 92.96, 94.93, 96.70),
        ("Radiopaedia", "sam2", "jaccard", 91.23, 94.46, 96.31),
        ("Montgomery", "sam2", "jaccard", 86.65, 88.84, 90.91),
        ("all", "sam2", "dice", 96.12, 97.34, 98.25),
        ("Coronacases", "sam2", "dice", 96.35, 97.40, 98.32),
        ("Radiopaedia", "sam2", "dice", 95.41, 97.15, 98.12),
        ("Montgomery", "sam2", "dice", 92.85, 94.09, 95.24),
    ):
        for ending, percent in (("_q1", q1), ("_median", median), ("_q3", q3)):
            yield _percent("sam-vs-sam2", group, arm, metric + ending, percent, DRAWINGS)


def _no_more_training() -> Iterator[PrintedValue]:
    """SAM ViT-L, every slice prompted."""
    columns = {
        ("all", "jaccard"): (6.27, 98.84, 91.45, 12.25),
        ("all", "dice"): (11.79, 99.42, 94.95, 9.30),
        ("Montgomery", "jaccard"): (61.60, 95.94, 87.45, 6.09),
        ("Montgomery", "dice"): (76.24, 97.93, 93.19, 3.60),
    }
    yield from _distributions("sam-vs-sam2", "sam", columns, f"{NO_MORE_TRAINING}, table 1")


def _propagated() -> Iterator[PrintedValue]:
    """Prompt Once, sections 4.2 and 4.3: SAM 2 large with a prompt for a volume, and with one for the set.

    The code that made table 6 and figure 14 leaves out slices in which nothing was found, three of Coronacases and four
    of Radiopaedia; with them the means of Jaccard would be 91.26 % and 91.47 %.
    """
    without = "slices left out in which nothing was found"
    table, figure = f"{PROMPT_ONCE}, table 6, {without}", f"{PROMPT_ONCE}, figure 14, {without}"
    single, shared = "sam2-single-prompt", "sam2-shared-seed"
    columns = {
        ("Coronacases", "jaccard"): (0.32, 98.63, 91.39, 12.26),
        ("Coronacases", "dice"): (0.65, 99.31, 94.87, 10.07),
        ("Radiopaedia", "jaccard"): (6.01, 98.56, 91.92, 10.07),
        ("Radiopaedia", "dice"): (11.34, 99.28, 95.39, 7.68),
    }
    yield from _distributions("single-prompt", single, columns, table)
    for group, metric, points in (
        ("Coronacases", "jaccard", -0.50),
        ("Coronacases", "dice", -0.40),
        ("Radiopaedia", "jaccard", 1.64),
        ("Radiopaedia", "dice", 1.31),
    ):
        yield _percent("single-prompt", group, single, f"{metric}_delta", points, table)
    for group, metric, points in (
        ("Coronacases", "jaccard", 0.60),
        ("Coronacases", "dice", 0.40),
        ("Radiopaedia", "jaccard", -0.18),
        ("Radiopaedia", "dice", -0.16),
    ):
        yield _percent("shared-seed", group, shared, f"{metric}_delta", points, figure)
    for metric, percent in (("jaccard", 84.81), ("dice", 90.67)):
        source = f"{PROMPT_ONCE}, section 4.3, AMOS, spleen, eight MR volumes"
        yield _percent("modalities", "MR", single, metric, percent, source)


def _strategies() -> Iterator[PrintedValue]:
    """Huang et al., tables 2 and 3 for the organs of the data sets here, and table 4: SAM ViT-B and ViT-H."""
    rows = {  # Dice in % and Hausdorff distance in pixels for S1 to S6, ViT-B and then ViT-H
        "Lung CT": (
            (81.36, 86.05, 94.45, 93.64, 96.75, 93.89, 89.35, 89.59, 95.65, 95.75, 96.73, 96.40),
            (57.69, 45.90, 21.56, 42.70, 12.11, 16.76, 48.44, 39.36, 14.98, 22.63, 10.76, 10.50),
        ),
        "Spleen CT": (
            (39.11, 70.78, 72.24, 76.82, 92.54, 92.35, 50.16, 73.31, 78.36, 82.30, 92.28, 92.16),
            (125.28, 46.89, 42.79, 34.44, 6.44, 6.61, 100.26, 46.52, 33.48, 24.36, 6.37, 6.41),
        ),
        "Spleen MR": (
            (55.43, 81.00, 81.56, 86.62, 93.74, 93.24, 67.80, 82.66, 85.60, 87.94, 93.04, 92.68),
            (90.79, 28.53, 27.65, 17.61, 5.87, 6.25, 61.74, 23.78, 17.26, 14.83, 6.06, 6.32),
        ),
        "Lung X-ray": (
            (9.56, 93.25, 94.03, 93.23, 95.32, 95.11, 64.42, 91.96, 94.11, 94.20, 95.62, 95.65),
            (1977.68, 257.39, 236.67, 448.30, 159.31, 175.42, 829.27, 272.97, 210.19, 251.03, 129.96, 126.08),
        ),
    }
    for group, (dice, distances) in rows.items():
        for arm, percent, pixels in zip(_STRATEGY_ARMS, dice, distances, strict=True):
            yield _percent("strategies", group, arm, "dice", percent, f"{HUANG}, table 2")
            yield PrintedValue("strategies", group, arm, "hausdorff_pixels", pixels, None, f"{HUANG}, table 3")
    for model, embedding, prompting in (
        ("sam_b", 0.1276, (1.9692, 0.0085, 0.0088, 0.0090, 0.0080, 0.0088)),
        ("sam_h", 0.4718, (3.0324, 0.0086, 0.0088, 0.0091, 0.0080, 0.0090)),
    ):
        for number, seconds in enumerate(prompting, start=1):
            for metric, value in (("embed_seconds", embedding), ("prompt_seconds", seconds)):
                yield PrintedValue("strategies", "all", f"{model}-S{number}", metric, value, None, f"{HUANG}, table 4")


def _strategy_factors() -> Iterator[PrintedValue]:
    """Huang et al., table 6: what Dice goes with; table 8: what moved prompts cost."""
    correlations = {  # S1 to S6, ViT-B and then ViT-H
        "size": (0.218, 0.236, 0.289, 0.275, 0.410, 0.370, 0.271, 0.293, 0.330, 0.339, 0.428, 0.392),
        "contrast": (0.503, 0.572, 0.638, 0.628, 0.445, 0.467, 0.614, 0.535, 0.591, 0.533, 0.407, 0.412),
        "fourier": (-0.419, -0.537, -0.520, -0.524, -0.479, -0.621, -0.453, -0.519, -0.537, -0.533, -0.463, -0.576),
        "modality": (-0.006, 0.051, 0.094, 0.062, -0.023, 0.014, 0.048, 0.049, 0.065, 0.040, -0.034, -0.011),
        "aspect": (0.056, 0.079, 0.046, 0.048, 0.065, 0.068, 0.055, 0.072, 0.053, 0.060, 0.076, 0.071),
    }
    for attribute, values in correlations.items():
        for arm, rho in zip(_STRATEGY_ARMS, values, strict=True):
            yield PrintedValue("strategies", "all", arm, f"{attribute}_rho", rho, None, f"{HUANG}, table 6")
    drops = {  # loss of Dice in points for S2 to S6, mean of three draws
        "0-10": (2.67, 0.86, 0.79, 3.25, 4.69),
        "10-20": (7.38, 1.33, 1.29, 10.50, 14.03),
        "20-30": (14.62, 4.44, 3.17, 24.11, 29.93),
    }
    for pixels, points in drops.items():
        for number, drop in enumerate(points, start=2):
            yield _percent(
                "strategies", "all", f"sam_b-S{number}-moved-{pixels}", "dice_drop", drop, f"{HUANG}, table 8"
            )


def _distributions(
    study: str, arm: str, columns: Mapping[tuple[str, str], Sequence[float]], source: str
) -> Iterator[PrintedValue]:
    """Columns of minimum, maximum, mean and standard deviation in %, by group and metric."""
    for (group, metric), (lowest, highest, mean, sd) in columns.items():
        yield _percent(study, group, arm, f"{metric}_min", lowest, source)
        yield _percent(study, group, arm, f"{metric}_max", highest, source)
        yield _percent(study, group, arm, metric, mean, source, sd)


def _percent(
    study: str, group: str, arm: str, metric: str, percent: float, source: str, sd: float | None = None
) -> PrintedValue:
    """A value that is printed in % or in points, as a fraction with the digits that are printed."""
    spread = None if sd is None else round(sd / 100, 4)
    return PrintedValue(study, group, arm, metric, round(percent / 100, 4), spread, source)


PRINTED: tuple[PrintedValue, ...] = (
    *_against_sam(),
    *_boxes(),
    *_no_more_training(),
    *_propagated(),
    *_strategies(),
    *_strategy_factors(),
)
"""All values, grouped by study."""
