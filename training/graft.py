"""Take the memory of another checkpoint: python -m training.graft BASE OTHER --output OUT.

Everything that answers a prompt (image encoder, prompt encoder, mask decoder) stays that of BASE, so prompted slices
and clicks keep their masks to the last bit; memory attention, memory encoder and object pointers become those of OTHER.
For checkpoints trained on from BASE with a frozen image encoder.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from training.network import read_weights

ANSWERS = ("image_encoder.", "sam_prompt_encoder.", "sam_mask_decoder.", "no_mem_embed")
PRESENCE_HEAD = "sam_mask_decoder.pred_obj_score_head."


def graft(base: Path, other: Path, output: Path) -> None:
    """Write the checkpoint of both; dtypes are those of the base."""
    weights, memory = read_weights(base), read_weights(other)
    for name, value in weights.items():
        if not name.startswith(ANSWERS):
            weights[name] = memory[name].to(value.dtype)
    torch.save({"model": weights}, output)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base", type=Path)
    parser.add_argument("other", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    graft(arguments.base, arguments.other, arguments.output)


if __name__ == "__main__":
    main()
