"""From label maps to 8-bit frames that could be CT, MR or X-ray: domain randomisation.

Every region gets a random brightness and texture, the frames a random partial volume, bias field, blur, noise, streaks
and window, as in Billot et al., SynthSeg (Medical Image Analysis 2023, 86, 102789).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

Rng = np.random.Generator


# Windows of CT as (level, width) in HU: lung, soft tissue, liver, bone, brain, wide.
CT_WINDOWS = ((-600, 1500), (-500, 1400), (40, 400), (60, 160), (400, 1800), (40, 100), (0, 2000))


@dataclass
class Scene:
    """What a clip shows; neighbouring frames are neighbouring slices, or slices of other patients.

    labels: (frames, rows, columns) integer. alike: labels of one organ in two parts, mostly of the same tissue.
    densities: mean CT number by label, or None. image: float (frames, rows, columns) in about 0..1 where the picture is
    not made of the labels.
    """

    labels: torch.Tensor
    alike: list[tuple[int, ...]]
    densities: np.ndarray | None = None
    image: torch.Tensor | None = None


def render(scene: Scene, rng: Rng) -> torch.Tensor:
    """Frames of a scene, float32 in 0..255 with integer values, same shape as its labels."""
    labels, shape = scene.labels, tuple(scene.labels.shape)
    window = None
    if scene.image is not None:
        image = scene.image + 0.3 * _texture(labels, rng, shape)
    elif scene.densities is not None and rng.random() < 0.45:
        level, width = CT_WINDOWS[rng.integers(len(CT_WINDOWS))]
        low, width = level - width / 2 + rng.normal(0, 0.05) * width, width * np.exp(rng.normal(0, 0.15))
        table = torch.from_numpy(((scene.densities - low) / width).astype(np.float32))
        # Tissue is less uniform the narrower the window; noise of 10 to 30 HU does the same to the whole image.
        image = table[labels.long()] + min(1.0, 300 / width) * _texture(labels, rng, shape)
        window = (0.0, 1.0)
    else:
        image = _brightness(labels, rng, scene.alike) + _texture(labels, rng, shape)
    if rng.random() < 0.5:
        image = _blur(image, rng.uniform(0.3, 1.2))
    if rng.random() < 0.5 and window is None:
        image = image * (1 + rng.uniform(0.05, 0.35) * _smooth(rng, shape, (2, 4, 4)))
    if rng.random() < 0.12:
        image = image + rng.uniform(0.02, 0.1) * _streaks(rng, shape)
    image = _noise(image, rng, shape)
    if rng.random() < 0.35:
        image = _coarser(image, rng)
    return _window(image, rng, window)


def _brightness(labels: torch.Tensor, rng: Rng, alike: list[tuple[int, ...]]) -> torch.Tensor:
    """One brightness a region; the background is mostly dark; some neighbours look alike."""
    table = rng.random(256).astype(np.float32)
    if rng.random() < 0.3:  # few distinct tissues, as in a narrow CT window
        tissues = rng.random(rng.integers(3, 6)).astype(np.float32)
        table = tissues[rng.integers(len(tissues), size=256)] + rng.normal(0, 0.04, 256).astype(np.float32)
    if rng.random() < 0.7:
        table[0] = rng.uniform(0, 0.1)
    for first, *others in alike:
        if rng.random() < 0.75:
            table[others] = table[first]
    present = np.unique(labels[0].numpy())
    if rng.random() < 0.3:  # organs that look like the background, as lungs and air, or like each other
        twins = rng.choice(present, min(len(present), int(rng.integers(1, 4))), replace=False)
        table[twins] = table[0] + rng.normal(0, 0.02, len(twins))
    return torch.from_numpy(table)[labels.long()]


def _texture(labels: torch.Tensor, rng: Rng, shape: tuple[int, ...]) -> torch.Tensor:
    total = torch.zeros(shape)
    for cells in (int(rng.integers(6, 16)), int(rng.integers(20, 64))):
        amount = (rng.random(256) ** 2 * rng.uniform(0.02, 0.15)).astype(np.float32)
        total += torch.from_numpy(amount)[labels.long()] * _smooth(rng, shape, (max(2, shape[0]), cells, cells))
    return total


def _smooth(rng: Rng, shape: tuple[int, ...], cells: tuple[int, int, int]) -> torch.Tensor:
    coarse = torch.from_numpy(rng.standard_normal((1, 1, *cells)).astype(np.float32))
    return F.interpolate(coarse, size=shape, mode="trilinear", align_corners=True)[0, 0]


def _blur(image: torch.Tensor, sigma: float) -> torch.Tensor:
    radius = max(1, int(3 * sigma))
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
    kernel = kernel / kernel.sum()
    padded = F.pad(image[:, None], (radius,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(padded, kernel[None, None, :, None]), kernel[None, None, None, :])[:, 0]


def _streaks(rng: Rng, shape: tuple[int, ...]) -> torch.Tensor:
    angle, count = rng.uniform(0, np.pi), rng.uniform(10, 60)
    y, x = torch.meshgrid(torch.linspace(-1, 1, shape[1]), torch.linspace(-1, 1, shape[2]), indexing="ij")
    wave = torch.sin(count * (np.cos(angle) * y + np.sin(angle) * x) + rng.uniform(0, 6))
    return wave[None] * _smooth(rng, shape, (max(2, shape[0]), 3, 3)).abs()


def _noise(image: torch.Tensor, rng: Rng, shape: tuple[int, ...]) -> torch.Tensor:
    """Some noise always: flat regions make the first normalisation layer of Hiera divide by almost nothing."""
    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    noise = torch.randn(shape, generator=generator)
    if rng.random() < 0.4:
        noise = 2 * _blur(noise, 0.7)
    level = np.exp(rng.uniform(np.log(0.005), np.log(0.12)))
    return image + level * noise


def _coarser(image: torch.Tensor, rng: Rng) -> torch.Tensor:
    """As if the image had been acquired with fewer pixels and then enlarged."""
    factor = rng.uniform(0.2, 0.8)
    small = F.interpolate(image[:, None], scale_factor=factor, mode="bilinear", antialias=True)
    return F.interpolate(small, size=image.shape[-2:], mode="bicubic", align_corners=False)[:, 0]


def _window(image: torch.Tensor, rng: Rng, window: tuple[float, float] | None) -> torch.Tensor:
    """To 0..255 by `window`, or by random quantiles of the image."""
    if window is None:
        sample = image.flatten()[:: max(1, image.numel() // 4000)].numpy()
        low, high = (float(q) for q in np.quantile(sample, [rng.uniform(0, 0.08), 1 - rng.uniform(0, 0.08)]))
        scaled = ((image - low) / (high - low + 1e-3)).clamp(0, 1) ** float(np.exp(rng.uniform(-0.5, 0.5)))
    else:
        scaled = ((image - window[0]) / (window[1] - window[0])).clamp(0, 1)
    if rng.random() < 0.1:
        scaled = 1 - scaled
    return (scaled * 255).floor()
