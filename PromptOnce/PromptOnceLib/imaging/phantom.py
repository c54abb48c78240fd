"""A schematic CT of chest and upper abdomen, drawn by formulas: sample data that belongs to nobody."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from PromptOnceLib.imaging.phantom_canvas import Canvas, Floats, Vector, ellipsoid, torso
from PromptOnceLib.imaging.volume import Geometry, Volume

LABELS = {"right lung": 1, "left lung": 2, "heart": 3, "liver": 4, "spleen": 5, "aorta": 6}
"""Label of every organ in the phantom's label array; 0 is everything else."""

_EXTENT = (100.0, 358.4, 358.4)  # mm along k, j, i
_FAT, _MUSCLE, _BLOOD = -95.0, 55.0, 165.0  # HU, about a minute after contrast medium
_CORTEX, _MARROW, _CARTILAGE = 700.0, 220.0, 110.0
_VERTEBRA_HEIGHT, _RIB_SPACING = 25.0, 24.0  # mm


def chest_phantom(seed: int = 0, shape: tuple[int, int, int] = (40, 256, 256)) -> tuple[Volume, npt.NDArray[np.uint8]]:
    """Draw a chest phantom: the volume (int16, HU, KJI) and its labels (uint8, KJI; see LABELS).

    Slices are axial, k towards the head, rows towards the back, columns towards the patient's left, so that slice k
    shown as it is has the usual radiological orientation. The trunk is shortened: both lungs begin and end inside the
    100 mm of the volume. shape changes the size of the voxels (2.5 x 1.4 x 1.4 mm by default), not of the patient.
    The same seed gives the same voxels; other seeds give other patients.
    """
    spacing = (_EXTENT[0] / shape[0], _EXTENT[1] / shape[1], _EXTENT[2] / shape[2])
    canvas = Canvas(shape, spacing, seed)
    body = _draw_trunk(canvas)
    cavity = torso(canvas, -2, 122, 86)
    spine = ellipsoid(canvas, (0, 54, 0), (19, 15, 1e4))
    domes = _domes(canvas)
    heart = _heart(canvas)
    _draw_inside(canvas, cavity, domes)
    _draw_lungs(canvas, cavity, spine, domes, heart)
    _draw_abdomen(canvas, cavity, spine, domes)
    _draw_heart(canvas, heart)
    _draw_great_vessels(canvas)
    _draw_spine(canvas, spine)
    _draw_ribs(canvas, cavity)
    canvas.add_noise(14.0, body)
    hu = np.clip(np.rint(canvas.hu), -1024, 3071).astype(np.int16)
    steps = spacing[::-1]
    geometry = Geometry(
        size=shape[::-1],
        spacing=steps,
        origin=(
            -(shape[2] - 1) / 2 * steps[0],
            -(shape[1] - 1) / 2 * steps[1],
            -(shape[0] - 1) / 2 * steps[2],
        ),
        direction=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
    )
    return Volume(hu, geometry, modality="CT"), canvas.labels


def _draw_trunk(canvas: Canvas) -> Floats:
    """Couch, skin, fat and the muscles of the chest wall; returns the coverage of the body."""
    couch = canvas.y - 128 + (canvas.x / 40) ** 2
    canvas.paint(np.maximum(couch - 14, -couch), -930)
    canvas.paint(np.abs(couch) - 1.5, -250)
    skin = torso(canvas, 0, 160, 114)
    body = canvas.paint(skin, 15)
    canvas.paint(skin + 2, _FAT)
    canvas.paint(torso(canvas, 1, 146, 102), _MUSCLE)
    # The fat between the layers of muscle makes the wall of a real chest look striped.
    canvas.paint(np.abs(torso(canvas, 1, 136, 96)) - 0.8, -60)
    return body


def _domes(canvas: Canvas) -> tuple[Floats, Floats]:
    """Height in mm of the right and of the left half of the diaphragm above every voxel's x and y."""
    lift = canvas.rng.uniform(-3, 3)
    right = -13 + lift - 30 * (((canvas.x + 58) / 68) ** 2 + ((canvas.y + 12) / 86) ** 2)
    left = -22 + lift - 30 * (((canvas.x - 60) / 72) ** 2 + ((canvas.y + 8) / 92) ** 2)
    # The lungs reach no lower than this, into the sinuses between diaphragm and ribs.
    return np.maximum(right, -43).astype(np.float32), np.maximum(left, -43).astype(np.float32)


def _heart(canvas: Canvas) -> tuple[Floats, npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Distance to the heart, its centre in mm, and the directions of its axes (first: base to apex)."""
    centre = np.array([15.0, -24.0, -8.0]) + canvas.rng.uniform(-2, 2, 3)
    apex = np.array([0.74, -0.52, -0.42]) + canvas.rng.uniform(-0.05, 0.05, 3)
    apex /= np.linalg.norm(apex)
    up = np.array([0.0, 0.0, 1.0]) - apex[2] * apex
    up /= np.linalg.norm(up)
    axes = np.stack([apex, np.cross(up, apex), up])
    return ellipsoid(canvas, tuple(centre), (49, 41, 31), axes), centre, axes


def _draw_inside(canvas: Canvas, cavity: Floats, domes: tuple[Floats, Floats]) -> None:
    """Fat of the mediastinum and of the abdomen, and the diaphragm between them."""
    canvas.paint(cavity, _FAT)
    top = np.maximum(*domes)
    canvas.paint(np.maximum(cavity, np.abs(canvas.z - top + 1.5) - 1.5), _MUSCLE)
    # Above the lungs' tips lie the muscles of neck and shoulders.
    beside = 28 - 28 * np.hypot(canvas.x / 36, (canvas.y + 8) / 80)
    canvas.paint(np.maximum.reduce([cavity, beside, 4 - canvas.z]), _MUSCLE)


def _draw_lungs(
    canvas: Canvas,
    cavity: Floats,
    spine: Floats,
    domes: tuple[Floats, Floats],
    heart: tuple[Floats, npt.NDArray[np.float64], npt.NDArray[np.float64]],
) -> None:
    around = np.maximum.reduce([cavity + 2, 4 - heart[0], 3 - spine])
    # Air is denser where the lung lies on itself: at the back.
    air = -865 + 0.45 * canvas.y
    # Half the width of the mediastinum: wide at the hilum, narrow behind the sternum.
    middle = 10 + 22 * np.exp(-(((canvas.y - 2) / 42) ** 2))
    for side, label, dome in ((-1, LABELS["right lung"], domes[0]), (1, LABELS["left lung"], domes[1])):
        u, v = (side * canvas.x - 58) / 66, (canvas.y - 2) / 88
        w = np.maximum(canvas.z - 4, 0) / 39
        apex = (np.sqrt(u * u + v * v + w * w) - 1) * 45
        lung = np.maximum.reduce([around, apex, dome - canvas.z, middle - side * canvas.x])
        cover = canvas.paint(lung, air, label)
        _draw_lung_vessels(canvas, side, cover)


def _draw_lung_vessels(canvas: Canvas, side: int, lung: Floats) -> None:
    """Trees of vessels that grow from the hilum and fork, thinner each time."""
    hilum = np.array([side * 30.0, 8.0, 10.0])
    for turn in range(10):
        # Evenly over the half sphere that looks away from the middle (a golden-angle spiral).
        outward, angle = 0.15 + 0.08 * turn, 2.4 * turn
        across = np.sqrt(1 - outward**2)
        direction = np.array([side * outward, across * np.cos(angle), across * np.sin(angle)])
        _grow(canvas, hilum, direction, 30.0 - 10 * abs(float(direction[2])), 4.2, 5, lung)


def _grow(
    canvas: Canvas,
    start: npt.NDArray[np.float64],
    direction: npt.NDArray[np.float64],
    length: float,
    radius: float,
    forks: int,
    lung: Floats,
) -> None:
    end = start + direction * length
    canvas.tube([start.tolist(), end.tolist()], (radius, 0.8 * radius), 70, within=lung)
    if forks == 0:
        return
    for _ in range(2):
        turned = direction + canvas.rng.normal(0, 0.4, 3)
        turned /= np.linalg.norm(turned)
        _grow(canvas, end, turned, length * canvas.rng.uniform(0.65, 0.9), 0.76 * radius, forks - 1, lung)


def _draw_abdomen(canvas: Canvas, cavity: Floats, spine: Floats, domes: tuple[Floats, Floats]) -> None:
    under = np.maximum.reduce([cavity + 4, canvas.z - np.maximum(*domes) + 3, 8 - spine])
    stomach = np.maximum(under, ellipsoid(canvas, (52, -30, -52), (46, 42, 30)))
    filled = canvas.paint(stomach, 75)
    canvas.paint(stomach + 3.5, 25)
    # Swallowed air rises: to the front in a patient who lies on the back.
    canvas.paint(np.maximum(stomach + 3.5, canvas.y + 42), -980, within=filled)
    spleen = np.maximum(under, ellipsoid(canvas, (86, 40, -46), (27, 40, 27)))
    canvas.paint(spleen, 120, LABELS["spleen"])
    liver = np.maximum(under, 0.82 * canvas.x + 0.57 * canvas.y - 10)
    cover = canvas.paint(liver, 105, LABELS["liver"])
    veins: tuple[tuple[Vector, Vector], ...] = (
        ((-18, 30, -34), (-62, 20, -28)),
        ((-18, 28, -34), (-48, -34, -30)),
        ((-18, 26, -36), (-6, -44, -40)),
        ((-24, 6, -50), (-76, 2, -44)),
        ((-24, 6, -50), (-60, -40, -48)),
    )
    for start, end in veins:
        canvas.tube([start, end], (4.5, 2), _BLOOD, within=cover)


def _draw_heart(canvas: Canvas, heart: tuple[Floats, npt.NDArray[np.float64], npt.NDArray[np.float64]]) -> None:
    distance, centre, axes = heart
    canvas.paint(distance - 3, _FAT)
    cover = canvas.paint(distance, 100, LABELS["heart"])
    # Along base-apex, across, up; mm from the centre of the heart.
    chambers = {
        "left ventricle": ((16, 13, -2), (22, 13, 15)),
        "right ventricle": ((6, -19, 0), (27, 14, 22)),
        "left atrium": ((-26, 16, 6), (13, 18, 15)),
        "right atrium": ((-29, -14, -2), (13, 16, 20)),
    }
    for offset, radii in chambers.values():
        canvas.paint(ellipsoid(canvas, tuple(centre + np.array(offset) @ axes), radii, axes), _BLOOD, within=cover)


def _draw_great_vessels(canvas: Canvas) -> None:
    """Aorta, pulmonary arteries, caval veins, oesophagus, trachea and main bronchi."""
    canvas.tube([(6, 32, 60), (6, 30, -60)], (6, 6), 40)
    canvas.tube([(-26, -10, 60), (-26, -12, 8)], (8, 8), _BLOOD, 0)
    canvas.tube([(-17, 26, -20), (-17, 30, -60)], (10, 11), _BLOOD, 0)
    canvas.tube([(16, -38, 12), (15, -22, 24), (-8, 0, 20), (-36, 6, 12)], (11, 11, 9, 6), _BLOOD, 0)
    canvas.tube([(15, -22, 24), (32, 0, 22), (40, 10, 14)], (10, 9, 6), _BLOOD, 0)
    airways = [[(-7, 16, 60), (-4, 14, 26), (-34, 16, 8)], [(-4, 14, 26), (36, 18, 10)]]
    for wall, value in ((1.8, 40.0), (0.0, -990.0)):
        for airway in airways:
            canvas.tube(airway, [8 + wall, 7 + wall, 4.5 + wall][-len(airway) :], value, 0)
    for branch in ([(2, -12, 40), (-14, -6, 60)], [(9, -2, 42), (10, 0, 60)], [(18, 12, 42), (22, 16, 60)]):
        canvas.tube(branch, (6, 5), _BLOOD, 0)
    aorta = [(2, -22, 17), (-6, -24, 28), (2, -12, 38), (19, 12, 41), (25, 34, 32), (25, 42, 10), (20, 34, -60)]
    canvas.tube(aorta, (14, 14, 13, 12.5, 12, 11.5, 10.5), _BLOOD, LABELS["aorta"])


def _draw_spine(canvas: Canvas, spine: Floats) -> None:
    along = np.abs(np.mod(canvas.z, _VERTEBRA_HEIGHT) - _VERTEBRA_HEIGHT / 2)
    arch_height = along - 8
    ring = np.hypot(canvas.x, canvas.y - 78)
    processes = np.minimum(_bar(canvas, (0, 90), (0, 104), 3.5), _bar(canvas, (10, 76), (34, 86), 4.5))
    arch = np.maximum(np.minimum(ring - 15, processes), arch_height)
    for bone in (arch, spine):
        canvas.paint(bone, _CORTEX - 150, 0)
        canvas.paint(bone + 2, _MARROW, 0)
    canvas.paint(np.maximum(spine + 0.5, along - 2.5 - (_VERTEBRA_HEIGHT / 2 - 12)), _CARTILAGE)
    canvas.paint(ring - 9, 20, 0)
    canvas.paint(ring - 6, 40, 0)


def _bar(canvas: Canvas, start: Vector, end: Vector, radius: float) -> Floats:
    """Distance to an upright wall over the segment (x, y) start to end, and to its mirror image on the other side."""
    px, py = np.abs(canvas.x) - start[0], canvas.y - start[1]
    dx, dy = end[0] - start[0], end[1] - start[1]
    t = np.clip((px * dx + py * dy) / (dx * dx + dy * dy), 0, 1)
    return np.asarray(np.hypot(px - t * dx, py - t * dy) - radius, np.float32)


def _draw_ribs(canvas: Canvas, cavity: Floats) -> None:
    # 0 at the spine, 1 at the breastbone; ribs sink on their way to the front.
    forward = np.abs(np.arctan2(canvas.x, canvas.y)) / np.float32(np.pi)
    along = np.mod(canvas.z + 105 * forward, _RIB_SPACING) - _RIB_SPACING / 2
    rib = (np.hypot((cavity - 6) / 4, along / 7) - 1) * 4
    rib = np.maximum(rib, (0.1 - forward) * 200)
    canvas.paint(np.maximum(rib, (forward - 0.9) * 200), _CARTILAGE)
    bony = np.maximum(rib, (forward - 0.74) * 200)
    canvas.paint(bony, _CORTEX)
    canvas.paint(bony + 2, _MARROW)
    sternum = np.maximum(np.hypot(canvas.x / 19, (canvas.y + 94) / 6) * 6 - 6, -24 - canvas.z)
    blade = np.maximum(_bar(canvas, (72, 90), (116, 64), 3.2), -12 - canvas.z)
    for bone in (sternum, blade):
        canvas.paint(bone, _CORTEX - 250)
        canvas.paint(bone + 2, _MARROW)
