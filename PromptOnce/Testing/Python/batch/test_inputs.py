"""Finding images, naming cases, and the patterns that say what belongs to what."""

from __future__ import annotations

import os
import sys
import unicodedata
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from imaging.dicom_files import PATIENT, write_series

from batch.studies import SLICES, write_array, write_image
from PromptOnceLib.batch.planning.case_names import is_safe, safe_name, stem, unique_names
from PromptOnceLib.batch.planning.make_plan import NO_REFERENCE, make_plan
from PromptOnceLib.batch.planning.patterns import Pattern
from PromptOnceLib.batch.planning.plan import PromptChoice, Selection
from PromptOnceLib.batch.planning.scan_folder import find_images
from PromptOnceLib.errors import InputError, PromptError
from PromptOnceLib.imaging.read import read_volume

NOT_ON_WINDOWS = set('<>:"/\\|?*') | {chr(i) for i in range(32)}


@given(st.text())
def test_any_text_gives_a_name_that_every_system_takes(text: str) -> None:
    name = safe_name(text)
    assert name
    assert not NOT_ON_WINDOWS & set(name)
    assert not name.startswith(".")
    assert not name.endswith((".", " "))
    assert len(name.encode()) <= 101
    assert name.split(".")[0].lower() not in ("con", "nul", "aux", "prn", "com1", "lpt9")
    assert is_safe(name)


@given(st.lists(st.text(alphabet="aAbB/.-_ ", min_size=1, max_size=6), max_size=8))
def test_names_differ_whatever_the_case_of_their_letters(texts: list[str]) -> None:
    names = unique_names([PurePosixPath(text) for text in texts])
    assert len({name.casefold() for name in names}) == len(texts)
    assert all(map(is_safe, names))


def test_names_come_from_the_files_and_where_these_are_alike_from_their_folders() -> None:
    paths = ["one.nii.gz", "p1/image.nrrd", "p2/image.nrrd", "p2/IMAGE.mha", "chest x ray.png"]
    names = unique_names([PurePosixPath(path) for path in paths])
    assert names == ["one", "p1-image", "p2-image", "p2-IMAGE-2", "chest-x-ray"]
    assert stem(PurePosixPath("scan.v2.nii.gz")) == "scan.v2"


@pytest.mark.parametrize(
    ("pattern", "path", "case"),
    [
        ("{case}_ct.nii.gz", "p1/a_ct.nii.gz", "a"),
        ("{case}_ct.nii.gz", "a_mr.nii.gz", None),
        ("labels/{case}.nii.gz", "labels/a.nii.gz", "a"),
        ("labels/{case}.nii.gz", "a.nii.gz", None),
        ("{case}/image.*", "p7/image.nrrd", "p7"),
        ("label.nrrd", "p7/LABEL.nrrd", ""),
        ("{case}[1].png", "a[1].png", "a"),
    ],
)
def test_a_pattern_names_the_case_of_a_file(pattern: str, path: str, case: str | None) -> None:
    assert Pattern(pattern).case_of(PurePosixPath(path)) == case


@pytest.mark.parametrize(
    "pattern", ["../{case}.nii", "/data/{case}.nii", "C:\\{case}.nii", "{case}{case}", "", "sub/all.nii"]
)
def test_a_pattern_that_cannot_be_meant_is_refused(pattern: str) -> None:
    with pytest.raises(InputError):
        Pattern(pattern)


def test_a_folder_is_searched_and_references_results_and_hidden_files_are_no_images(tmp_path: Path) -> None:
    for name in ("b.nii.gz", "sub/a.nrrd", "x-ray.png"):
        write_image(tmp_path / name, slices=1 if name.endswith("png") else 5)
    for name in ("b_lung.nii.gz", "sub/a_lung.nii.gz", ".hidden.nii.gz", "old-run/cases/c/segmentation.nii.gz"):
        write_image(tmp_path / name)
    (tmp_path / "old-run" / "plan.json").write_text("{}")
    (tmp_path / "mask.seg.nrrd").write_bytes(b"NRRD")
    (tmp_path / "notes.txt").write_text("no image")
    found = find_images(tmp_path, references="{case}_lung.nii.gz:1,2")
    assert [(item.name, item.image.relative_to(tmp_path).as_posix()) for item in found] == [
        ("b", "b.nii.gz"),
        ("a", "sub/a.nrrd"),
        ("x-ray", "x-ray.png"),
    ]
    assert [item.reference for item in found] == [
        f"{tmp_path / 'b_lung.nii.gz'}:1,2",
        f"{tmp_path / 'sub' / 'a_lung.nii.gz'}:1,2",
        None,
    ]


def test_references_may_lie_in_a_folder_of_their_own_or_be_called_alike(tmp_path: Path) -> None:
    for name in ("images/a.nii.gz", "labels/a.nii.gz", "p1/image.nii.gz", "p1/label.nii.gz"):
        write_image(tmp_path / name)
    found = find_images(tmp_path, images="images/{case}.nii.gz", references="labels/{case}.nii.gz")
    assert [(item.name, item.reference) for item in found] == [("a", str(tmp_path / "labels" / "a.nii.gz"))]
    found = find_images(tmp_path, images="{case}/image.nii.gz", references="label.nii.gz")
    assert [(item.name, item.reference) for item in found] == [("p1", str(tmp_path / "p1" / "label.nii.gz"))]


def test_two_files_that_could_be_the_reference_are_a_mistake(tmp_path: Path) -> None:
    for name in ("a.nii.gz", "a_1.nrrd", "a_2.nrrd"):
        write_image(tmp_path / name)
    with pytest.raises(InputError, match="2 files could be the reference"):
        find_images(tmp_path, references="{case}_?.nrrd")


def test_of_references_that_differ_in_upper_and_lower_case_the_one_written_alike_counts(tmp_path: Path) -> None:
    for name in ("images/A.nii.gz", "images/a.nii.gz", "labels/A.nii.gz", "labels/a.nii.gz"):
        write_image(tmp_path / name)
    if len(list((tmp_path / "images").iterdir())) < 2:
        pytest.skip("this file system takes both for one")
    found = find_images(tmp_path / "images", references="labels/{case}.nii.gz")
    assert [item.reference for item in found] == [str(tmp_path / "labels" / name) for name in ("A.nii.gz", "a.nii.gz")]


def test_names_of_image_and_reference_may_store_their_accents_in_two_ways(tmp_path: Path) -> None:
    """As macOS and Linux write them."""
    one, other = (unicodedata.normalize(form, "Müller_é") for form in ("NFC", "NFD"))
    for name in (f"images/{other}.nii.gz", f"labels/{one}_Küste.nii.gz"):
        write_image(tmp_path / name)
    for pattern in (f"labels/{{case}}_{unicodedata.normalize(form, 'Küste')}.nii.gz" for form in ("NFC", "NFD")):
        (found,) = find_images(tmp_path / "images", references=pattern)
        assert found.name == one
        assert found.reference == str(tmp_path / "labels" / f"{one}_Küste.nii.gz")


@pytest.mark.usefixtures("_posix")
def test_references_are_found_in_linked_folders_and_are_no_images(tmp_path: Path) -> None:
    for name in ("images/a.nii.gz", "store/truth/a_lung.nii.gz"):
        write_image(tmp_path / name)
    for link in ("also", "labels"):
        (tmp_path / "images" / link).symlink_to(tmp_path / "store")
    (tmp_path / "truth").symlink_to(tmp_path / "store")
    for pattern, folder in (
        ("labels/truth/{case}_*.nii.gz", "images/labels"),
        ("truth/truth/{case}_*.nii.gz", "truth"),
    ):
        (found,) = find_images(tmp_path / "images", references=pattern)
        assert found.image.name == "a.nii.gz"
        assert found.reference == str(tmp_path / folder / "truth" / "a_lung.nii.gz")


@pytest.mark.usefixtures("_posix")
def test_linked_folders_are_searched_once_and_not_in_circles(tmp_path: Path) -> None:
    write_image(tmp_path / "elsewhere" / "b.nii.gz")
    write_image(tmp_path / "images" / "a.nii.gz")
    write_image(tmp_path / "images" / "folder" / "c.nii.gz")
    links = {"link": "elsewhere", "again": "elsewhere", "circle": "images", "all": "", "a short way": "images/folder"}
    for link, place in links.items():
        (tmp_path / "images" / link).symlink_to(tmp_path / place)
    assert sorted(item.name for item in find_images(tmp_path / "images")) == ["a", "b", "c"]
    assert [item.image.name for item in find_images(tmp_path / "images" / "again")] == ["b.nii.gz"]


def test_archives_are_told_of(tmp_path: Path) -> None:
    write_image(tmp_path / "a.nii.gz")
    (tmp_path / "b.zip").touch()
    notices: list[str] = []
    assert [item.name for item in find_images(tmp_path, notify=notices.append)] == ["a"]
    assert notices == ["b.zip was left out: unpack an archive, or name it in a manifest."]


def test_dicom_series_get_neutral_names_and_localizers_are_left_out(tmp_path: Path) -> None:
    folder = tmp_path / PATIENT
    write_series(folder, [0, 2, 4], prefix="a")
    write_series(folder, [0, 2], prefix="b", t0020_000e="1.2.4")
    write_series(tmp_path / "scout", [0], t0020_000e="1.2.5", t0008_0008="ORIGINAL\\PRIMARY\\LOCALIZER")
    found = find_images(tmp_path)
    assert [(item.name, len(item.files), item.dicom) for item in found] == [
        ("series-001", 3, True),
        ("series-002", 2, True),
    ]


def test_a_header_brings_the_file_of_its_voxels(tmp_path: Path) -> None:
    write_image(tmp_path / "a.mhd")
    assert [path.name for path in find_images(tmp_path)[0].files] == ["a.mhd", "a.raw"]


def test_a_folder_without_images_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No image was found"):
        find_images(tmp_path)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"prompt": None}, InputError, "Give a prompt"),
        ({"prompt": PromptChoice(kind="reference")}, InputError, "which they are"),
        ({"prompt": PromptChoice(kind="file", name="nothing.json")}, PromptError, "nothing.json"),
        ({"window": "sunglasses"}, InputError, "not a window"),
        ({"axis": "diagonal"}, InputError, "not an axis"),
        ({"source": Path("nowhere")}, InputError, "does not exist"),
    ],
)
def test_what_is_wrong_for_all_images_is_said_before_anything_runs(
    tmp_path: Path, changes: dict, error: type[InputError], words: str
) -> None:
    write_image(tmp_path / "a.nii.gz")
    selection = Selection(source=tmp_path, prompt=PromptChoice(kind="auto"))
    with pytest.raises(error, match=words):
        make_plan(selection.model_copy(update=changes))


def test_a_missing_reference_is_a_notice_unless_the_prompt_is_to_come_from_it(tmp_path: Path) -> None:
    for name in ("a.nii.gz", "b.nii.gz", "a_lung.nii.gz"):
        write_array(tmp_path / name, np.zeros((2, 3, 4), np.uint8))
    selection = Selection(source=tmp_path, prompt=PromptChoice(kind="auto"), references="{case}_lung.nii.gz")
    plan = make_plan(selection)
    assert plan.notices == ("No reference was found for b.",)
    assert [case.notices for case in plan.cases] == [(), (NO_REFERENCE,)]
    prompted = selection.model_copy(update={"prompt": PromptChoice(kind="reference", name="lungs")})
    assert "they will fail" in make_plan(prompted).notices[0]
    (tmp_path / "a.nii.gz").unlink()
    with pytest.raises(InputError, match="No reference was found for b"):
        make_plan(prompted)


@pytest.mark.parametrize("way", ["inside", "beside", "up", "absolute", "from here"])
def test_references_may_lie_beside_the_folder_of_the_images(
    tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    patterns = {
        "inside": ("images/labels", "labels/{case}_*.nii.gz:3=lung"),
        "beside": ("labels", "labels/{case}_*.nii.gz:3=lung"),
        "up": ("labels/deep", "../labels/deep/{case}_*.nii.gz:3=lung"),
        "absolute": ("labels", f"{tmp_path.as_posix()}/labels/{{case}}_*.nii.gz:3=lung"),
        "from here": ("elsewhere/labels", "labels/{case}_*.nii.gz:3=lung"),
    }
    folder, pattern = patterns[way]
    for name in ("images/a.nii.gz", "images/b.nii.gz", f"{folder}/A_lung.nii.gz", f"{folder}/c_lung.nii.gz"):
        write_image(tmp_path / name)
    found = find_images(tmp_path / "images", references=pattern)
    expected = f"{tmp_path / folder / 'A_lung.nii.gz'}:3=lung"
    assert [(item.name, item.reference) for item in found] == [("a", expected), ("b", None)]


def test_a_pattern_that_leads_nowhere_says_where_it_looked(tmp_path: Path) -> None:
    write_image(tmp_path / "images" / "a.nii.gz")
    with pytest.raises(InputError) as raised:
        find_images(tmp_path / "images", references="masks/{case}.nii.gz")
    for place in (tmp_path / "images" / "masks", tmp_path / "masks", Path.cwd() / "masks"):
        assert str(place) in raised.value.message


def test_pairs_of_header_and_voxels_are_one_image(tmp_path: Path) -> None:
    for name in ("a.img", "b.img.gz"):
        write_image(tmp_path / name)
    (tmp_path / "scanner.hdr").write_text("ENVI\nsamples = 3\n")  # another program's
    found = find_images(tmp_path)
    assert [(item.name, [path.name for path in item.files]) for item in found] == [
        ("a", ["a.hdr", "a.img"]),
        ("b", ["b.hdr.gz", "b.img.gz"]),
    ]
    assert read_volume(found[0].image).array.shape[0] == SLICES


@pytest.mark.parametrize(
    "name",
    ["a_seg.nii.gz", "a-label.nrrd", "a_mask.mha", "a_labels.nii", "mask.nii.gz", "a_Segmentation.nrrd", "a_seg2.nii"],
)
def test_files_called_like_segmentations_beside_an_image_are_told_and_passed_over(tmp_path: Path, name: str) -> None:
    for file in ("a.nii.gz", name):
        write_image(tmp_path / file)
    notices: list[str] = []
    assert [item.name for item in find_images(tmp_path, notify=notices.append)] == ["a"]
    assert len(notices) == 1
    assert notices[0].startswith(f"{name} was left out")
    plan = make_plan(Selection(source=tmp_path, prompt=PromptChoice(kind="auto")))
    assert plan.notices == tuple(notices)


@pytest.mark.parametrize("name", ["a_seg.nii.gz", "unmasked.nii.gz", "segment_3.nii.gz", "label_studio.nrrd"])
def test_other_names_and_files_of_their_own_folder_are_images(tmp_path: Path, name: str) -> None:
    write_image(tmp_path / "images" / "a.nii.gz")
    write_image(tmp_path / "others" / name)
    assert len(find_images(tmp_path)) == 2


def test_references_found_by_their_pattern_are_not_told(tmp_path: Path) -> None:
    for file in ("a.nii.gz", "a_seg.nii.gz"):
        write_image(tmp_path / file)
    notices: list[str] = []
    (found,) = find_images(tmp_path, references="{case}_seg.nii.gz", notify=notices.append)
    assert found.reference == str(tmp_path / "a_seg.nii.gz")
    assert notices == []


@pytest.mark.skipif(sys.platform != "linux", reason="names are text on other systems")
def test_a_name_that_is_no_text_leaves_out_that_file_alone(tmp_path: Path) -> None:
    write_image(tmp_path / "a.nii.gz")
    bad = os.fsencode(tmp_path) + b"/b\xff.nii.gz"
    Path(os.fsdecode(bad)).write_bytes((tmp_path / "a.nii.gz").read_bytes())
    plan = make_plan(Selection(source=tmp_path, prompt=PromptChoice(kind="auto")))
    assert [case.name for case in plan.cases] == ["a"]
    assert plan.notices[0].startswith("b\\udcff.nii.gz was left out")
    assert plan.model_dump_json()
