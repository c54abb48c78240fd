"""Rearranged attention and products compute the same function of the same weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as torch_functional
from sam2.modeling.sam.transformer import Attention, RoPEAttention
from sam2.modeling.sam2_utils import LayerNorm2d
from torch import nn

from engine.test_masks_equal_upstream import blobs, bright, grey
from PromptOnceLib.engine.cpu import arrange, linear, mask_decoder, memory_attention
from PromptOnceLib.engine.devices import Placement, on_cpu, place
from PromptOnceLib.engine.network import Model, build_network
from PromptOnceLib.engine.propagation import Propagation, Task
from PromptOnceLib.engine.tracker import Tracker

REARRANGED = Placement(torch.device("cpu"), None, last_resort=True, rearranged=True)


@pytest.fixture(scope="module")
def model(nano_encoding: tuple[Model, Path]) -> Model:
    return nano_encoding[0]


@pytest.fixture(scope="module")
def exact(model: Model) -> tuple[np.ndarray, torch.Tensor]:
    return run(model, on_cpu())


@pytest.fixture
def everything_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rearrange also what is too small for it to be worth it."""
    monkeypatch.setattr(memory_attention, "_FEW_SCORES", 0)
    monkeypatch.setattr(linear, "_SMALL", 0)
    monkeypatch.setattr(mask_decoder, "_MANY", 0)


def random_tiny() -> Model:
    """SAM 2.1 tiny for 128 x 128 frames; its memory has a quarter of the channels of its attention."""
    torch.manual_seed(5)
    return Model("random tiny", build_network("sam2:sam2.1_hiera_t.yaml", 128).eval())


def run(model: Model, placement: Placement) -> tuple[np.ndarray, torch.Tensor]:
    """Masks of six slices with two objects, by slice; logits in the order of computation, which may be another."""
    tracker, kept = Tracker(model, placement), []
    original = tracker.full_size_logits
    tracker.full_size_logits = lambda low, shape: kept.append(original(low, shape)) or kept[-1]  # type: ignore[method-assign]
    outputs = list(Propagation(tracker, blobs(6), pytest.fail).run(Task([bright(2), grey(2)], 2, 0, 5)))
    outputs.sort(key=lambda output: output.slice)
    return np.stack([output.masks for output in outputs]), torch.stack(kept)


@pytest.mark.usefixtures("everything_counts")
@pytest.mark.parametrize("name", ["nano", "tiny"])
def test_rearranged_logits_differ_by_rounding_alone(
    name: str, model: Model, exact: tuple[np.ndarray, torch.Tensor]
) -> None:
    if name == "tiny":
        model = random_tiny()
        exact = run(model, on_cpu())
    masks, logits = exact
    other_masks, others = run(model, REARRANGED)
    difference = (logits - others).abs().max()
    assert 0 < difference < 1e-3 * logits.abs().max(), "equal to the last bit would mean that nothing was rearranged"
    assert (masks != other_masks).sum() <= 2


def test_a_small_model_stays_exact(model: Model, exact: tuple[np.ndarray, torch.Tensor]) -> None:
    _, found = run(model, REARRANGED)
    assert torch.equal(found, exact[1])


@pytest.mark.usefixtures("everything_counts")
def test_a_model_goes_back_to_upstreams_bits_when_it_is_moved(
    model: Model, exact: tuple[np.ndarray, torch.Tensor]
) -> None:
    run(model, REARRANGED)
    _, again = run(model, on_cpu())
    assert torch.equal(again, exact[1])


def test_rearranging_leaves_the_weights_and_their_names(model: Model) -> None:
    before = {name: value.clone() for name, value in model.network.state_dict().items()}
    arrange(model.network, True)
    after = model.network.state_dict()
    arrange(model.network, False)
    assert list(after) == list(before)
    assert all(torch.equal(after[name], before[name]) for name in before)


@pytest.mark.parametrize("channels", [16, 64])
@pytest.mark.parametrize("most_scores", [2**24, 500])
def test_attention_in_blocks_equals_upstreams(monkeypatch: pytest.MonkeyPatch, channels: int, most_scores: int) -> None:
    """Two memories of 8 x 8 pixels and five pointers; values of fewer channels and of as many as the attention."""
    monkeypatch.setattr(memory_attention, "_FEW_SCORES", 0)
    monkeypatch.setattr(memory_attention, "_SCORES", most_scores)
    torch.manual_seed(1)
    layer = RoPEAttention(
        embedding_dim=64, num_heads=1, kv_in_dim=channels, rope_k_repeat=True, feat_sizes=(8, 8)
    ).eval()
    q, k, v = torch.randn(2, 64, 64), torch.randn(2, 133, channels), torch.randn(2, 133, channels)
    with torch.inference_mode():
        expected = layer(q, k, v, num_k_exclude_rope=5)
        layer.__class__ = memory_attention.FastAttention
        found = layer(q, k, v, num_k_exclude_rope=5)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("many", ["keys", "queries"])
@pytest.mark.parametrize("few", [7, 40])
def test_attention_between_few_and_many_tokens_equals_upstreams(
    monkeypatch: pytest.MonkeyPatch, many: str, few: int
) -> None:
    monkeypatch.setattr(mask_decoder, "_MANY", 100)
    torch.manual_seed(2)
    layer = Attention(embedding_dim=64, num_heads=4, downsample_rate=2).eval()
    tokens, pixels = torch.randn(2, few, 64), torch.randn(2, 120, 64)
    q, k = (tokens, pixels) if many == "keys" else (pixels, tokens)
    v = torch.randn_like(k)
    with torch.inference_mode():
        expected = layer(q, k, v)
        layer.__class__ = mask_decoder.FastCrossAttention
        found = layer(q, k, v)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert torch.equal(found, expected) == (few > mask_decoder._FEW)


def test_enlargements_and_norms_equal_upstreams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mask_decoder, "_MANY", 100)
    torch.manual_seed(3)
    network = nn.Sequential(nn.ConvTranspose2d(16, 8, kernel_size=2, stride=2), LayerNorm2d(8)).eval()
    nn.init.normal_(network[1].weight)
    nn.init.normal_(network[1].bias)
    image = torch.randn(2, 16, 9, 14)
    with torch.inference_mode():
        expected = network(image)
        arrange(network, True)
        found = network(image)
    assert isinstance(network[1], mask_decoder.FastLayerNorm2d)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_positions_are_computed_once_for_each_size_and_precision(model: Model) -> None:
    encoder = model.network.sam_prompt_encoder
    with torch.inference_mode():
        expected = encoder.get_dense_pe()
        arrange(model.network, True)
        first, again = encoder.get_dense_pe(), encoder.get_dense_pe()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            reduced = encoder.get_dense_pe()
        arrange(model.network, False)
    assert torch.equal(first, expected)
    assert again is first
    assert reduced.dtype == torch.bfloat16


def test_an_enlargement_whose_patches_overlap_stays_upstreams() -> None:
    network = nn.Sequential(nn.ConvTranspose2d(4, 4, kernel_size=3, stride=2))
    arrange(network, True)
    assert type(network[0]) is nn.ConvTranspose2d


@pytest.mark.parametrize("one_dnn", [True, False])
def test_products_equal_torchs_with_and_without_one_dnn(monkeypatch: pytest.MonkeyPatch, one_dnn: bool) -> None:
    monkeypatch.setattr(linear, "_one_dnn_has_linear", lambda: one_dnn and torch.backends.mkldnn.is_available())
    monkeypatch.setattr(linear, "_SMALL", 0)
    x, weight, bias = torch.randn(3, 5, 7), torch.randn(4, 7), torch.randn(4)
    with torch.inference_mode():
        torch.testing.assert_close(linear.linear(x, weight, bias), torch_functional.linear(x, weight, bias))
        torch.testing.assert_close(linear.linear(x, weight), torch_functional.linear(x, weight))


def test_products_follow_autocast() -> None:
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        assert linear.linear(torch.randn(2, 4), torch.randn(3, 4)).dtype == torch.bfloat16


@pytest.mark.usefixtures("everything_counts")
def test_reduced_precision_is_rearranged_too(model: Model, exact: tuple[np.ndarray, torch.Tensor]) -> None:
    masks, logits = exact
    other_masks, others = run(model, place("cpu", "bfloat16"))
    overlap = 2 * (masks & other_masks).sum() / (masks.sum() + other_masks.sum())
    assert overlap > 0.95
    assert not torch.equal(logits, others)
