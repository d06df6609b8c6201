"""Whatever is sent as a picture becomes clean pictures in several sizes, or is refused with why."""

from __future__ import annotations

import hashlib
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from commerce.catalog.media_encoding import encode
from commerce.catalog.media_model import (
    PATH,
    UPLOAD_BYTES_MAX,
    PictureRefused,
    Reason,
    path,
    photo,
    srcset,
    thumbnail,
    widths,
)
from tests.catalog import pictures
from tests.catalog.pictures import BLUE, RED, a_picture


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def near(seen: object, wanted: tuple[int, ...]) -> bool:
    assert isinstance(seen, tuple)
    return all(abs(a - b) < 12 for a, b in zip(seen, wanted, strict=True))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_kept_in_every_size_it_fills(form: str) -> None:
    content = a_picture((1700, 850), form)

    made = encode(content)

    assert made.digest == hashlib.sha256(content).hexdigest()
    assert (made.width, made.height, tuple(made.sizes)) == (1600, 800, (320, 640, 1600))
    for width, size in made.sizes.items():
        picture = opened(size)
        assert (picture.format, picture.size) == ("WEBP", (width, width // 2))
        assert near(picture.convert("RGB").getpixel((width // 2, 40)), RED)


def test_messengers_get_a_photo_without_anything_shining_through() -> None:
    photo = opened(encode(a_picture(form="PNG", mode="RGBA", color=(*BLUE, 0))).photo)

    assert (photo.format, photo.mode, photo.size) == ("JPEG", "RGB", (400, 300))
    assert near(photo.getpixel((9, 9)), (255, 255, 255))
    assert encode(a_picture((6_000, 5_000))).width == 1600


def test_a_small_picture_is_not_blown_up() -> None:
    assert tuple(encode(a_picture((500, 260))).sizes) == (320, 500)
    assert tuple(encode(a_picture((250, 260))).sizes) == (250,)


def test_a_picture_stands_upright_and_tells_nothing_of_where_it_was_taken() -> None:
    made = encode(pictures.sideways())
    for size in (*made.sizes.values(), made.photo):
        picture = opened(size)
        assert picture.width < picture.height
        assert near(picture.getpixel((picture.width // 2, 20)), RED)
        assert near(picture.getpixel((picture.width // 2, picture.height - 20)), BLUE)
        assert dict(picture.getexif()) == {}
        assert not {"exif", "xmp", "icc_profile", "comment"} & {*picture.info}
        assert b"camera" not in size


def test_a_wide_profile_becomes_the_colours_every_screen_knows() -> None:
    usual = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = usual.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")

    odd = encode(a_picture(icc_profile=swapped))
    broken = encode(a_picture(icc_profile=b"no profile at all"))

    assert near(opened(odd.sizes[400]).getpixel((9, 9)), BLUE)
    assert near(opened(broken.sizes[400]).getpixel((9, 9)), RED)


@pytest.mark.parametrize(
    ("mode", "form", "color", "seen"),
    [
        ("RGBA", "PNG", (*RED, 0), "RGBA"),
        ("LA", "PNG", (90, 128), "RGBA"),
        ("P", "PNG", 3, "RGBA"),
        ("L", "PNG", 90, "RGB"),
        ("1", "PNG", 1, "RGB"),
        ("I;16", "PNG", 90 * 256, "RGB"),
        ("CMYK", "JPEG", (0, 200, 200, 10), "RGB"),
    ],
)
def test_every_mode_is_taken_and_what_is_transparent_stays_so(mode, form, color, seen) -> None:
    picture = opened(encode(a_picture(form=form, color=color, mode=mode)).sizes[400])

    assert picture.mode in (seen, "RGB")
    assert (picture.mode == "RGBA") is (seen == "RGBA" and mode != "P")
    if mode in ("L", "I;16"):
        assert near(picture.getpixel((5, 5)), (90, 90, 90))


REFUSED = {
    "nothing": (b"", Reason.EMPTY),
    "too long": (b"\0" * (UPLOAD_BYTES_MAX + 1), Reason.TOO_MANY_BYTES),
    "a page": (b"<html><script>alert(1)</script>", Reason.NOT_A_PICTURE),
    "a program": (b"MZ" + a_picture(), Reason.NOT_A_PICTURE),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", Reason.UNKNOWN_KIND),
    "heic": (b"\0\0\0\x18ftypheic" + b"\0" * 50, Reason.UNKNOWN_KIND),
    "gif": (a_picture(form="GIF"), Reason.UNKNOWN_KIND),
    "tiff": (a_picture(form="TIFF"), Reason.UNKNOWN_KIND),
    "bomb that Pillow knows": (pictures.bomb(), Reason.TOO_MANY_PIXELS),
    "bomb below that": (pictures.bomb(5_001, 5_000), Reason.TOO_MANY_PIXELS),
    "fewer pixels than said": (pictures.bomb(5_000, 5_000), Reason.DAMAGED),
    "comment that swells": (pictures.text_bomb(), Reason.DAMAGED),
    "thin": (a_picture((199, 900)), Reason.TOO_SMALL),
    "moving webp": (pictures.animated("WEBP"), Reason.ANIMATED),
    "moving png": (pictures.animated("PNG"), Reason.ANIMATED),
    "cut jpeg": (a_picture((900, 900), quality=95)[:-400], Reason.DAMAGED),
    "cut png": (a_picture(form="PNG")[:-60], Reason.DAMAGED),
    "cut webp": (a_picture(form="WEBP")[:-20], Reason.DAMAGED),
    "with an archive": (pictures.with_an_archive(), Reason.SOMETHING_ELSE_TOO),
    "with a document": (a_picture(comment=b"%PDF-1.7 x"), Reason.SOMETHING_ELSE_TOO),
}


@pytest.mark.parametrize(("content", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_good_picture_is_refused_with_why(content: bytes, reason: Reason) -> None:
    with pytest.raises(PictureRefused) as refused:
        encode(content)

    assert refused.value.facts["reason"] == reason


def test_of_a_picture_with_depth_the_picture_is_taken() -> None:
    assert near(opened(encode(pictures.with_depth()).sizes[300]).getpixel((9, 9)), RED)


GOOD = {form: a_picture(form=form) for form in ("JPEG", "PNG", "WEBP")}


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(GOOD)), st.integers(0, 2000), st.binary(max_size=12))
def test_no_bytes_make_it_fall(form: str, at: int, noise: bytes) -> None:
    content = GOOD[form]
    at %= len(content)
    try:
        made = encode(content[:at] + noise + content[at + len(noise) :])
    except PictureRefused:
        return
    assert all(opened(size).format == "WEBP" for size in made.sizes.values())


def test_a_path_names_every_size_there_is() -> None:
    widest = path("ab" * 32, 1600)

    assert PATH.fullmatch(widest)
    assert srcset(widest) == ", ".join(f"{path('ab' * 32, w)} {w}w" for w in (320, 640, 1600))
    assert thumbnail(widest) == path("ab" * 32, 320)
    assert (widths(300), widths(320), widths(500)) == ((300,), (320,), (320, 500))
    assert photo(widest) == widest.replace(".webp", ".jpg")
    assert (srcset("/media/hoodie.webp"), thumbnail("https://x/y")) == ("", "https://x/y")
    assert photo("/media/hoodie.webp") == "/media/hoodie.webp"
