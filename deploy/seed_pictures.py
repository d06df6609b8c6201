"""Draws the demo shop's pictures with Pillow, so that no picture is committed or downloaded."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deploy.seed_sheet import Sheet


def hoodie(sheet: Sheet) -> None:
    cloth, shade, deep, cord = "#2f6f73", "#255a5e", "#173f42", "#f6e7c8"
    body = (
        "M 380 300 C 330 318 290 328 262 356 L 298 800 L 702 800 L 738 356"
        " C 710 328 670 318 620 300 C 590 350 550 378 500 384 C 450 378 410 350 380 300 Z"
    )
    sleeve = (
        "M 318 322 C 250 336 224 372 210 430 L 138 712 C 134 730 142 740 158 744 L 226 760"
        " C 242 763 252 757 256 742 L 330 480 Z"
    )
    sheet.oval(500, 480, 400, 400, "#f3b391")
    sheet.soft(500, 868, 250, 26, "#7d3f2c", 120)
    sheet.both(sleeve, shade)
    cuff = (
        "M 146 686 L 133 734 C 131 748 138 754 150 757 L 226 775 C 240 778 249 774 252 762"
        " L 266 714 Z"
    )
    sheet.both(cuff, deep)
    sheet.path(body, cloth)
    sheet.inside(body, "M 600 300 C 660 500 610 700 660 810 L 760 810 L 760 300 Z", shade)
    sheet.inside(body, "M 262 356 L 298 800 L 330 800 C 318 640 316 500 322 400 Z", deep, 90)
    sheet.box(290, 784, 420, 54, 22, deep)
    for x in range(308, 700, 24):
        sheet.line(f"M {x} 794 L {x} 828", shade, 4)
    sheet.path("M 392 590 L 608 590 L 664 690 L 664 770 L 336 770 L 336 690 Z", shade)
    sheet.line("M 392 590 L 336 690", deep, 7)
    sheet.line("M 608 590 L 664 690", deep, 7)
    sheet.line("M 392 590 L 608 590", deep, 4)
    hood = (
        "M 362 322 C 330 170 420 96 500 96 C 580 96 670 170 638 322"
        " C 610 376 560 402 500 408 C 440 402 390 376 362 322 Z"
    )
    sheet.path(hood, cloth)
    sheet.inside(hood, "M 560 90 C 640 180 620 300 560 410 L 680 410 L 680 90 Z", shade)
    sheet.path(
        "M 412 306 C 396 212 440 164 500 164 C 560 164 604 212 588 306"
        " C 568 350 536 370 500 376 C 464 370 432 350 412 306 Z",
        deep,
    )
    sheet.path(
        "M 434 300 C 470 330 530 330 566 300 C 556 345 528 362 500 366 C 472 362 444 345 434 300 Z",
        shade,
    )
    for side in ("M 452 376 C 446 420 452 452 444 500", "M 548 376 C 556 410 546 440 556 484"):
        sheet.line(side, cord, 10)
    sheet.line("M 444 500 L 442 524", "#e2673f", 14)
    sheet.line("M 556 484 L 559 508", "#e2673f", 14)
    sheet.path(
        "M 462 480 C 474 462 488 498 500 480 C 512 462 526 498 538 480 L 538 492"
        " C 526 510 512 474 500 492 C 488 510 474 474 462 492 Z",
        cord,
    )


def mug(sheet: Sheet) -> None:
    clay, shade, glaze, dark = "#f7efe2", "#e2d3bd", "#3d6fb4", "#274a7d"
    sheet.oval(500, 470, 390, 390, "#f9cf6b")
    sheet.path("M 0 760 L 1000 760 L 1000 1000 L 0 1000 Z", "#d98a4b")
    sheet.soft(520, 812, 330, 34, "#6b3413", 150)
    sheet.oval(490, 800, 310, 40, "#fffaf1")
    sheet.oval(490, 794, 250, 26, shade)
    sheet.line("M 640 470 C 800 430 830 640 640 680", dark, 62)
    sheet.line("M 640 462 C 784 430 812 640 640 668", clay, 48)
    body = (
        "M 290 390 L 312 720 C 318 782 356 806 410 806 L 570 806"
        " C 624 806 662 782 668 720 L 690 390 Z"
    )
    sheet.path(body, clay)
    wave = "M 270 560 C 330 500 380 500 430 550 C 480 600 540 600 590 550 C 630 512 670 512 720 550"
    sheet.inside(body, wave + " L 720 830 L 270 830 Z", glaze)
    low = "M 270 650 C 330 600 380 600 430 640 C 480 680 540 680 590 640 C 630 610 670 610 720 640"
    sheet.inside(body, low + " L 720 830 L 270 830 Z", dark)
    sheet.inside(body, "M 620 380 C 650 560 640 700 560 820 L 720 820 L 720 380 Z", "#1c2b45", 45)
    sheet.inside(body, "M 322 420 L 346 420 L 362 700 L 342 700 Z", "#ffffff", 150)
    for x, y, r in ((400, 470, 13), (470, 440, 9), (560, 476, 12), (612, 440, 8)):
        sheet.oval(x, y, r, r, glaze)
    sheet.oval(490, 390, 200, 46, shade)
    sheet.oval(490, 392, 182, 37, "#5b3320")
    sheet.path("M 330 404 C 400 440 580 440 650 404 C 620 436 360 436 330 404 Z", "#a8693d")
    for x, tall in ((420, 40), (492, 0), (566, 50)):
        steam = f"M {x} 340 C {x - 46} 280 {x + 46} {250 + tall // 2} {x} {170 + tall}"
        sheet.line(steam, "#fffdf6", 20, 235)


def tote(sheet: Sheet) -> None:
    canvas, shade, ink, sun = "#f4ead6", "#dfcfae", "#33523b", "#e8743b"
    sheet.oval(500, 500, 400, 400, "#a9c9a4")
    sheet.soft(500, 892, 300, 26, "#21402c", 140)
    sheet.line("M 400 400 C 390 60 610 60 600 400", shade, 34)
    body = (
        "M 236 360 L 764 360 L 806 860 C 808 880 798 888 780 888 L 220 888"
        " C 202 888 192 880 194 860 Z"
    )
    sheet.path(body, canvas)
    sheet.inside(body, "M 690 340 C 720 560 690 760 740 900 L 830 900 L 780 340 Z", shade)
    sheet.inside(body, "M 230 350 L 770 350 L 772 392 L 228 392 Z", shade)
    sheet.oval(500, 600, 112, 112, sun)
    for back, color in (
        ("M 190 760 C 320 640 420 640 540 730 C 640 800 720 700 830 690", "#6f9a64"),
        ("M 190 800 C 330 740 470 800 560 800 C 660 800 740 760 830 770", ink),
    ):
        sheet.inside(body, back + " L 830 850 L 180 850 Z", color)
    sheet.inside(body, "M 180 850 L 830 850 L 830 862 L 180 862 Z", sun)
    for x, y, tall in ((300, 780, 120), (352, 796, 84), (664, 786, 112), (716, 776, 70)):
        sheet.line(
            f"M {x} {y} C {x - 8} {y - tall // 2} {x + 8} {y - tall // 2} {x} {y - tall}", ink, 7
        )
        for dx, dy in ((-15, 0), (15, 0), (0, -15), (0, 15)):
            sheet.oval(x + dx, y - tall + dy, 12, 12, "#f7c9b4")
        sheet.oval(x, y - tall, 10, 10, sun)
    sheet.line("M 360 432 C 340 40 660 40 640 432", canvas, 38)
    for x in (360, 640):
        sheet.box(x - 26, 396, 52, 60, 8, canvas)
        sheet.line(f"M {x - 15} 408 L {x + 15} 444", sun, 4)
        sheet.line(f"M {x + 15} 408 L {x - 15} 444", sun, 4)


def shoe(sheet: Sheet, dx: float, dy: float, cloth: str, shade: str) -> None:
    def moved(path: str) -> str:
        return re.sub(
            r"(-?[\d.]+) (-?[\d.]+)", lambda m: f"{float(m[1]) + dx} {float(m[2]) + dy}", path
        )

    white, cream, ink = "#fff9ef", "#eadfcb", "#2c2a4a"
    upper = (
        "M 176 640 C 160 540 176 470 190 410 C 194 384 220 376 246 392 C 290 424 340 424 384 388"
        " C 404 372 430 376 446 396 C 510 478 590 520 690 546 C 800 572 850 590 856 664 L 856 690"
        " L 180 690 Z"
    )
    sheet.path(
        moved("M 372 404 C 376 350 410 326 440 340 C 470 356 480 400 500 440 L 420 460 Z"), shade
    )
    sheet.path(moved(upper), cloth)
    sheet.inside(
        moved(upper), moved("M 150 360 L 262 380 C 240 480 262 560 300 700 L 150 700 Z"), shade
    )
    sheet.inside(
        moved(upper), moved("M 700 520 C 660 590 668 640 690 700 L 900 700 L 900 520 Z"), white
    )
    sheet.inside(
        moved(upper),
        moved(
            "M 446 396 C 510 478 590 520 690 546 C 670 566 650 590 640 620"
            " C 540 590 470 540 396 440 Z"
        ),
        shade,
    )
    band = "M 300 690 C 360 640 380 560 440 500 L 500 546 C 450 590 430 650 400 700 Z"
    sheet.inside(moved(upper), moved(band), "#ffd166")
    for x, y in ((438, 430), (484, 478), (538, 518), (596, 548)):
        sheet.line(moved(f"M {x} {y} L {x + 36} {y - 36}"), white, 15)
        sheet.oval(x + dx, y + dy, 9, 9, ink)
    sole = (
        "M 168 668 L 862 668 C 888 672 890 716 872 740 C 864 752 850 756 834 756 L 204 756"
        " C 176 756 160 730 160 700 C 160 682 162 672 168 668 Z"
    )
    sheet.path(moved(sole), white)
    sheet.inside(moved(sole), moved("M 150 728 L 900 728 L 900 760 L 150 760 Z"), cream)
    sheet.inside(moved(sole), moved("M 150 692 L 900 692 L 900 700 L 150 700 Z"), shade)


def sneakers(sheet: Sheet) -> None:
    sheet.oval(500, 480, 380, 380, "#fbc7b0")
    sheet.path("M 0 560 L 1000 560 L 1000 1000 L 0 1000 Z", "#7268c9")
    sheet.path("M 0 560 L 1000 560 L 1000 570 L 0 570 Z", "#8f86e0")
    sheet.soft(590, 664, 360, 26, "#1c1a4a", 190)
    shoe(sheet, 70, -96, "#e0567a", "#a93a5a")
    sheet.soft(470, 868, 390, 30, "#1c1a4a", 200)
    shoe(sheet, -50, 104, "#f26d8d", "#c9486a")


def lamp(sheet: Sheet) -> None:
    shade, rim, stem, dark = "#ff9f5a", "#ffc98a", "#c85a3c", "#8f3a2c"
    sheet.soft(500, 430, 420, 400, "#7a5aa8", 170)
    sheet.soft(500, 560, 330, 240, "#ffb870", 150)
    for x, y, r in (
        (150, 160, 6),
        (240, 90, 4),
        (820, 130, 6),
        (880, 300, 4),
        (110, 380, 4),
        (740, 70, 4),
    ):
        sheet.oval(x, y, r, r, "#ffe9c7")
    sheet.path("M 0 800 L 1000 800 L 1000 1000 L 0 1000 Z", "#3a2352")
    sheet.path("M 0 800 L 1000 800 L 1000 814 L 0 814 Z", "#56357a")
    sheet.soft(500, 880, 380, 50, "#ffb066", 120)
    sheet.soft(500, 868, 210, 24, "#1a0d2b", 190)
    sheet.path(
        "M 458 520 L 542 520 C 540 640 566 740 610 800 L 390 800 C 434 740 460 640 458 520 Z", stem
    )
    sheet.path(
        "M 520 520 L 542 520 C 540 640 566 740 610 800 L 552 800 C 528 700 522 620 520 520 Z", dark
    )
    base = "M 356 806 C 356 780 644 780 644 806 L 644 836 C 644 872 356 872 356 836 Z"
    sheet.path(base, stem)
    sheet.inside(base, "M 540 770 L 660 770 L 660 880 L 560 880 Z", dark)
    dome = (
        "M 212 540 C 206 320 330 200 500 200 C 670 200 794 320 788 540"
        " C 786 572 764 582 736 584 C 600 604 400 604 264 584 C 236 582 214 572 212 540 Z"
    )
    sheet.path(dome, shade)
    sheet.inside(dome, "M 610 190 C 720 300 730 460 680 610 L 810 610 L 810 190 Z", stem, 130)
    sheet.inside(
        dome,
        "M 268 520 C 270 400 330 300 420 256 C 440 262 430 280 420 290"
        " C 350 350 316 430 310 520 C 304 536 270 536 268 520 Z",
        "#ffe2b8",
        210,
    )
    for x, y, r in ((470, 330, 34), (600, 400, 26), (420, 460, 24), (540, 500, 30), (690, 500, 20)):
        sheet.oval(x, y, r, r * 0.86, rim)
    sheet.path("M 264 584 C 400 604 600 604 736 584 C 720 626 280 626 264 584 Z", "#fff1cf")


def planter(sheet: Sheet) -> None:
    leaf, deep, vein, pot = "#3f9c6b", "#2a7350", "#7fd0a0", "#e07a5f"
    sheet.oval(500, 470, 390, 390, "#f7dcd0")
    sheet.path("M 0 800 L 1000 800 L 1000 1000 L 0 1000 Z", "#c9a7a0")
    sheet.soft(510, 862, 250, 30, "#5a2a2a", 150)
    blades = (
        (
            "M 490 600 C 330 540 210 420 190 250 C 330 270 470 400 500 600 Z",
            deep,
            "M 490 590 C 400 480 310 370 215 275",
        ),
        (
            "M 510 600 C 670 560 800 450 830 300 C 680 310 540 420 500 600 Z",
            deep,
            "M 512 590 C 600 490 700 400 806 322",
        ),
        (
            "M 490 610 C 380 470 370 280 460 110 C 590 260 610 450 520 610 Z",
            leaf,
            "M 502 600 C 490 430 480 290 464 150",
        ),
        (
            "M 480 620 C 380 600 260 590 170 500 C 300 440 430 480 500 620 Z",
            leaf,
            "M 486 612 C 400 550 300 510 200 502",
        ),
        (
            "M 520 620 C 620 610 750 610 836 530 C 710 450 580 500 500 620 Z",
            leaf,
            "M 516 612 C 600 560 700 530 806 530",
        ),
    )
    for blade, color, rib in blades:
        sheet.path(blade, color)
        sheet.line(rib, vein, 7)
    body = (
        "M 306 600 L 694 600 L 654 820 C 648 850 630 864 602 864 L 398 864"
        " C 370 864 352 850 346 820 Z"
    )
    sheet.path(body, pot)
    sheet.inside(body, "M 590 590 C 610 700 590 780 560 870 L 720 870 L 720 590 Z", "#bd5b44")
    for x in range(300, 700, 80):
        sheet.inside(
            body,
            f"M {x} 760 L {x + 40} 690 L {x + 80} 760 L {x + 80} 782 L {x + 40} 712 L {x} 782 Z",
            "#fbe8d8",
        )
    sheet.box(284, 574, 432, 66, 20, "#ea8e74")
    sheet.path(
        "M 600 574 L 696 574 C 710 576 716 584 716 594 L 716 620 C 716 632 708 640 696 640"
        " L 590 640 Z",
        "#cf6b52",
    )


def studio(sheet: Sheet) -> None:
    """The still that stands for a stream: a small room made ready to go live."""
    sheet.soft(760, 320, 420, 380, "#f7c7b4", 110)
    sheet.soft(1010, 500, 190, 170, "#ffb870", 170)
    window(sheet)
    sheet.path("M 0 800 L 1778 800 L 1778 1000 L 0 1000 Z", "#3a2448")
    sheet.path("M 260 900 C 500 840 1280 840 1520 900 C 1280 970 500 970 260 900 Z", "#6b3f6e")
    clothes_rack(sheet)
    desk(sheet)
    ring_light(sheet)


def window(sheet: Sheet) -> None:
    sheet.box(100, 110, 470, 420, 26, "#fff3e2")
    view = "M 124 134 L 546 134 L 546 506 L 124 506 Z"
    sheet.path(view, "#f7a072")
    sheet.inside(view, "M 100 300 L 600 300 L 600 520 L 100 520 Z", "#f9c784")
    sheet.oval(336, 330, 82, 82, "#fff0c9")
    sheet.inside(
        view,
        "M 100 430 C 200 350 300 400 380 440 C 460 400 540 360 600 400 L 600 520 L 100 520 Z",
        "#7a4b7c",
    )
    sheet.inside(view, "M 100 480 C 240 430 420 500 600 450 L 600 520 L 100 520 Z", "#4c2f5e")
    sheet.path("M 326 134 L 344 134 L 344 506 L 326 506 Z", "#fff3e2")


def clothes_rack(sheet: Sheet) -> None:
    sheet.line("M 1190 240 L 1640 240", "#e8c9a8", 12)
    for x in (1200, 1630):
        sheet.line(f"M {x} 240 L {x} 880", "#e8c9a8", 12)
    for x, color, dark in (
        (1268, "#2f6f73", "#255a5e"),
        (1380, "#f26d8d", "#c9486a"),
        (1492, "#ffd166", "#dba93c"),
        (1584, "#f4ead6", "#dfcfae"),
    ):
        sheet.line(f"M {x} 240 L {x} 282", "#e8c9a8", 6)
        sheet.path(
            f"M {x - 14} 282 L {x + 14} 282 C {x + 60} 300 {x + 70} 330 {x + 66} 400"
            f" L {x + 56} 620 L {x - 56} 620 L {x - 66} 400"
            f" C {x - 70} 330 {x - 60} 300 {x - 14} 282 Z",
            color,
        )
        sheet.path(
            f"M {x + 14} 282 C {x + 60} 300 {x + 70} 330 {x + 66} 400 L {x + 56} 620"
            f" L {x + 22} 620 Z",
            dark,
        )


def desk(sheet: Sheet) -> None:
    sheet.box(560, 640, 560, 34, 12, "#e8c9a8")
    for x in (600, 1080):
        sheet.line(f"M {x} 674 L {x} 880", "#b98f6c", 20)
    sheet.path("M 640 520 L 740 520 L 726 640 L 654 640 Z", "#e07a5f")
    for leaf in (
        "M 690 530 C 610 480 600 420 610 380 C 670 410 700 460 690 530 Z",
        "M 690 530 C 690 440 740 400 770 390 C 780 450 750 500 690 530 Z",
    ):
        sheet.path(leaf, "#3f9c6b")
    sheet.line("M 884 570 C 924 560 930 620 884 622", "#3d6fb4", 12)
    sheet.box(800, 550, 84, 90, 14, "#f7efe2")
    sheet.path(
        "M 800 596 C 820 576 840 620 884 592 L 884 626 C 884 634 878 640 870 640 L 814 640"
        " C 806 640 800 634 800 626 Z",
        "#3d6fb4",
    )
    sheet.line("M 1010 460 L 1010 640", "#c85a3c", 18)
    sheet.path("M 936 490 C 936 400 1084 400 1084 490 Z", "#ff9f5a")


def ring_light(sheet: Sheet) -> None:
    sheet.line("M 760 470 L 760 900", "#1f1430", 16)
    for foot in ("M 760 800 L 670 930", "M 760 800 L 850 930"):
        sheet.line(foot, "#1f1430", 14)
    ring = (
        "M 760 150 C 843 150 910 217 910 300 C 910 383 843 450 760 450"
        " C 677 450 610 383 610 300 C 610 217 677 150 760 150"
    )
    sheet.line(ring, "#fffaf2", 40)
    sheet.line(ring, "#ffe2c4", 12)
    sheet.box(716, 220, 88, 160, 16, "#1f1430")
    sheet.box(724, 232, 72, 136, 8, "#f26d8d")
    sheet.oval(760, 300, 20, 20, "#fff9ef")


SQUARE = (1200, 1200)
STILL = "studio.webp"
PICTURES: dict[str, tuple[tuple[int, int], str, str, Callable[[Sheet], None]]] = {
    "hoodie.webp": (SQUARE, "#fbe3d6", "#f6cdb8", hoodie),
    "mug.webp": (SQUARE, "#fdf1d3", "#fae3ac", mug),
    "tote.webp": (SQUARE, "#dcead8", "#c2dabd", tote),
    "sneakers.webp": (SQUARE, "#e4e1fb", "#cfcaf6", sneakers),
    "lamp.webp": (SQUARE, "#2a1a47", "#472c6b", lamp),
    "planter.webp": (SQUARE, "#f0e4ea", "#e6cdd3", planter),
    STILL: ((1600, 900), "#8d5a86", "#5c3a68", studio),
}


def draw(media_dir: Path) -> None:
    """Draws the pictures that are not there yet; Pillow works beside other threads."""
    media_dir.mkdir(parents=True, exist_ok=True)
    files = [media_dir / name for name in PICTURES]
    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(draw_one, [file for file in files if not file.exists()]))


def draw_one(file: Path) -> None:
    size, top, bottom, subject = PICTURES[file.name]
    sheet = Sheet(*size, top, bottom)
    subject(sheet)
    sheet.save(file)
