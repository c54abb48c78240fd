"""Every slice from its own prompt: boxes between boxes, each slice in the crop that suits its box."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from PromptOnceLib.engine.transfer import SliceOutput
from PromptOnceLib.engine.zoom.views import Views
from PromptOnceLib.imaging.views.crop import Zoom
from PromptOnceLib.prompts.prompt import ObjectPrompt
from PromptOnceLib.prompts.zoom import Sight


@dataclass(frozen=True)
class SlicesTask:
    """One object on these slices: segmented where there is a prompt, absent where there is none.

    Nothing is remembered from one slice to the next: on phantoms and on real images memory beside the boxes made masks
    worse (training/README.md).
    """

    prompts: Mapping[int, ObjectPrompt]
    slices: tuple[int, ...]
    zoom: Zoom = "auto"
    fill_hole_area: int = 0

    def run(self, views: Views) -> Iterator[SliceOutput]:
        """The slices in their order, masks on the whole slices."""
        for index in self.slices:
            prompt = self.prompts.get(index)
            if prompt is None or prompt.is_absent:
                yield SliceOutput(index, np.zeros((1, *views.shape), np.uint8), (0.0,), (0.0,))
                continue
            crops = views.crops({prompt.name: [prompt]}, Sight(zoom=self.zoom))
            output = views.predict([prompt], crops, index, self.fill_hole_area)
            if prompt.mask is not None:  # as it was drawn, not at the network's resolution
                output = replace(output, masks=prompt.mask_array().astype(np.uint8)[None])
            yield output
