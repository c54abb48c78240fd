"""SAM (version 1) on single slices against upstream's SamPredictor and mask generator: no pixel differs."""

from __future__ import annotations

from functools import partial
from operator import attrgetter
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.images.torchvision_parts import torchvision_in_parts
from engine.test_masks_equal_upstream import blobs, bright, grey
from PromptOnceLib.engine.devices import on_cpu, place
from PromptOnceLib.engine.images import everything as subject
from PromptOnceLib.engine.images.everything import everything
from PromptOnceLib.engine.images.sam_images import SamImages
from PromptOnceLib.engine.images.sam_network import SamModel, build_sam, load_sam
from PromptOnceLib.engine.images.slice_prompting import SlicePrompting
from PromptOnceLib.errors import ModelError
from PromptOnceLib.models.registry import ModelFiles
from PromptOnceLib.prompts.each_slice import Proposals, each_slice
from PromptOnceLib.prompts.prompt import ObjectPrompt

with torchvision_in_parts():
    from segment_anything import SamAutomaticMaskGenerator, SamPredictor, sam_model_registry
    from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

SIDE, CHANNELS, WIDTH = 8, 32, 24


def upstream_sam() -> Sam:
    """A small one with random weights: 128 pixels, three blocks of which one attends to everything."""
    torch.manual_seed(1)
    encoder = ImageEncoderViT(
        img_size=16 * SIDE, patch_size=16, embed_dim=WIDTH, depth=3, num_heads=2, out_chans=CHANNELS, qkv_bias=True,
        norm_layer=partial(torch.nn.LayerNorm, eps=1e-6), use_rel_pos=True, window_size=3, global_attn_indexes=(1,),
    )  # fmt: skip
    for name, weight in encoder.named_parameters():
        if "rel_pos" in name or "pos_embed" in name:  # zeros when they are fresh
            torch.nn.init.normal_(weight, std=0.1)
    size = (16 * SIDE, 16 * SIDE)
    prompts = PromptEncoder(CHANNELS, image_embedding_size=(SIDE, SIDE), input_image_size=size, mask_in_chans=8)
    transformer = TwoWayTransformer(depth=2, embedding_dim=CHANNELS, num_heads=8, mlp_dim=64)
    decoder = MaskDecoder(transformer_dim=CHANNELS, transformer=transformer, iou_head_hidden_dim=40)
    return Sam(encoder, prompts, decoder).eval()


@pytest.fixture(scope="module")
def upstream() -> Sam:
    return upstream_sam()


@pytest.fixture(scope="module")
def ours(upstream: Sam, tmp_path_factory: pytest.TempPathFactory) -> SamModel:
    path = tmp_path_factory.mktemp("sam") / "sam_small.pth"
    torch.save(upstream.state_dict(), path)
    return load_sam(ModelFiles("small", path, "sam", None))


def test_the_weights_tell_the_form(ours: SamModel, upstream: Sam) -> None:
    assert ours.image_size == 128
    assert ours.parameters == sum(weight.numel() for weight in upstream.parameters())
    mine, theirs = ours.network.image_encoder, upstream.image_encoder
    assert [block.window_size for block in mine.blocks] == [block.window_size for block in theirs.blocks] == [3, 0, 3]
    assert [block.attn.num_heads for block in mine.blocks] == [2, 2, 2]
    assert not ours.network.training


@pytest.mark.parametrize("name", ["vit_b", "vit_l", "vit_h"])
def test_the_published_sizes_are_told_by_their_weights(name: str) -> None:
    with torch.device("meta"):  # without numbers
        theirs = sam_model_registry[name]()
        mine = build_sam(theirs.state_dict())
    shapes = [{key: value.shape for key, value in one.state_dict().items()} for one in (mine, theirs)]
    assert shapes[0] == shapes[1]
    for kind in ("window_size", "attn.num_heads", "attn.scale"):
        values = [[attrgetter(kind)(block) for block in one.image_encoder.blocks] for one in (mine, theirs)]
        assert values[0] == values[1]
    assert mine.image_encoder.img_size == 1024
    layers = [[layer.self_attn.num_heads for layer in one.mask_decoder.transformer.layers] for one in (mine, theirs)]
    assert layers[0] == layers[1]


BOX_ONLY = ObjectPrompt(name="box", box=bright(0).box)


@pytest.mark.parametrize("proposals", ["single", "best", "all"])
@pytest.mark.parametrize("prompt", [bright(0), grey(0), BOX_ONLY], ids=lambda prompt: prompt.name)
@pytest.mark.parametrize("shape", [(96, 112), (300, 150), (128, 128)])
def test_no_pixel_differs(
    ours: SamModel, upstream: Sam, shape: tuple[int, int], prompt: ObjectPrompt, proposals: Proposals
) -> None:
    frames = blobs(1, *shape)
    task = SlicePrompting(SamImages(ours, on_cpu()), frames, each_slice({0: prompt}), (0,), proposals)
    ((_, output),) = task.run()

    predictor = SamPredictor(upstream)
    predictor.set_image(np.repeat(frames[0][..., None], 3, axis=2))
    box, points = prompt.box, prompt.points
    masks, scores, _ = predictor.predict(
        np.array([(point.x, point.y) for point in points]) if points else None,
        np.array([int(point.positive) for point in points]) if points else None,
        None if box is None else np.array([box.x0, box.y0, box.x1, box.y1]),
        multimask_output=proposals != "single",
    )
    kept = [int(scores.argmax())] if proposals == "best" else slice(None)
    assert masks[kept].any()
    assert not masks[kept].all()
    np.testing.assert_array_equal(output.masks, masks[kept])
    np.testing.assert_array_equal(np.float32(output.predicted_iou), scores[kept])
    assert np.isnan(output.presence).all()


def test_everything_on_a_slice_is_the_same(ours: SamModel, upstream: Sam, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SamImages, "sure", -1.0)
    monkeypatch.setattr(subject, "_STABLE", 0.5)
    monkeypatch.setattr(subject, "_STABILITY_OFFSET", 0.02)
    frame = blobs(1, 90, 130)[0]
    found = everything(SamImages(ours, on_cpu()), frame, 9, lambda *_: None)
    generator = SamAutomaticMaskGenerator(
        upstream, 9, pred_iou_thresh=-1.0, stability_score_thresh=0.5, stability_score_offset=0.02
    )
    expected = generator.generate(np.repeat(frame[..., None], 3, axis=2))
    assert expected
    np.testing.assert_array_equal(found.masks, [one["segmentation"] for one in expected])
    np.testing.assert_array_equal(found.predicted_iou, np.float32([one["predicted_iou"] for one in expected]))


@pytest.mark.parametrize("prefix", ["", "module.", "model.sam."])
def test_names_may_have_a_prefix(upstream: Sam, tmp_path: Path, prefix: str) -> None:
    weights = {prefix + name: value for name, value in upstream.state_dict().items()}
    torch.save({"model": weights}, tmp_path / "sam.pth")
    assert load_sam(ModelFiles("small", tmp_path / "sam.pth", "sam", None)).image_size == 128


def test_other_checkpoints_are_refused(upstream: Sam, tmp_path: Path) -> None:
    path = tmp_path / "sam.pth"
    for weights in (
        {"a": torch.zeros(3)},
        {name: value for name, value in upstream.state_dict().items() if "neck.1" not in name},
        {name: value[..., :1] if "iou_token" in name else value for name, value in upstream.state_dict().items()},
    ):
        torch.save(weights, path)
        with pytest.raises(ModelError, match=r"does not hold SAM \(version 1\)"):
            load_sam(ModelFiles("small", path, "sam", None))


def test_without_the_package_it_is_said_what_brings_it(
    ours: SamModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PromptOnceLib.engine.images import sam_network

    monkeypatch.setattr(sam_network, "_PACKAGE", "a_package_that_is_not_there")
    sam_network._parts.cache_clear()
    torch.save(ours.network.state_dict(), tmp_path / "sam.pth")
    with pytest.raises(ModelError, match=r"promptonce\[study\]"):
        load_sam(ModelFiles("small", tmp_path / "sam.pth", "sam", None))


def test_in_bfloat16_the_masks_are_nearly_the_same(ours: SamModel) -> None:
    frames, found = blobs(1), []
    for placement in (on_cpu(), place("cpu", "bfloat16")):
        task = SlicePrompting(SamImages(ours, placement), frames, each_slice({0: bright(0)}), (0,), "all")
        ((_, output),) = task.run()
        found.append(output)
    exact, coarse = found
    assert (exact.masks != coarse.masks).mean() < 0.05
    np.testing.assert_allclose(coarse.predicted_iou, exact.predicted_iou, atol=0.02)
