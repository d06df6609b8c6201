"""Pictures as people send them, good and bad, drawn by the tests."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Any

from PIL import Image

RED, BLUE = (220, 30, 30), (30, 30, 220)


def a_picture(
    size: tuple[int, int] = (400, 300), form: str = "JPEG", color: Any = RED, **options: Any
) -> bytes:
    written = io.BytesIO()
    Image.new(options.pop("mode", "RGB"), size, color).save(written, form, **options)
    return written.getvalue()


def sideways() -> bytes:
    """Red above blue as one sees it, kept lying on its side, with a place and a camera."""
    picture = Image.new("RGB", (600, 400), RED)
    picture.paste(BLUE, (300, 0, 600, 400))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it clockwise to see it upright
    exif[0x010F] = "A camera"
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (40.0, 24.0, 59.0)
    written = io.BytesIO()
    picture.save(written, "JPEG", exif=exif, comment=b"taken at home")
    return written.getvalue()


def animated(form: str = "WEBP") -> bytes:
    frames = [Image.new("RGB", (300, 300), color) for color in (RED, BLUE)]
    written = io.BytesIO()
    frames[0].save(written, form, save_all=True, append_images=frames[1:], duration=100)
    return written.getvalue()


def with_depth() -> bytes:
    """A JPEG with another one behind it, as phones write."""
    frames = [Image.new("RGB", (300, 300), color) for color in (RED, BLUE)]
    written = io.BytesIO()
    frames[0].save(written, "MPO", save_all=True, append_images=frames[1:])
    return written.getvalue()


def bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """A few hundred bytes of PNG that say they are gigapixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content).to_bytes(4, "big")
        return len(content).to_bytes(4, "big") + kind + content + check

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
    body = zlib.compress(b"\0" * 100_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def text_bomb() -> bytes:
    """A small PNG whose comment unpacks to a thousand times its length."""
    good = a_picture(form="PNG")
    content = b"Comment\0\0" + zlib.compress(b"A" * 3_000_000, 9)
    check = zlib.crc32(b"zTXt" + content).to_bytes(4, "big")
    return good[:33] + len(content).to_bytes(4, "big") + b"zTXt" + content + check + good[33:]


def with_an_archive() -> bytes:
    """A picture that is an archive as well."""
    written = io.BytesIO(a_picture())
    written.seek(0, io.SEEK_END)
    with zipfile.ZipFile(written, "a") as archive:
        archive.writestr("Main.class", b"\xca\xfe\xba\xbe")
    return written.getvalue()
