"""A worker process without a model: what is brighter than 128 is the object. It speaks the real protocol.

With it, the runs of a batch can be tested, killed and taken up again many times in a minute. A stack whose very first
pixel is 7 ends the worker; QUICK_WORKER_DELAY are seconds a slice.
"""

from __future__ import annotations

import os
import queue
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from PromptOnceLib.worker import protocol

KILLER = 7


def say(message: protocol.Message) -> None:
    sys.stdout.buffer.write(protocol.encode(message))
    sys.stdout.buffer.flush()


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="quick-worker-"))
    requests: queue.SimpleQueue = queue.SimpleQueue()
    cancelled: set[int] = set()

    def listen() -> None:
        for line in sys.stdin.buffer:
            request = protocol.decode_request(line)
            if isinstance(request, protocol.Cancel):
                cancelled.add(request.target)
                say(protocol.Done(id=request.id))
            else:
                requests.put(request)
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    frames = np.zeros((0, 0, 0), np.uint8)
    while True:
        request = requests.get()
        if isinstance(request, protocol.Hello):
            say(
                protocol.Welcome(
                    id=request.id,
                    protocol=protocol.PROTOCOL_VERSION,
                    folder=str(folder),
                    versions={"quick": "1"},
                    devices=["cpu"],
                    memory_bytes={},
                )
            )
        elif isinstance(request, protocol.LoadModel):
            say(
                protocol.ModelLoaded(
                    id=request.id,
                    name=request.name,
                    device="cpu",
                    device_name="CPU",
                    precision="float32",
                    image_size=256,
                    parameters=1,
                )
            )
        elif isinstance(request, protocol.SetStack):
            frames = np.load(folder / request.file)
            say(protocol.Done(id=request.id))
        elif isinstance(request, protocol.Prefetch):
            say(protocol.Done(id=request.id))
        elif isinstance(request, protocol.Embed):
            embed(request, frames, folder)
        elif isinstance(request, protocol.Propagate):
            propagate(request, frames, folder, cancelled)


def embed(request: protocol.Embed, frames: np.ndarray, folder: Path) -> None:
    """Where the object is: the share of bright pixels in every column, coarsely."""
    pictures = [frames[index] for index in request.slices] + [np.load(folder / name) for name in request.frames]
    found = [[(part > 128).mean() for part in np.array_split(picture, 16, axis=1)] for picture in pictures]
    np.save(folder / request.file, np.array(found, np.float32))
    say(protocol.Embedded(id=request.id, cancelled=False))


def propagate(request: protocol.Propagate, frames: np.ndarray, folder: Path, cancelled: set[int]) -> None:
    if frames[0, 0, 0] == KILLER:
        os._exit(9)
    masks = np.lib.format.open_memmap(folder / request.file, "w+", np.uint8, (1, *frames.shape))
    total = request.last + 1 - request.first
    for done in range(total):
        if request.id in cancelled:
            say(protocol.Propagated(id=request.id, cancelled=True, slices=done, device="cpu"))
            return
        time.sleep(float(os.environ.get("QUICK_WORKER_DELAY", "0")))
        index = request.first + done
        masks[0, index] = frames[index] > 128
        say(
            protocol.SliceDone(
                id=request.id, slice=index, done=done + 1, total=total, presence=[0.9], predicted_iou=[0.8]
            )
        )
        if request.stop_when_absent and not masks[0, index].any():
            total = done + 1
            break
    say(protocol.Propagated(id=request.id, cancelled=False, slices=total, device="cpu"))


if __name__ == "__main__":
    main()
