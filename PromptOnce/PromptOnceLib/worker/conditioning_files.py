"""The frames of a shared seed on their way to the worker."""

from __future__ import annotations

from pathlib import Path

from PromptOnceLib.prompts.conditioning import AnyPrompt, SharedSeed
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.prompts.prompt_set import PromptSet
from PromptOnceLib.worker.arrays import save_array
from PromptOnceLib.worker.protocol import SeedFrame, SharedPrompt


class ConditioningFiles:
    """Frames of one request in the session folder; they are to be removed once the request is over."""

    def __init__(self, folder: Path, request: int) -> None:
        self._folder, self._request = folder, request
        self._paths: list[Path] = []

    def put(self, prompt: AnyPrompt) -> Prompt | PromptSet | SharedPrompt:
        """What the request says of a prompt; the frames of a shared seed are written. Raises WorkerError."""
        if not isinstance(prompt, SharedSeed):
            return prompt
        frames = []
        for number, seed in enumerate(prompt.frames):
            path = self._folder / f"seed-frame-{self._request}-{number}.npy"
            self._paths.append(path)
            save_array(path, seed.frame)
            frames.append(SeedFrame(file=path.name, objects=seed.objects, scale=seed.scale))
        return SharedPrompt(frames=tuple(frames), slice=prompt.slice)

    def remove(self) -> None:
        """Remove the frames."""
        for path in self._paths:
            path.unlink(missing_ok=True)
