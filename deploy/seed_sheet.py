"""A drawing surface for flat pictures: paths like SVG's, drawn twice as fine to smooth them."""

from __future__ import annotations

import re
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFilter

Point = tuple[float, float]

GRAIN = 2  # every edge is drawn twice as fine and scaled down, which smooths it
CURVE_STEPS = 28
BLUR = 8  # soft shapes are blurred this much smaller: nobody sees it, and it is quick


def outline(path: str) -> list[Point]:
    """The corners of a path written like SVG's, with absolute M, L, C and Z only."""
    points: list[Point] = []
    for command, rest in re.findall(r"([MLCZ])([^MLCZ]*)", path):
        numbers = [float(n) for n in re.findall(r"-?[\d.]+", rest)]
        pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
        if command == "C":
            for i in range(0, len(pairs), 3):
                points += curve(points[-1], *pairs[i : i + 3])
        else:
            points += pairs
    return points


def curve(a: Point, b: Point, c: Point, d: Point) -> list[Point]:
    steps = [i / CURVE_STEPS for i in range(1, CURVE_STEPS + 1)]
    return [
        (
            (1 - t) ** 3 * a[0]
            + 3 * (1 - t) ** 2 * t * b[0]
            + 3 * (1 - t) * t * t * c[0]
            + t**3 * d[0],
            (1 - t) ** 3 * a[1]
            + 3 * (1 - t) ** 2 * t * b[1]
            + 3 * (1 - t) * t * t * c[1]
            + t**3 * d[1],
        )
        for t in steps
    ]


def mirrored(path: str, width: float = 1000) -> str:
    """The same path seen in a mirror standing in the middle of the sheet."""
    return re.sub(r"(-?[\d.]+) (-?[\d.]+)", lambda m: f"{width - float(m[1])} {m[2]}", path)


def rgba(color: str, alpha: int = 255) -> tuple[int, int, int, int]:
    return (int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16), alpha)


class Sheet:
    """A drawing surface 1000 units high."""

    def __init__(self, width: int, height: int, top: str, bottom: str) -> None:
        self.scale = height * GRAIN / 1000
        self.final = (width, height)
        fade = Image.linear_gradient("L").resize((width * GRAIN, height * GRAIN))
        self.image = Image.composite(
            Image.new("RGB", fade.size, bottom), Image.new("RGB", fade.size, top), fade
        )
        self.pen = ImageDraw.Draw(self.image, "RGBA")

    def _at(self, points: list[Point]) -> list[Point]:
        return [(x * self.scale, y * self.scale) for x, y in points]

    def _mask(self, path: str, box: tuple[int, int, int, int]) -> Image.Image:
        mask = Image.new("L", (box[2] - box[0], box[3] - box[1]))
        points = [(x - box[0], y - box[1]) for x, y in self._at(outline(path))]
        ImageDraw.Draw(mask).polygon(points, fill=255)
        return mask

    def _box(self, path: str) -> tuple[int, int, int, int]:
        points = self._at(outline(path))
        xs, ys = [x for x, _ in points], [y for _, y in points]
        return int(min(xs)), int(min(ys)), int(max(xs)) + 1, int(max(ys)) + 1

    def path(self, path: str, color: str, alpha: int = 255) -> None:
        self.pen.polygon(self._at(outline(path)), fill=rgba(color, alpha))

    def both(self, path: str, color: str, alpha: int = 255) -> None:
        """The path and its mirror image."""
        self.path(path, color, alpha)
        self.path(mirrored(path), color, alpha)

    def inside(self, shape: str, path: str, color: str, alpha: int = 255) -> None:
        """As much of `path` as lies within `shape`: shading, stripes, prints."""
        box = self._box(shape)
        mask = ImageChops.darker(self._mask(shape, box), self._mask(path, box))
        self.image.paste(color, box, mask.point(lambda value: value * alpha // 255))

    def line(self, path: str, color: str, width: float, alpha: int = 255) -> None:
        points, half = self._at(outline(path)), width * self.scale / 2
        self.pen.line(points, fill=rgba(color, alpha), width=round(half * 2), joint="curve")
        if alpha == 255:
            for x, y in (points[0], points[-1]):
                self.pen.ellipse((x - half, y - half, x + half, y + half), fill=color)

    def oval(self, x: float, y: float, rx: float, ry: float, color: str, alpha: int = 255) -> None:
        box = self._at([(x - rx, y - ry), (x + rx, y + ry)])
        self.pen.ellipse(box, fill=rgba(color, alpha))

    def box(self, x: float, y: float, w: float, h: float, radius: float, color: str) -> None:
        self.pen.rounded_rectangle(
            self._at([(x, y), (x + w, y + h)]), radius * self.scale, fill=rgba(color)
        )

    def soft(self, x: float, y: float, rx: float, ry: float, color: str, alpha: int) -> None:
        """A blurred oval: a shadow on the floor or the glow of a lamp."""
        reach, step = 1.5, self.scale / BLUR  # `reach` leaves room for the blur to fade out
        width, height = round(2 * rx * reach * step), round(2 * ry * reach * step)
        small = Image.new("L", (width, height))
        ImageDraw.Draw(small).ellipse(
            [
                width / 2 - rx * step,
                height / 2 - ry * step,
                width / 2 + rx * step,
                height / 2 + ry * step,
            ],
            fill=alpha,
        )
        blurred = small.filter(ImageFilter.GaussianBlur(min(rx, ry) * step / 4))
        mask = blurred.resize((width * BLUR, height * BLUR), Image.Resampling.BILINEAR)
        corner = (
            round(x * self.scale) - width * BLUR // 2,
            round(y * self.scale) - height * BLUR // 2,
        )
        self.image.paste(color, corner, mask)

    def save(self, file: Path) -> None:
        """Written beside and moved into place, so that a killed start leaves no half picture."""
        part = file.with_suffix(".part")
        picture = self.image.resize(self.final, Image.Resampling.BOX)
        picture.save(part, "WEBP", quality=86, method=2)
        part.replace(file)
