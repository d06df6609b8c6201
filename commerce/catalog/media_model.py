"""Pictures as the catalog knows them: what is taken, in which sizes, and by which paths."""

from __future__ import annotations

import re
from enum import StrEnum

from commerce.kernel.errors import Outage, Refusal
from commerce.kernel.machine import Machine

UPLOAD_BYTES_MAX = 15 * 1024 * 1024
MEGAPIXELS_MAX = 25  # decoded, that is up to 400 MB
MEGAPIXELS_MAX_OF_JPEG = 50  # what the largest phones take; these are decoded small at once
EDGE_MIN = 200  # pixels; less is a thumbnail and looks torn on every screen
EDGE_MAX = 1600
WIDTHS = (320, 640)  # beside the widest one that is kept
PICTURES_MAX = 12  # of one product
FORMATS = ("JPEG", "PNG", "WEBP")
PATH = re.compile(r"/media/pictures/(?P<digest>[0-9a-f]{64})/(?P<width>[1-9][0-9]{0,3})\.webp")


class PictureStatus(StrEnum):
    STORING = "storing"  # its bytes are on their way; nothing may name it yet
    STORED = "stored"
    REMOVING = "removing"  # whoever brought it went away before it was stored


class PictureAction(StrEnum):
    STORE = "store"
    REMOVE = "remove"


PICTURE_LIFE: Machine[PictureStatus, PictureAction] = Machine(
    start=PictureStatus.STORING,
    moves={
        (PictureStatus.STORING, PictureAction.STORE): PictureStatus.STORED,
        (PictureStatus.STORING, PictureAction.REMOVE): PictureStatus.REMOVING,
    },
)


class Reason(StrEnum):
    """Why bytes are not taken as a picture."""

    EMPTY = "empty"
    TOO_MANY_BYTES = "too_many_bytes"
    NOT_A_PICTURE = "not_a_picture"
    UNKNOWN_KIND = "unknown_kind"  # a picture, but of a kind that few programs write
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_SMALL = "too_small"
    ANIMATED = "animated"
    DAMAGED = "damaged"  # it begins like a picture and does not go on like one
    SOMETHING_ELSE_TOO = "something_else_too"  # a picture that is an archive or a document as well


class PictureRefused(Refusal):
    code = "picture_refused"


class TooManyPictures(Refusal):
    code = "too_many_pictures"


class NoSuchPicture(Refusal):
    """A path that names no stored picture of this product."""

    code = "no_such_picture"


class PictureBusy(Outage):
    """What is left of an upload that broke off is being cleared away just now."""


def key(digest: str, width: int) -> str:
    """Where the bytes of one size are kept."""
    return f"pictures/{digest}/{width}.webp"


def path(digest: str, width: int) -> str:
    return f"/media/{key(digest, width)}"


def photo_key(digest: str, width: int) -> str:
    return f"pictures/{digest}/{width}.jpg"


def picture_type(key: str) -> str:
    return "image/jpeg" if key.endswith(".jpg") else "image/webp"


def keys(digest: str, width: int) -> list[str]:
    """Of everything that is kept of a picture that is `width` wide at its widest."""
    return [*(key(digest, each) for each in widths(width)), photo_key(digest, width)]


def widths(width: int) -> tuple[int, ...]:
    """All that are kept of a picture that is `width` wide at its widest."""
    return (*(narrow for narrow in WIDTHS if narrow < width), width)


def srcset(widest: str) -> str:
    """The sizes of a stored picture, for a browser to choose from; empty for any other path."""
    found = PATH.fullmatch(widest)
    if found is None:
        return ""
    kept = widths(int(found["width"]))
    return ", ".join(f"{path(found['digest'], width)} {width}w" for width in kept)


def photo(widest: str) -> str:
    """The picture as every messenger takes it, JPEG; any other path as it is."""
    found = PATH.fullmatch(widest)
    return f"/media/{photo_key(found['digest'], int(found['width']))}" if found else widest


def thumbnail(widest: str) -> str:
    """The path of the narrowest size; any other path as it is."""
    found = PATH.fullmatch(widest)
    return path(found["digest"], widths(int(found["width"]))[0]) if found else widest
