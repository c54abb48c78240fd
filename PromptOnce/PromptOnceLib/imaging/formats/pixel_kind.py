"""Which images are one volume of plain numbers, and which are something else."""

from __future__ import annotations

from PromptOnceLib.errors import VolumeError


def check_kind(name: str, volumes: int, components: int, colour: bool, complex_numbers: bool) -> None:
    """Raise VolumeError unless a file holds one volume of numbers or of colours.

    name: of the file. components: values per voxel. colour: whether several of them are a colour.
    """
    if volumes > 1:
        raise several_volumes(name, volumes)
    if complex_numbers:
        raise VolumeError(f"{name} holds complex numbers. Save the magnitude as a 3D image.")
    if components > 1 and not colour:
        raise VolumeError(
            f"{name} holds {components} values per voxel (a vector image, or several images in one). Save one of them "
            "as a 3D image."
        )


def several_volumes(name: str, count: int, what: str = "a 4D image") -> VolumeError:
    """Error for a file of several volumes."""
    return VolumeError(f"{name} is {what} of {count} volumes. Save the volume you want as a 3D image.")


def unreadable(name: str, kinds: str, hint: str = "", detail: str = "") -> VolumeError:
    """Error for a file whose contents cannot be understood."""
    return VolumeError(f"{name} cannot be read: it is damaged or not an image of a known kind ({kinds}).{hint}", detail)


def incomplete(name: str, last: str = "its last voxel") -> VolumeError:
    """Error for a file that was cut off."""
    return VolumeError(f"{name} is incomplete: it ends before {last}. Copy or download it again.")
