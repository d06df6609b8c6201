"""All words of the pictures' page that do not stand in a template."""

from __future__ import annotations

from commerce.kernel.errors import Refusal

WHY = {  # bytes are not taken as a picture
    "empty": "This file is empty.",
    "too_many_bytes": "This file is larger than 15 MB.",
    "not_a_picture": "This is no picture.",
    "unknown_kind": "Only JPEG, PNG and WebP are taken. On an iPhone: Settings, Camera, Formats, "
    "Most Compatible.",
    "too_many_pixels": "This picture has more than {most} megapixels.",
    "too_small": "This picture is only {width} by {height} pixels; each side needs at least 200.",
    "animated": "This picture moves. Only still ones are taken.",
    "damaged": "This picture is damaged: it cannot be read to its end.",
    "something_else_too": "This file is a picture and something else at once, so it is not taken.",
}
PROBLEMS = {
    "too_many_pictures": "A product has at most {maximum} pictures. Remove one first.",
    "stale_product": "Somebody changed this product meanwhile. Look again: this is how it is now.",
    "product_incomplete": "This product is for sale, so it keeps at least one picture.",
    "no_such_picture": "This picture is not there any more. Look again: this is how it is now.",
    "illegal_move": "This product is archived and does not change any more.",
}
BUSY = "The pictures cannot be stored just now. Try again in a minute."
NO_FILE = "Choose a picture first."
TOO_LARGE = "These files are larger than 60 MB together. Send fewer at once."
NOTICES = {"saved": "Saved. Fans see it now.", "added": "Added."}


def of_refusal(refusal: Refusal) -> str:
    reason = str(refusal.facts.get("reason", ""))
    sentence = WHY.get(reason) or PROBLEMS.get(refusal.code, "That is not possible any more.")
    return sentence.format_map(refusal.facts)
