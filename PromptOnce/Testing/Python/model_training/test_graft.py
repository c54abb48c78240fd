"""A graft: what answers a prompt stays, the memory is the other checkpoint's."""

from __future__ import annotations

import torch

from training.graft import graft
from training.network import CONFIG

CHECKPOINT = CONFIG.with_name("nano.pt")


def test_only_the_memory_is_taken_over(tmp_path):
    base = torch.load(CHECKPOINT, weights_only=True)["model"]
    torch.save({"model": {k: v + 1 for k, v in base.items()}}, tmp_path / "other.pt")

    graft(CHECKPOINT, tmp_path / "other.pt", tmp_path / "new.pt")

    new = torch.load(tmp_path / "new.pt", weights_only=True)["model"]
    taken = {name.split(".")[0] for name in base if not torch.equal(base[name], new[name])}
    kept = {name.split(".")[0] for name in base if torch.equal(base[name], new[name])}
    assert {"memory_attention", "memory_encoder", "obj_ptr_proj", "maskmem_tpos_enc"} <= taken
    assert kept == {"image_encoder", "sam_prompt_encoder", "sam_mask_decoder", "no_mem_embed"}
    assert all(new[name].dtype == base[name].dtype for name in base)
