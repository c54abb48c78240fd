"""Ranking: which seed comes first, and why."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from PromptOnceLib.errors import SeedError
from PromptOnceLib.imaging.scanner import Scanner
from PromptOnceLib.seeds.matching import best_of, rank
from PromptOnceLib.seeds.reliability import RoundTrip
from seeds.sample_seeds import DAY, sample_seed, sample_volume

GE = Scanner(modality="CT", manufacturer="GE", model="Revolution", kernel="LUNG")
SIEMENS = Scanner(modality="CT", manufacturer="Siemens", model="Force", kernel="Br38")


def order(seeds, volume=None, **options) -> list[str]:
    return [match.seed.name for match in rank(seeds, volume or sample_volume(), 0, **options)]


def test_the_same_named_scanner_goes_before_a_likeness():
    near, far = sample_seed("near", scanner_name="CT 2"), sample_seed("far", scanner_name="CT 1")
    similarity = {near.id: 0.1, far.id: 1.0}
    matches = rank([far, near], sample_volume(), 0, scanner_name="ct  2", similarity=similarity)
    assert [match.seed.name for match in matches] == ["near", "far"]
    assert "same scanner (CT 2)" in matches[0].reasons
    assert "other scanner (CT 1)" in matches[1].reasons


def test_the_tags_of_a_scanner_serve_where_nobody_named_it():
    seeds = [sample_seed(name, scanner=scanner) for name, scanner in (("other", SIEMENS), ("none", None), ("same", GE))]
    matches = rank(seeds, sample_volume(scanner=GE), 0)
    assert [match.seed.name for match in matches] == ["same", "none", "other"]
    assert matches[0].reasons[0] == "same scanner, same protocol"
    assert matches[2].reasons[0] == "other scanner: Siemens Force"


def test_another_kernel_of_the_same_scanner_is_named_and_comes_second():
    sharp = GE.model_copy(update={"kernel": "BONE"})
    matches = rank([sample_seed("b", scanner=sharp), sample_seed("a", scanner=GE)], sample_volume(scanner=GE), 0)
    assert [match.seed.name for match in matches] == ["a", "b"]
    assert matches[1].reasons[0] == "same scanner, other kernel"


def test_among_seeds_of_one_scanner_likeness_decides():
    a, b = sample_seed("a", scanner=GE), sample_seed("b", scanner=GE)
    assert order([a, b], sample_volume(scanner=GE), similarity={a.id: 0.2, b.id: 0.9}) == ["b", "a"]


def test_spacings_are_compared_and_named():
    fine, coarse = sample_seed("fine"), sample_seed("coarse", spacing=(1.6, 1.6, 5.0))
    matches = rank([coarse, fine], sample_volume(), 0)
    assert [match.seed.name for match in matches] == ["fine", "coarse"]
    assert "same spacing" in matches[0].reasons
    assert "spacing 1.60 against 0.80 mm" in matches[1].reasons
    assert "slice spacing 5.00 against 2.50 mm" in matches[1].reasons


@pytest.mark.parametrize(
    ("changes", "options", "reason"),
    [
        ({"orientation": {"rows": "S", "columns": "L"}}, {}, "other plane: coronal, not axial"),
        ({"target": "spleen"}, {"target": "liver"}, "other target: spleen"),
        ({"modality": "MR"}, {}, "other modality: MR, not CT"),
        ({"slice": 0, "slices": 1}, {}, "a single picture, not a slice"),
    ],
)
def test_what_cannot_be_used_comes_last_and_says_why(changes, options, reason):
    bad, good = sample_seed("a", **changes), sample_seed("b", target="liver", spacing=(9, 9, 9))
    matches = rank([bad, good], sample_volume(), 0, similarity={bad.id: 1.0}, **options)
    assert [match.usable for match in matches] == [True, False]
    assert matches[1].reasons == (reason,)
    assert matches[1].score == 0


def test_the_name_of_an_object_is_a_target_too():
    assert rank([sample_seed(target="")], sample_volume(), 0, target="Lungs")[0].usable


def test_radiographs_of_any_kind_of_machine_go_together():
    seed = sample_seed(volume=sample_volume((1, 8, 10), modality="CR"))
    match = rank([seed], sample_volume((1, 8, 10), modality="DX"), 0)[0]
    assert match.usable
    assert not any("spacing" in reason for reason in match.reasons)


def test_pictures_are_compared_by_their_proportions_and_not_by_a_size_nobody_knows():
    wide, square = (
        sample_seed(name, volume=sample_volume(shape)) for name, shape in (("w", (1, 10, 20)), ("s", (1, 10, 10)))
    )
    matches = rank([square, wide], sample_volume((1, 100, 200)), 0)
    assert [match.seed.name for match in matches] == ["w", "s"]
    assert "same proportions" in matches[0].reasons
    assert "other proportions of height and width" in matches[1].reasons


def test_another_field_of_view_is_not_made_up_for_by_the_spacing():
    small = sample_seed("small", volume=sample_volume((3, 80, 100)))
    matches = rank([small, sample_seed("other spacing", spacing=(1.0, 1.0, 3.0))], sample_volume(), 0)
    assert [match.seed.name for match in matches] == ["other spacing", "small"]
    assert "field of view 72 against 7 mm" in matches[1].reasons


def test_equal_seeds_are_ordered_by_date_then_name():
    seeds = [sample_seed("b"), sample_seed("a"), sample_seed("new", date=DAY + dt.timedelta(days=1))]
    assert order(seeds) == order(seeds[::-1]) == ["new", "a", "b"]


def test_a_poor_round_trip_is_said_aloud():
    poor = sample_seed(round_trip=RoundTrip(dice=(0.5,), date=DAY))
    assert "poor round trip (Dice 0.50)" in rank([poor], sample_volume(), 0)[0].reasons


@given(cosine=st.floats(-1, 1) | st.just(float("nan")), step=st.floats(0.01, 100), name=st.sampled_from(["", "A", "B"]))
def test_a_score_lies_between_0_and_1(cosine, step, name):
    seed = sample_seed(spacing=(step, step, 1), scanner_name=name)
    match = rank([seed], sample_volume(), 0, scanner_name="A", similarity={seed.id: cosine})[0]
    assert 0 <= match.score <= 1
    assert match.usable


def test_the_best_one_is_the_first_that_can_be_used():
    fits, other = sample_seed("fits"), sample_seed("other", modality="MR")
    assert best_of(rank([other, fits], sample_volume(), 0)).seed is fits
    with pytest.raises(SeedError, match="other modality"):
        best_of(rank([other], sample_volume(), 0))
    with pytest.raises(SeedError, match="empty"):
        best_of([])
