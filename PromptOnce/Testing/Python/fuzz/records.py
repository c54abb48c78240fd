"""Messages of the worker, arrays on their way to it, prompts, and configurations of models and of the engine."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from fuzz.mutations import as_bytes, cut, damaged, damaged_lines, json_bytes
from fuzz.runner import Attempt, WrongError
from PromptOnceLib.environment.installation import InstallManifest, layout, read_manifest
from PromptOnceLib.errors import BadMessageError, ModelError, PromptError, PromptOnceError, WorkerError
from PromptOnceLib.imaging.volume import Geometry
from PromptOnceLib.models.registry import Registry
from PromptOnceLib.prompts.markups_file import Markups, read_prompt_file
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point, Prompt, encode_mask
from PromptOnceLib.prompts.prompt_set import PromptSet
from PromptOnceLib.resources import resource
from PromptOnceLib.worker import protocol
from PromptOnceLib.worker.arrays import load_frames, load_result

SHAPE = (3, 8, 10)
PROMPT = Prompt(
    axis=0,
    slice=1,
    objects=(
        ObjectPrompt(
            name="liver",
            color=(1.0, 0.5, 0.0),
            box=Box(x0=1, y0=1, x1=6, y1=5),
            points=(Point(x=2, y=2, positive=True), Point(x=8, y=6, positive=False)),
        ),
        ObjectPrompt(name="drawn", mask=encode_mask(np.eye(8, 10, dtype=bool))),
    ),
)
_POINT = {"label": "a", "position": [1.0, 2.0, 1.0], "positionStatus": "defined"}
MARKUPS = {
    "markups": [
        {"type": "Fiducial", "coordinateSystem": "LPS", "coordinateUnits": "mm", "controlPoints": [_POINT]},
        {"type": "ROI", "roiType": "Box", "coordinateSystem": "RAS", "center": [-2, -2, 1], "size": [2, 2, 2],
         "orientation": [1, 0, 0, 0, 1, 0, 0, 0, 1]},
    ]
}  # fmt: skip


def _messages() -> list[protocol.Message]:
    shared = protocol.SharedPrompt(frames=(protocol.SeedFrame(file="s.npy", objects=PROMPT.objects),), slice=1)
    return [
        protocol.Hello(id=1, protocol=protocol.PROTOCOL_VERSION, threads=2),
        protocol.LoadModel(id=2, name="nano", checkpoint="a.pt", config="a.yaml", sha256="0" * 64),
        protocol.SetStack(id=3, file="a.npy"),
        protocol.SetPictures(id=4, files=("a.npy", "b.npy")),
        protocol.Prefetch(id=5, slice=1),
        protocol.Predict(id=6, prompt=PROMPT, file="m.npy", fill_hole_area=8),
        protocol.Propagate(id=7, prompt=PROMPT, file="m.npy", first=0, last=2),
        protocol.Propagate(id=8, prompt=PromptSet.of(PROMPT), changed=(1,), file="m.npy", first=0, last=2),
        protocol.Propagate(id=9, prompt=shared, file="m.npy", first=0, last=2),
        protocol.Embed(id=10, slices=(0, 1), frames=("a.npy",), file="e.npy"),
        protocol.Propagate(
            id=13, prompt=PromptSet.of(PROMPT), file="m.npy", first=0, last=2, alone=True, proposals="all"
        ),
        protocol.Everything(id=14, slice=1, file="m.npy"),
        protocol.Cancel(id=11, target=7),
        protocol.Quit(id=12),
        protocol.Welcome(id=1, protocol=3, folder="/tmp/a", versions={"a": "1"}, devices=["cpu"], memory_bytes={}),
        protocol.ModelLoaded(
            id=2, name="nano", device="cpu", device_name="", precision="float32", image_size=512, parameters=1
        ),
        protocol.Done(id=3),
        protocol.Predicted(id=6, presence=[0.5], predicted_iou=[0.5]),
        protocol.Propagated(id=7, cancelled=False, slices=3, device="cpu"),
        protocol.SliceDone(id=7, slice=1, done=1, total=3, presence=[0.5], predicted_iou=[0.5], objects=[0]),
        protocol.SliceDone(
            id=13, slice=1, done=1, total=1, presence=[0.5], predicted_iou=[0.5], embed_seconds=0.5, prompt_seconds=0.1
        ),
        protocol.Embedded(id=10, cancelled=False),
        protocol.PointsDone(id=14, done=64, total=1024),
        protocol.EverythingDone(id=14, predicted_iou=[0.5], embed_seconds=0.5, prompt_seconds=0.1),
        protocol.FrameDone(id=10, done=1, total=2),
        protocol.Notice(id=7, text="A notice."),
        protocol.Failed(id=None, code="bad_message", message="No.", detail="-"),
    ]


def protocol_lines(samples: Path) -> Attempt:
    """One line from either side; what is understood says the same when it is written again."""
    documents = [json.loads(protocol.encode(message)) for message in _messages()]

    def attempt(rng: random.Random, folder: Path) -> bool:
        document = rng.choice(documents)
        line = json.dumps(document).encode() if rng.random() < 0.02 else json_bytes(document, rng)
        (folder / "line.json").write_bytes(line)
        decode: Any = rng.choice((protocol.decode_request, protocol.decode_answer))
        try:
            message = decode(line)
        except BadMessageError:
            return False
        again = protocol.encode(message)
        if again.count(b"\n") != 1 or not _same(decode(again), message):
            raise WrongError("not the same when written again")
        return True

    return attempt


def _same(one: protocol.Message, other: protocol.Message) -> bool:
    """Equal, also where a number is none."""
    return one.model_dump_json() == other.model_dump_json()


def arrays(samples: Path) -> Attempt:
    """A .npy file; an array that is accepted has all its bytes in the file, and holds numbers."""
    contents = []
    for kind in (np.uint8, np.float32, np.bool_, np.int64):
        for shape in ((3, 8, 10), (8, 10), (2, 3, 8, 10), (7,)):
            buffer = io.BytesIO()
            np.save(buffer, np.arange(int(np.prod(shape))).reshape(shape).astype(kind))
            contents.append(buffer.getvalue())
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    contents.append(buffer.getvalue())

    def attempt(rng: random.Random, folder: Path) -> bool:
        path, content = folder / "a.npy", rng.choice(contents)
        short = rng.random() < 0.2
        if short:
            content = cut(content, rng)
        elif rng.random() < 0.5:
            content = damaged(content, rng, range(130))
        else:
            head, values = content[:128], content[128:]
            content = as_bytes(damaged_lines(head.decode("latin-1"), rng, ":,(")) + values
        path.write_bytes(content)
        try:
            if rng.random() < 0.5:
                array = load_frames(path, rng.choice((2, 3)))
            else:
                array = load_result(path, rng.choice(("r", None)))
            size = int(np.asarray(array, dtype=array.dtype).sum(dtype=np.float64) * 0) + array.nbytes
        except WorkerError:
            return False
        except (TypeError, ValueError) as error:
            raise WrongError(f"values that cannot be added: {array.dtype}") from error
        if short or array.dtype.hasobject or size > len(content):
            raise WrongError(f"{array.dtype} {array.shape} out of {len(content)} bytes")
        return True

    return attempt


def prompts(samples: Path) -> Attempt:
    """Prompt files of both versions and markups of Slicer: what passes all checks lies in the image."""
    documents = [
        (".json", json.loads(PROMPT.to_json())),
        (".json", json.loads(PromptSet.of(PROMPT).to_json())),
        (".mrk.json", MARKUPS),
    ]
    geometry = Geometry(SHAPE[::-1])

    def attempt(rng: random.Random, folder: Path) -> bool:
        suffix, document = rng.choice(documents)
        path = folder / f"a{suffix}"
        path.write_bytes(json_bytes(document, rng))
        try:
            prompt = read_prompt_file(path)
            if isinstance(prompt, Markups):
                prompt = prompt.on_slice(geometry, rng.randrange(3), rng.choice((None, 1)))
            prompt.validate_for(SHAPE)
        except PromptError:
            return False
        if type(prompt).from_json(prompt.to_json()) != prompt:
            raise WrongError("not the same when written again")
        for one in [prompt] if isinstance(prompt, Prompt) else map(prompt.on, range(SHAPE[0])):
            _check_places(one)
        return True

    return attempt


def _check_places(prompt: Prompt | None) -> None:
    for item in prompt.objects if prompt is not None else ():
        places, _ = item.points_and_labels()
        inside = (places >= -0.5).all() and (places <= [SHAPE[2], SHAPE[1]]).all()
        if not (inside and (len(places) or item.mask_array().shape == SHAPE[1:])):
            raise WrongError(f"{item.name} lies outside the image")


def configurations(samples: Path) -> Attempt:
    """Configurations of models, the registry, and the record of the engine's installation."""
    from PromptOnceLib.engine.network import build_network

    text = resource("Models", "nano.yaml").read_text(encoding="utf-8")
    registry = json.loads(resource("Models", "registry.json").read_text(encoding="utf-8"))
    record = json.loads(InstallManifest(state="complete", versions={"torch": "2.9"}).model_dump_json())

    def attempt(rng: random.Random, folder: Path) -> bool:
        way = rng.randrange(3)
        if way == 0:
            path = folder / "a.yaml"
            lines = rng.random() < 0.8
            path.write_bytes(as_bytes(damaged_lines(text, rng, ":-")) if lines else damaged(text.encode(), rng))
            try:
                return build_network(path) is not None
            except (ModelError, PromptOnceError):
                return False
        content = json_bytes(registry if way == 1 else record, rng)
        (folder / "promptonce-engine.json").write_bytes(content)
        if way == 2:
            found = read_manifest(layout(folder))
            return found is not None and found.state != "broken"
        try:
            entries = Registry.model_validate_json(content).models
        except ValidationError:
            return False
        if any(not entry.embedded and entry.sha256 is None and entry.pointer is None for entry in entries):
            raise WrongError("a model of the network without a checksum, or an address that says it")
        return True

    return attempt
