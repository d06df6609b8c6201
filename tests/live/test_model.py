from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.kernel.machine import IllegalMove
from live import model, streams
from live.model import Action, Status
from live.streams import Stream, StreamKind

NOON = 1_780_315_200_000_000


def a_session(**changes) -> model.Session:
    values = {
        "id": "s1",
        "slug": "summer",
        "leader_id": "l1",
        "leader_name": "Mara",
        "title": "Summer",
        "stream_kind": StreamKind.STILL,
        "stream_ref": "/static/still.png",
        "status": Status.LIVE,
        "version": 1,
        "created_at": NOON,
    }
    return model.Session(**(values | changes))


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("status", list(Status))
def test_only_the_written_moves_are_possible(status, action):
    written = {
        (Status.PLANNED, Action.START): Status.LIVE,
        (Status.PLANNED, Action.END): Status.ENDED,
        (Status.LIVE, Action.END): Status.ENDED,
    }

    if (status, action) in written:
        assert model.LIFE.after(status, action) is written[status, action]
    else:
        with pytest.raises(IllegalMove):
            model.LIFE.after(status, action)


def test_starting_and_ending_note_when_and_raise_the_version():
    started = model.start(a_session(status=Status.PLANNED), now=NOON)
    ended = model.end(started, now=NOON + 5)

    assert (started.status, started.started_at, started.version) == (Status.LIVE, NOON, 2)
    assert (ended.status, ended.ended_at, ended.version) == (Status.ENDED, NOON + 5, 3)


def test_an_ended_session_says_that_it_ended():
    with pytest.raises(model.SessionEnded):
        model.end(a_session(status=Status.ENDED), now=NOON)
    with pytest.raises(model.SessionEnded):
        model.check_live(a_session(status=Status.ENDED))
    with pytest.raises(model.SessionNotLive):
        model.check_live(a_session(status=Status.PLANNED))


@pytest.mark.parametrize(
    ("kind", "given_text", "stream_kind", "ref"),
    [
        ("youtube", "jfKfPfyJRdk", "youtube", "jfKfPfyJRdk"),
        ("", "https://www.youtube.com/watch?v=jfKfPfyJRdk&t=3s", "youtube", "jfKfPfyJRdk"),
        ("", "https://www.youtube.com/watch?app=desktop&v=jfKfPfyJRdk", "youtube", "jfKfPfyJRdk"),
        ("", " youtu.be/jfKfPfyJRdk?si=abc ", "youtube", "jfKfPfyJRdk"),
        ("", "https://m.youtube.com/live/jfKfPfyJRdk?feature=share", "youtube", "jfKfPfyJRdk"),
        ("", "https://youtube.com/shorts/jfKfPfyJRdk", "youtube", "jfKfPfyJRdk"),
        ("", "https://www.youtube-nocookie.com/embed/jfKfPfyJRdk", "youtube", "jfKfPfyJRdk"),
        ("twitch", "@Some_One", "twitch", "some_one"),
        ("", "https://www.twitch.tv/Some_One?sr=a", "twitch", "some_one"),
        ("", "https://m.twitch.tv/some_one/about", "twitch", "some_one"),
        ("", "https://player.twitch.tv/?channel=some_one&parent=x.y", "twitch", "some_one"),
        ("kick", "some-one", "kick", "some-one"),
        ("", "kick.com/Some-One", "kick", "some-one"),
        ("", "https://player.kick.com/some-one?muted=true", "kick", "some-one"),
        ("", "https://pictures.example/a.png?w=3", "still", "https://pictures.example/a.png?w=3"),
        ("still", "/static/seed/a.png", "still", "/static/seed/a.png"),
    ],
)
def test_a_pasted_stream_is_understood(kind, given_text, stream_kind, ref):
    assert streams.understand_stream(kind, given_text) == Stream(StreamKind(stream_kind), ref)


@pytest.mark.parametrize(
    ("kind", "given_text"),
    [
        ("", ""),
        ("", "javascript:alert(1)"),
        ("", "http://pictures.example/a.png"),
        ("", "//pictures.example/a.png"),
        ("", "https://[half"),
        ("", 'https://pictures.example/"onerror=x'),
        ("youtube", "https://evil.example/watch?v=jfKfPfyJRdk"),
        ("youtube", "https://www.youtube.com/@channel"),
        ("youtube", "https://youtu.be/"),
        ("twitch", "https://www.twitch.tv/videos/123"),
        ("twitch", "https://www.twitch.tv/"),
        ("kick", "a b"),
        ("still", "data:image/png;base64,AA"),
        ("tiktok", "https://www.tiktok.com/@a/live"),
    ],
)
def test_what_is_no_stream_is_refused_with_what_was_given(kind, given_text):
    with pytest.raises(streams.StreamNotUnderstood) as refused:
        streams.understand_stream(kind, given_text)

    assert refused.value.facts["given"] == given_text


@given(st.sampled_from(["", *StreamKind]), st.text())
def test_whatever_is_pasted_is_understood_or_refused(kind, text):
    try:
        stream = streams.understand_stream(kind, text)
    except streams.StreamNotUnderstood:
        return

    assert not set(stream.ref) & set("\"'<> \\")


@pytest.mark.parametrize(
    ("_case", "said", "kept"),
    [
        ("lines become one", " a\n\tb  c ", "a b c"),
        ("reordering marks go", "safe\u202efdp.exe", "safefdp.exe"),
        ("invisible fillers go", "a\u200bb\ufeffc", "abc"),
        ("emoji stay whole", "👨\u200d👩\u200d👧 ❤️", "👨\u200d👩\u200d👧 ❤️"),
        ("stacks of accents are cut", "a" + "\u0335" * 9, "a" + "\u0335" * 3),
        ("halves of characters go", "a\ud800b", "ab"),
    ],
)
def test_a_room_text_is_cleaned(_case, said, kept):
    assert model.room_text(said) == kept


@pytest.mark.parametrize("said", ["", "  \n ", "\u200b", "\u200d\ufe0f"])
def test_nothing_is_refused(said):
    with pytest.raises(model.NothingSaid):
        model.room_text(said)


def test_a_long_room_text_is_refused_and_one_at_the_limit_is_not():
    assert len(model.room_text("a" * 300)) == 300
    with pytest.raises(model.TooLong) as refused:
        model.room_text("a" * 301)
    assert refused.value.facts == {"limit": 300}


@given(st.text())
def test_a_cleaned_text_stays_as_it_is(text):
    assert model.clean(model.clean(text)) == model.clean(text)


@pytest.mark.parametrize(
    ("wish", "shown"), [("  Ana ", "Ana"), ("", "Fan 1"), ("mARA", "Fan 1"), ("x" * 50, "x" * 40)]
)
def test_a_fan_may_take_any_name_but_the_leaders(wish, shown):
    assert model.fan_name(wish, leader_name="Mara", otherwise="Fan 1") == shown


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("¡Ofertas de Verano! 2026", "ofertas-de-verano-2026"),
        ("日本", "live"),
        ("a" * 90, "a" * 40),
    ],
)
def test_a_slug_is_short_and_plain(title, slug):
    assert model.slug_from(title) == slug
