"""Makes clean WebP pictures in several sizes out of whatever bytes somebody sent.

Nothing of the file survives but its pixels: no place, no camera, no profile, no bytes behind them.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from commerce.catalog.media_model import (
    EDGE_MAX,
    EDGE_MIN,
    FORMATS,
    MEGAPIXELS_MAX,
    MEGAPIXELS_MAX_OF_JPEG,
    UPLOAD_BYTES_MAX,
    PictureRefused,
    Reason,
    widths,
)

QUALITY = 82
MANY_PICTURES_OF_ONE = "MPO"  # a JPEG with more JPEGs behind it, as phones write for depth
BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
# What Pillow's readers raise on bytes that are not what they say.
DAMAGES = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
)


@dataclass(frozen=True, slots=True)
class Encoded:
    digest: str  # of the bytes as they were sent
    width: int
    height: int
    sizes: Mapping[int, bytes]  # WebP, by width
    photo: bytes  # JPEG of the widest, for messengers: WhatsApp takes no WebP


def encode(content: bytes) -> Encoded:
    """All sizes of a picture; PictureRefused says why there are none. Takes a second at worst."""
    _refuse_strangers(content)
    try:
        with _opened(content) as source:
            picture = _clean(source)
    except BOMBS:
        raise PictureRefused(reason=Reason.TOO_MANY_PIXELS, most=MEGAPIXELS_MAX) from None
    except DAMAGES:
        raise PictureRefused(reason=Reason.DAMAGED) from None
    sizes = {width: _webp(picture, width) for width in widths(picture.width)}
    digest = hashlib.sha256(content).hexdigest()
    return Encoded(digest, picture.width, picture.height, sizes, _jpeg(picture))


def _refuse_strangers(content: bytes) -> None:
    if not content:
        raise PictureRefused(reason=Reason.EMPTY)
    if len(content) > UPLOAD_BYTES_MAX:
        raise PictureRefused(reason=Reason.TOO_MANY_BYTES, bytes=len(content))
    if b"%PDF-" in content[:1024] or zipfile.is_zipfile(io.BytesIO(content)):
        raise PictureRefused(reason=Reason.SOMETHING_ELSE_TOO)


def _opened(content: bytes) -> Image.Image:
    """The picture with its head read and found harmless, and nothing decoded yet."""
    try:
        source = Image.open(io.BytesIO(content), formats=FORMATS)
    except UnidentifiedImageError:
        raise PictureRefused(reason=_what_else(content)) from None
    width, height = source.size
    scaled = source.format in ("JPEG", MANY_PICTURES_OF_ONE)
    most = MEGAPIXELS_MAX_OF_JPEG if scaled else MEGAPIXELS_MAX
    if width * height > most * 1_000_000:
        raise PictureRefused(reason=Reason.TOO_MANY_PIXELS, most=most)
    if min(width, height) < EDGE_MIN:
        raise PictureRefused(reason=Reason.TOO_SMALL, width=width, height=height)
    if getattr(source, "is_animated", False) and source.format != MANY_PICTURES_OF_ONE:
        raise PictureRefused(reason=Reason.ANIMATED)
    return source


def _what_else(content: bytes) -> Reason:
    """Whether it is a picture of another kind, by its first bytes alone."""
    others = (b"GIF8", b"BM", b"II*\0", b"MM\0*", b"<svg", b"\0\0\1\0")
    isobmff = content[4:8] == b"ftyp" and content[8:12] in (b"heic", b"heix", b"mif1", b"avif")
    known = content.startswith(others) or isobmff
    return Reason.UNKNOWN_KIND if known else Reason.NOT_A_PICTURE


def _clean(source: Image.Image) -> Image.Image:
    """Upright, in sRGB, no larger than needed, and without a word about where it was taken."""
    profile = source.info.get("icc_profile")
    source.draft("RGB", (EDGE_MAX, EDGE_MAX))  # a JPEG is decoded smaller at once
    source.load()
    picture = _plain_mode(source)
    picture.thumbnail((EDGE_MAX, EDGE_MAX), Image.Resampling.LANCZOS)  # before anything copies it
    picture = _in_srgb(ImageOps.exif_transpose(picture), profile)
    if picture.mode not in ("RGB", "RGBA"):
        picture = picture.convert("RGB")
    picture.info = {}
    return picture


def _plain_mode(picture: Image.Image) -> Image.Image:
    """Palettes and greys with a transparent colour as RGBA; 16 bits of grey as 8."""
    if picture.mode.startswith("I"):
        return picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if picture.mode in ("P", "PA", "LA", "La", "RGBa") or "transparency" in picture.info:
        return picture.convert("RGBA")
    return picture


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Phones take pictures in wider colours, which look dull where nobody knows of them."""
    if not profile:
        return picture
    target = "RGBA" if picture.mode == "RGBA" else "RGB"
    try:
        converted = ImageCms.profileToProfile(
            picture,
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            outputMode=target,
        )
    except (ImageCms.PyCMSError, OSError):  # a profile that is wrong is no profile
        return picture
    return converted or picture


def _webp(picture: Image.Image, width: int) -> bytes:
    if width < picture.width:
        height = max(1, picture.height * width // picture.width)
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    written = io.BytesIO()
    picture.save(written, "WEBP", quality=QUALITY, method=4)
    return written.getvalue()


def _jpeg(picture: Image.Image) -> bytes:
    if picture.mode == "RGBA":  # what shines through is white
        white = Image.new("RGB", picture.size, "white")
        white.paste(picture, mask=picture.getchannel("A"))
        picture = white
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return written.getvalue()
