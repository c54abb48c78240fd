"""The picture of a seed's frame: as radiologists expect it, in true proportions, with contours or without."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from PromptOnceLib.errors import InputError
from PromptOnceLib.imaging.orientation import FrameOrientation
from PromptOnceLib.imaging.stack import make_stack
from PromptOnceLib.imaging.volume import Geometry, Volume
from PromptOnceLib.imaging.window import Window
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Prompt
from PromptOnceLib.seeds.create import make_seed
from PromptOnceLib.seeds.picture import seed_picture, write_frame_picture, write_seed_picture
from PromptOnceLib.seeds.seed import Seed


def seed() -> Seed:
    """An axial seed whose rows run to the patient's right and columns to the front, bright at the patient's left."""
    array = np.zeros((3, 20, 40), dtype=np.int16)
    array[:, :10] = 100
    volume = Volume(array, Geometry((40, 20, 3), (1, 2, 5), direction=(0, -1, 0, -1, 0, 0, 0, 0, 1)))
    stack = make_stack(volume, 0, Window(0, 100, "full"))
    mask = np.zeros((20, 40), dtype=bool)
    mask[12:18, 5:15] = True
    prompt = Prompt(slice=1, objects=(ObjectPrompt(color=(1, 0, 0), box=Box(x0=5, y0=12, x1=15, y1=18)),))
    return make_seed(volume, stack, prompt, [mask], name="seed", frame_confirmed=True)


def test_left_is_right_and_anterior_is_up_and_proportions_are_true() -> None:
    picture = np.asarray(seed_picture(seed(), (400, 400)))
    assert picture.shape == (400, 400, 3)  # 40 mm from front to back, 40 mm from side to side
    assert (picture[:, 250:] > 200).mean() > 0.95
    red = (picture[..., 0] > 150) & (picture[..., 1] < 80)
    rows, columns = np.nonzero(red)
    assert red.any()
    assert columns.max() < 200, "the mask lies at the patient's right, which is on the left"
    assert rows.min() > 200, "and at the back"


def test_the_frame_alone_has_no_contour_and_keeps_every_pixel(tmp_path: Path) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (1200, 900)).astype(np.uint8)
    path = tmp_path / "frame.png"
    write_frame_picture(frame, FrameOrientation(rows="I", columns="R"), (1.0, 1.0), path)
    shown = np.asarray(Image.open(path).convert("L"))
    np.testing.assert_array_equal(shown, frame[:, ::-1])


@pytest.mark.parametrize(("name", "words"), [("frame.jpg", "png"), ("nowhere/frame.png", "nowhere")])
def test_a_picture_that_cannot_be_written_gets_a_sentence(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        write_seed_picture(seed(), tmp_path / name)
