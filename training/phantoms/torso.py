"""A trunk between pelvis and neck: chest, abdomen, or a part of either.

z runs from 0 (pelvis) to 1 (top of the shoulders); y from front (-1) to back (1); x from the patient's right (-1) to
the left (1). Sizes are fractions of half the field of view.
"""

from __future__ import annotations

import numpy as np

from training.phantoms.canvas import Array, Canvas, LabelMap, smooth_noise, vector
from training.phantoms.torso_organs import CAGE, COLUMN, LUNGS, RIBS, VERTEBRAE, Organ, densities, targets

Rng = np.random.Generator


def draw_torso(rng: Rng, shape: tuple[int, int, int], span: tuple[float, float] | None = None) -> LabelMap:
    """A random trunk; span: the part of z it covers, at random without it."""
    if span is None:
        length = rng.uniform(0.25, 1.0)
        low = rng.uniform(0, 1.03 - length)
        span = (low, low + length)
    trunk = _Trunk(rng, shape, span)
    trunk.body()
    trunk.chest()
    trunk.abdomen()
    trunk.spine_and_ribs()
    trunk.lesions()
    return LabelMap(trunk.canvas.labels, targets(), "torso", densities(rng), alike=[COLUMN, CAGE])


class _Trunk:
    """One trunk on its canvas; every method paints over what the ones before left."""

    def __init__(self, rng: Rng, shape: tuple[int, int, int], span: tuple[float, float]) -> None:
        self.rng = rng
        self.canvas = Canvas(rng, shape, strength=rng.uniform(0.008, 0.03), z_range=span)
        self.width = rng.uniform(0.72, 0.95)
        self.depth = self.width * rng.uniform(0.55, 0.8)
        self.dome = rng.uniform(0.48, 0.58)  # height of the diaphragm
        self.wall = rng.uniform(0.1, 0.25)  # share of fat and muscle
        self.back = 0.55 * self.depth  # where the spine is

    def near(self, mean: float, spread: float) -> float:
        return float(mean * np.exp(self.rng.normal(0, spread)))

    def body(self) -> None:
        canvas, rng = self.canvas, self.rng
        z = canvas.z
        shoulders = np.clip((z - 0.93) / 0.1, 0, 1)
        narrow = 1 - 0.5 * shoulders**2
        power = rng.choice([2.0, 2.3, 2.7])
        self.radius = (
            np.abs(canvas.y / (self.depth * narrow)) ** power + np.abs(canvas.x / (self.width * narrow)) ** power
        )
        canvas.fill(self.radius < 1, Organ.FAT)
        canvas.fill(self.radius < 1 - 0.5 * self.wall * rng.uniform(0.1, 1), Organ.MUSCLE)
        self.cavity = self.radius < (1 - self.wall) ** 2
        canvas.fill(self.cavity, Organ.CAVITY)
        if rng.random() < 0.4:
            line = self.depth + rng.uniform(0.02, 0.15) + 0.1 * canvas.axes[2] ** 2 * rng.uniform(-1, 1)
            region = (np.abs(canvas.axes[1][:, None] - line[None, :]) < rng.uniform(0.005, 0.02))[None]
            canvas.fill(np.broadcast_to(region, canvas.shape) & (canvas.labels == 0), Organ.TABLE)
        if rng.random() < 0.25:
            for side in (-1, 1):
                centre = vector(0.5, rng.uniform(-0.1, 0.2), side * (self.width + 0.05))
                arm = canvas.ellipsoid(centre, vector(2, 0.13, 0.1)) > 0
                canvas.fill(arm & (canvas.labels == 0), Organ.ARMS)

    def chest(self) -> None:
        canvas, rng = self.canvas, self.rng
        z, y, x = canvas.z, canvas.y, canvas.x
        apex = rng.uniform(0.9, 0.97)
        taper = np.sqrt(
            np.clip(1 - (np.clip(z - self.dome, 0, None) / (apex - self.dome)) ** rng.uniform(2, 5), 0.0, 1)
        )
        room = self.radius < ((1 - self.wall) * taper) ** 2
        middle = self.width * (rng.uniform(0.12, 0.2) + 0.12 * np.clip(y / self.depth, -1, 1) ** 2)
        canvas.fill(room & (np.abs(x) < middle) & (z > self.dome - 0.05), Organ.MEDIASTINUM)
        rough = 0.03 * canvas.roughness
        for side, lung, vessels in (
            (-1, Organ.RIGHT_LUNG, Organ.RIGHT_VESSELS),
            (1, Organ.LEFT_LUNG, Organ.LEFT_VESSELS),
        ):
            top = self.dome + (0.03 if side < 0 else 0.0)
            bowl = ((x - side * 0.45 * self.width) / (0.5 * self.width)) ** 2 + (y / self.depth) ** 2
            floor = top - rng.uniform(0.08, 0.2) * bowl
            region = room & (side * x > middle + rough) & (z > floor + rough)
            canvas.fill(region, lung)
            for cells, threshold in (((16, 40, 40), rng.uniform(1.2, 2.2)), ((12, 20, 20), rng.uniform(1.4, 2.5))):
                canvas.fill(region & (smooth_noise(rng, canvas.shape, cells) > threshold), vessels)
        size = self.near(0.3, 0.15) * self.width
        centre = vector(self.dome + rng.uniform(0.05, 0.12), -0.25 * self.depth, 0.12 * self.width)
        heart = canvas.ellipsoid(centre, vector(rng.uniform(0.1, 0.16), size * 0.9, size), rng.uniform(-0.6, 0.6))
        canvas.fill((heart > 0) & self.cavity, Organ.HEART)
        self._pipe(Organ.AORTA, (self.back - 0.2, 0.1), self.near(0.055, 0.25), 0.1, 0.85)
        self._pipe(Organ.VENA_CAVA, (self.back - 0.28, -0.1), self.near(0.05, 0.25), 0.1, 0.9)
        self._pipe(Organ.TRACHEA, (self.back - 0.3, 0.0), self.near(0.045, 0.25), 0.74, 1.1)
        self._pipe(Organ.OESOPHAGUS, (self.back - 0.22, 0.05), self.near(0.03, 0.2), 0.5, 1.1)

    def _pipe(self, organ: Organ, start: tuple[float, float], radius: float, low: float, high: float) -> None:
        rng, z = self.rng, self.canvas.axes[0]
        wave = 0.02 * np.sin(np.outer(z, rng.uniform(4, 10, 2)) + rng.uniform(0, 6, 2))
        path = vector(*start) * np.exp(rng.normal(0, 0.15, 2)) + wave
        size = radius * (1 + 0.15 * np.sin(rng.uniform(5, 15) * z + rng.uniform(0, 6)))
        self.canvas.fill(self.canvas.tube(path, np.where((z > low) & (z < high), size, 0)), organ)

    def _organ(self, organ: Organ, centre: tuple[float, float, float], radii: tuple[float, float, float],
               tilt: float = 0.3, rough: float = 0.12) -> Array:  # fmt: skip
        """An ellipsoid below the diaphragm; centre and radii in shares of z, depth and width."""
        rng = self.rng
        scale = vector(1, self.depth, self.width)
        moved = vector(*centre) * scale + rng.normal(0, 0.03, 3) * vector(0.6, 1, 1)
        sized = vector(*radii) * scale * np.exp(rng.normal(0, 0.18, 3))
        f = self.canvas.ellipsoid(
            moved.astype(np.float32), sized.astype(np.float32), rng.normal(0, tilt), float(rng.choice([2.0, 2.4])),
            rng.uniform(0, rough),
        )  # fmt: skip
        open_room = (
            Organ.CAVITY,
            Organ.MUSCLE,
            Organ.BOWEL,
            Organ.BOWEL_GAS,
            Organ.STOMACH,
            Organ.STOMACH_GAS,
            Organ.LIVER,
            Organ.PANCREAS,
        )
        self.canvas.fill((f > 0) & self.cavity, organ, within=open_room)
        return f

    def abdomen(self) -> None:
        canvas, rng = self.canvas, self.rng
        below = canvas.z < self.dome
        bowel = smooth_noise(rng, canvas.shape, (12, 18, 18))
        room = self.cavity & below & (canvas.y < 0.35 * self.depth) & (canvas.labels == Organ.CAVITY)
        canvas.fill(room & (bowel > rng.uniform(-0.3, 0.6)), Organ.BOWEL)
        canvas.fill(room & (bowel > rng.uniform(1.0, 1.6)) & (canvas.y < 0), Organ.BOWEL_GAS)
        self._organ(Organ.STOMACH, (0.47, -0.25, 0.32), (0.09, 0.35, 0.26))
        gas = (canvas.labels == Organ.STOMACH) & (canvas.y < rng.uniform(-0.6, 0.0) * self.depth)
        canvas.fill(gas, Organ.STOMACH_GAS)
        self._organ(Organ.PANCREAS, (0.4, -0.05, 0.05), (0.03, 0.08, 0.3), rough=0.3)
        self._organ(Organ.LIVER, (0.46, -0.05, -0.42), (0.14, 0.62, 0.42))
        self._organ(Organ.LIVER, (0.49, -0.3, -0.1), (0.07, 0.4, 0.5))
        self._organ(Organ.SPLEEN, (0.46, 0.35, 0.62), (0.08, 0.3, 0.17), tilt=0.5)
        for side, kidney in ((-1, Organ.RIGHT_KIDNEY), (1, Organ.LEFT_KIDNEY)):
            f = self._organ(kidney, (0.36, 0.4, side * 0.42), (0.08, 0.2, 0.13), tilt=0.6)
            canvas.fill(f > rng.uniform(0.6, 0.9), Organ.RENAL_PELVIS, within=(kidney,))
        self._organ(Organ.GALLBLADDER, (0.4, -0.35, -0.3), (0.04, 0.12, 0.08))
        self._organ(Organ.BLADDER, (0.05, -0.15, 0.0), (0.07, 0.3, 0.28))
        for side in (-1, 1):
            path = np.stack([self.back - 0.05 + 0 * canvas.axes[0], side * (0.12 + 0.25 * (0.45 - canvas.axes[0]))], 1)
            size = np.where(canvas.axes[0] < 0.42, 0.09 * np.clip((0.45 - canvas.axes[0]) * 8, 0.3, 1), 0)
            canvas.fill(canvas.tube(path, size) & self.cavity, Organ.PSOAS)

    def spine_and_ribs(self) -> None:
        canvas, rng = self.canvas, self.rng
        z = canvas.axes[0]
        lean = rng.normal(0, 0.03) + 0.03 * np.sin(3 * z + rng.uniform(0, 6))
        back = self.back + 0.04 * np.sin(5 * z + rng.uniform(0, 6))
        pitch = rng.uniform(90, 120)  # about 17 vertebrae from pelvis to shoulders
        size = self.near(0.13, 0.15) * (1 + 0.06 * np.cos(pitch * z))
        path = np.stack([back, lean], 1)
        inside = self.radius < (1 - 0.3 * self.wall) ** 2
        thorn = inside & (np.abs(canvas.x - lean[:, None, None]) < 0.035) & (canvas.y > (back + size)[:, None, None])
        canvas.fill(thorn & (canvas.y < (back + 3.2 * size)[:, None, None]), Organ.BONE)
        canvas.fill(canvas.tube(path, size, rng.uniform(1.0, 1.5)), Organ.BONE)
        count, part = np.divmod(canvas.z * (pitch / (2 * np.pi)), 1)
        vertebra = Organ.FIRST_VERTEBRA + (count - count.min()).astype(np.uint8) % VERTEBRAE
        disc = part < rng.uniform(0.1, 0.3)
        column = canvas.tube(path, size * rng.uniform(0.75, 0.95), rng.uniform(1.0, 1.5))
        canvas.fill(column, np.where(disc, Organ.DISC, vertebra).astype(np.uint8))
        hole = path + np.stack([1.25 * size, 0 * size], 1)
        canvas.fill(canvas.tube(hole, size * 0.75), Organ.BONE)
        canvas.fill(canvas.tube(hole, size * 0.55), Organ.CANAL)
        canvas.fill(canvas.tube(hole, size * rng.uniform(0.25, 0.4)), Organ.CORD)
        ring = (self.radius > (1 - self.wall) ** 2) & (self.radius < (1 - 0.65 * self.wall) ** 2)
        angle = np.abs(np.arctan2(canvas.x, canvas.y))
        phase = rng.uniform(60, 90) * canvas.z + rng.uniform(3, 8) * angle
        cage = ring & (canvas.z > self.dome - 0.12) & (canvas.z < 0.96) & (np.sin(phase) > rng.uniform(0.2, 0.6))
        count = np.floor(phase / (2 * np.pi))
        rib = 2 * ((count - count.min()).astype(np.uint8) % (RIBS // 2)) + (canvas.x > 0)
        canvas.fill(cage, Organ.FIRST_RIB + rib.astype(np.uint8))
        pelvis = ring & (canvas.z < rng.uniform(0.15, 0.22)) & (canvas.y > -0.1)
        canvas.fill(pelvis, Organ.BONE)

    def lesions(self) -> None:
        canvas, rng = self.canvas, self.rng
        for host in ((Organ.LIVER,), LUNGS, (Organ.SPLEEN,), (Organ.RIGHT_KIDNEY,)):
            places = np.argwhere(np.isin(canvas.labels[::4, ::8, ::8], host))
            if rng.random() < 0.65 or len(places) == 0:
                continue
            k, i, j = places[rng.integers(len(places))] * (4, 8, 8)
            centre = vector(canvas.axes[0][k], canvas.axes[1][i], canvas.axes[2][j])
            size = np.exp(rng.uniform(np.log(0.04), np.log(0.15)))
            f = canvas.ellipsoid(centre, vector(0.3 * size, size, size * rng.uniform(0.7, 1.4)), 0.0, 2.0, 0.4)
            canvas.fill(f > 0, Organ.LESION, within=(*host, Organ.RIGHT_VESSELS, Organ.LEFT_VESSELS))
