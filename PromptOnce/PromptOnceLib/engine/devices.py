"""Where a model runs and in which precision."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from PromptOnceLib.errors import InputError

EXACT = "float32"
"""The precision that gives upstream's numbers when it is named."""

PRECISIONS = ("auto", EXACT, "bfloat16", "float16")

# Weights of a network up to which conversions to bfloat16 cost a processor more than its units save: the embedded model
# has four million, the smallest of SAM 2.1 39 million.
_SMALL = 10_000_000


@dataclass(frozen=True)
class Pipeline:
    """How the work on a stack is cut into pieces; masks are the same but for rounding.

    encoded_at_once: slices the image encoder takes together, ahead of the memory stage. lag: steps along a pass that
    are begun before the results of an earlier one are waited for. objects_together, passes_together: track all objects,
    or both passes, at once. side_by_side: track the passes in threads that share the cores. compiled: let torch.compile
    rewrite image encoder and memory attention (compilation.py).
    """

    encoded_at_once: int = 1
    lag: int = 0
    objects_together: bool = False
    passes_together: bool = False
    compiled: bool = False
    side_by_side: bool = False

    def smaller(self) -> Pipeline:
        """The same with pieces that need less memory, or itself: one slice at a time, then one object at a time."""
        if self.encoded_at_once > 1 or self.passes_together or self.side_by_side:
            return replace(self, encoded_at_once=1, passes_together=False, side_by_side=False)
        return replace(self, objects_together=False)


# A processor has nothing to do while it waits for itself, and batches of slices are not faster on it.
ON_GPU = Pipeline(encoded_at_once=4, lag=1, objects_together=True, passes_together=True)
# Not for the last resort, which begins where memory is short.
ON_CPU = Pipeline(side_by_side=True)
# As upstream cuts it: sums over larger batches are taken in another order.
EXACT_ON_GPU = Pipeline(lag=1)


@dataclass(frozen=True)
class Placement:
    """A device and the autocast type used there.

    autocast: None for float32 throughout. last_resort: True where there is nothing to fall back to when memory ends.
    rearranged: compute the same function with fewer or faster operations (attention.py), equal but for rounding;
    without, float32 on the CPU gives upstream's numbers bit for bit. pipeline: by default one thing after the other.
    automatic: whether the autocast type was chosen here, not by the user.
    """

    device: torch.device
    autocast: torch.dtype | None
    last_resort: bool
    rearranged: bool = False
    pipeline: Pipeline = Pipeline()
    automatic: bool = False

    def for_network(self, weights: int) -> Placement:
        """The same as a network of so many weights is best run there."""
        slower = self.automatic and self.device.type == "cpu" and weights < _SMALL
        return replace(self, autocast=None) if slower else self

    @property
    def precision(self) -> str:
        """The autocast type by name, "float32" without autocast."""
        return "float32" if self.autocast is None else str(self.autocast).removeprefix("torch.")

    def compute(self) -> torch.autocast:
        """Context for one computation. To be entered anew for each: a generator loses it at its first yield."""
        enabled = self.autocast is not None
        dtype = self.autocast if self.autocast is not None else torch.bfloat16
        return torch.autocast(self.device.type, dtype=dtype, enabled=enabled)


def place(device: str = "auto", precision: str = "auto", compiled: bool = False) -> Placement:
    """Device and precision from what the user named.

    device: "auto" (the first of CUDA, MPS, CPU that is there), "cpu", "mps", "cuda" or "cuda:N". precision: one of
    PRECISIONS; "auto" is bfloat16 on CUDA from compute capability 8.0 and on processors that multiply it in hardware,
    unless the network is small (Placement.for_network), float16 on older CUDA devices, float32 elsewhere. Only
    "float32" by name does upstream's operations one by one, on the CPU to the last bit; the others are rearranged for
    speed. compiled: let torch.compile rewrite the network, where that was asked for.
    Raises InputError for a device this computer does not have.
    """
    chosen = _device(device)
    is_cpu = chosen.type == "cpu"
    pipeline = ON_CPU if is_cpu else Pipeline()
    if chosen.type == "cuda":
        pipeline = EXACT_ON_GPU if precision == "float32" else ON_GPU
    return Placement(
        chosen,
        _autocast(chosen, precision),
        last_resort=is_cpu,
        rearranged=is_cpu and precision != "float32",
        pipeline=replace(pipeline, compiled=compiled),
        automatic=precision == "auto",
    )


def on_cpu() -> Placement:
    """The place of last resort."""
    return Placement(torch.device("cpu"), None, last_resort=True)


def available_devices() -> list[str]:
    """Names that `place` accepts here, best first."""
    names = [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        names.append("mps")
    return [*names, "cpu"]


def describe(device: torch.device) -> str:
    """The device in words, with its memory, for logs and records."""
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        return f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB"
    if device.type == "mps":
        return "Apple GPU"
    return f"CPU, {torch.get_num_threads()} threads"


def _device(name: str) -> torch.device:
    devices = available_devices()
    if name == "auto":
        return torch.device(devices[0])
    if name == "cuda" and torch.cuda.is_available():
        return torch.device("cuda:0")
    if name not in devices:
        raise InputError(f"The device {name!r} is not on this computer; choose one of: auto, {', '.join(devices)}.")
    return torch.device(name)


def _autocast(device: torch.device, precision: str) -> torch.dtype | None:
    if precision not in PRECISIONS:
        raise InputError(f"The precision {precision!r} is unknown; choose one of: {', '.join(PRECISIONS)}.")
    if precision == "bfloat16":
        return torch.bfloat16
    if precision == "float16":
        return torch.float16
    if precision == "auto" and device.type == "cuda":
        # Before compute capability 8.0 bfloat16 runs at the speed of float32.
        return torch.bfloat16 if torch.cuda.get_device_capability(device) >= (8, 0) else torch.float16
    if precision == "auto" and device.type == "cpu" and has_bfloat16_units():
        return torch.bfloat16
    return None


def has_bfloat16_units() -> bool:
    """Whether this processor multiplies bfloat16 in hardware: AVX512-BF16 or AMX.

    Others do it in software, a hundred times slower than float32. PyTorch's own tests; a version without them counts as
    no.
    """
    tests = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(bool(getattr(torch.cpu, name, bool)()) for name in tests)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory has ended: CUDA and Python have classes for it, MPS, the CPU's allocator and hydra only say so."""
    said = str(error)
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or any(words in said for words in _NO_MEMORY)


_NO_MEMORY = ("out of memory", "can't allocate", "not enough memory", "MemoryError", "bad_alloc")
