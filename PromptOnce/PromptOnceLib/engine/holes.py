"""Fill small holes in masks, the same way on every device."""

from __future__ import annotations

import numpy as np
import torch


def fill_holes(logits: torch.Tensor, max_area: int) -> torch.Tensor:
    """Turn background regions of at most `max_area` pixels into object.

    logits: float32 (1, 1, rows, columns) at the decoder's resolution; object where > 0; regions are 8-connected.
    The same rule as upstream's fill_holes_in_mask_scores, whose CUDA extension is missing from most installations.
    """
    import SimpleITK as sitk  # not at the top: a worker starts without it, and few fill holes

    background = (logits[0, 0] <= 0).cpu().numpy().astype(np.uint8)
    regions = sitk.GetArrayFromImage(sitk.ConnectedComponent(sitk.GetImageFromArray(background), True))
    areas = np.bincount(regions.ravel())
    small = areas <= max_area
    small[0] = False
    hole = torch.from_numpy(small[regions]).to(logits.device)
    return torch.where(hole, torch.tensor(0.1, device=logits.device), logits)
