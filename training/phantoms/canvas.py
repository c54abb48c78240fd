"""What all families of phantoms are drawn on: bent coordinates, shapes on them, and the labels painted so far.

Array order KJI (slice, row, column). Shapes are implicit functions f(z, y, x) >= 0 on coordinates that a smooth random
displacement has bent, so that no two shapes are alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch

Array = np.ndarray
Target = tuple[int, ...]


@dataclass
class LabelMap:
    """Labels of one phantom.

    labels: uint8, KJI. targets: label values that make one object a person would ask for (one organ, a pair of organs,
    an organ with the lesion in it), more often where they should be asked for more often. family: phantoms of a named
    family give the same label to the same organ, so that one patient's prompt can serve the next; "" where labels mean
    nothing. densities: mean CT number in HU by label, or None where the family has no such thing. image: float32 as
    labels where the picture is not made of the labels (projections), else None. alike: labels that mostly look the
    same. held_out: those of the targets that are of kinds left out of training.
    """

    labels: Array
    targets: list[Target] = field(default_factory=list)
    family: str = ""
    densities: Array | None = None
    image: Array | None = None
    alike: list[Target] = field(default_factory=list)
    held_out: list[Target] = field(default_factory=list)

    def __post_init__(self) -> None:
        # Two labels that make one object are two parts of one organ, mostly of the same tissue.
        self.alike = [*self.alike, *dict.fromkeys(t for t in self.targets if len(t) == 2)]


def smooth_noise(rng: np.random.Generator, shape: tuple[int, ...], cells: tuple[int, ...]) -> Array:
    """Noise of unit variance at its nodes, interpolated from a grid of `cells` nodes; float32."""
    coarse = torch.from_numpy(rng.standard_normal((1, 1, *cells)).astype(np.float32))
    mode = "trilinear" if len(shape) == 3 else "bilinear"
    return torch.nn.functional.interpolate(coarse, size=shape, mode=mode, align_corners=True)[0, 0].numpy()


class Canvas:
    """Coordinates of one volume and the labels painted so far.

    z runs over `z_range`, y and x from -1 to 1, before they are bent by up to about `strength`.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        shape: tuple[int, int, int],
        strength: float,
        z_range: tuple[float, float] = (-1.0, 1.0),
    ) -> None:
        self.rng = rng
        self.shape = shape
        self.axes = [
            np.linspace(*span, n, dtype=np.float32) for span, n in zip((z_range, (-1, 1), (-1, 1)), shape, strict=True)
        ]
        grids = np.meshgrid(*self.axes, indexing="ij")
        bends = [
            strength * smooth_noise(rng, shape, (4, 6, 6)) + 0.25 * strength * smooth_noise(rng, shape, (8, 16, 16))
            for _ in grids
        ]
        self.bend = max(float(np.abs(b).max()) for b in bends)
        self.z, self.y, self.x = (g + b for g, b in zip(grids, bends, strict=True))
        self.roughness = smooth_noise(rng, shape, (6, 12, 12))
        self.labels = np.zeros(shape, np.uint8)
        self.next_label = 1

    def paint(self, region: Array) -> int | None:
        """Paint a boolean region over what is there; its new label, or None when nothing is visible."""
        if self.next_label > 250 or region.sum() < 30:
            return None
        label = self.next_label
        self.labels[region] = label
        self.next_label += 1
        return label

    def fill(self, region: Array, label: int | Array, within: tuple[int, ...] | None = None) -> None:
        """Give a boolean region a label of the family's, or one for every voxel; `within`: only over those labels."""
        if within is not None:
            region = region & np.isin(self.labels, within)
        self.labels[region] = label[region] if isinstance(label, np.ndarray) else label

    def ellipsoid(
        self, centre: Array, radii: Array, angle: float = 0.0, power: float = 2.0, rough: float = 0.0
    ) -> Array:
        """Implicit superellipsoid: 1 at the centre, 0 on the surface, -1 far off; `angle` turns it in the slice plane.

        Computed only where the shape can be: most shapes fill a small part of the volume.
        """
        value = np.full(self.shape, -1, np.float32)
        grow = (1 + abs(rough) * float(np.abs(self.roughness).max())) ** 0.5
        reach_in_plane = float(max(radii[1], radii[2])) * 2**0.5
        near = []
        for axis, c, r in zip(self.axes, centre, (radii[0], reach_in_plane, reach_in_plane), strict=True):
            inside = np.flatnonzero(np.abs(axis - c) <= r * grow + self.bend)
            if len(inside) == 0:
                return value
            near.append(slice(inside[0], inside[-1] + 1))
        box = tuple(near)
        dy, dx = self.y[box] - centre[1], self.x[box] - centre[2]
        c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        u, v, w = (self.z[box] - centre[0]) / radii[0], (c * dy - s * dx) / radii[1], (s * dy + c * dx) / radii[2]
        if power == 2.0:
            distance = u * u + v * v + w * w
        else:
            distance = np.abs(u) ** power + np.abs(v) ** power + np.abs(w) ** power
        value[box] = 1 - distance + (rough * self.roughness[box] if rough else 0)
        return value

    def tube(self, path: Array, radius: Array, stretch: float = 1.0) -> Array:
        """Boolean tube along z. path: (slices, 2) centre (y, x); radius: (slices,), 0 where it has ended."""
        r2 = (self.y - path[:, 0, None, None]) ** 2 * stretch + (self.x - path[:, 1, None, None]) ** 2 / stretch
        return r2 < (radius**2)[:, None, None]


def vector(*values: float) -> Array:
    return np.array(values, np.float32)
