"""Names that try to be more than words, and a reader that sees whether one succeeded."""

from __future__ import annotations

from html.parser import HTMLParser

PROBES = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'--></style></title><svg/onload=alert(1)>",
    "{{7*7}} {% raw %} {x.__class__} %s",
    "</span><a href=javascript:alert(1)>a</a>",
]


class Tags(HTMLParser):
    """The shape of a page: its tags and their attributes' names, and the text between."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.shape: list[tuple[str, tuple[str, ...]]] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.shape.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data
