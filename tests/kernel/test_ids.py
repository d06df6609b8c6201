"""Ids rise, codes can be read aloud, tokens cannot be guessed."""

from __future__ import annotations

import base64
from uuid import UUID

import pytest

from commerce.kernel import ids
from tests.conftest import NOON

CONFUSED = ["0O", "1IL", "UV", "2Z", "5S", "8B"]


@pytest.fixture
def seeded():
    yield ids.set_randomness
    ids.set_randomness(None)


def test_ids_rise_strictly():
    made = [ids.new_id() for _ in range(100_000)]

    assert made == sorted(set(made))


def test_ids_rise_while_the_clock_stands_or_goes_back(clock):
    made = [ids.new_id() for _ in range(10_000)]
    clock.advance(-1_000_000)
    made += [ids.new_id() for _ in range(10_000)]

    assert made == sorted(set(made))


def test_an_id_is_a_uuid_of_version_7(monkeypatch, clock):
    monkeypatch.setattr(ids, "_last_tick", 0)
    made = UUID(ids.new_id())

    assert str(made) == str(UUID(str(made)))
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert made.int >> 80 == NOON // 1000


def test_ids_of_two_moments_sort_by_time(monkeypatch, clock):
    monkeypatch.setattr(ids, "_last_tick", 0)
    first = ids.new_id()
    clock.advance(1)

    assert ids.new_id() > first


def test_short_codes_use_only_what_is_not_confused():
    letters = set("".join(ids.short_code() for _ in range(5_000)))

    assert letters == set(ids.CODE_ALPHABET)
    assert all(len(letters & set(group)) <= 1 for group in CONFUSED)
    assert ids.CODE_ALPHABET.isupper()


@pytest.mark.parametrize("length", [4, 6, 8])
def test_a_short_code_has_its_length(length):
    assert len(ids.short_code(length)) == length


def test_short_codes_hardly_ever_repeat():
    assert len({ids.short_code() for _ in range(1_000)}) >= 998


@pytest.mark.parametrize("bits", [128, 192, 256])
def test_a_token_carries_all_its_bits_safely_in_a_url(bits):
    tokens = [ids.token(bits) for _ in range(1_000)]

    assert len(set(tokens)) == 1_000
    for token in tokens:
        assert len(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))) == bits // 8
        assert token.replace("-", "").replace("_", "").isalnum()


def test_a_token_has_more_than_enough_bits_unasked():
    assert len(ids.token()) * 6 >= 128


def test_fractions_lie_between_zero_and_one():
    drawn = [ids.fraction() for _ in range(10_000)]

    assert min(drawn) >= 0
    assert max(drawn) < 1


def test_a_seed_repeats_everything(seeded, clock, monkeypatch):
    def drawn():
        monkeypatch.setattr(ids, "_last_tick", 0)
        seeded(7)
        return [ids.new_id(), ids.short_code(), ids.token(), ids.fraction()]

    assert drawn() == drawn()


def test_without_a_seed_nothing_repeats(seeded, clock, monkeypatch):
    seeded(None)
    monkeypatch.setattr(ids, "_last_tick", 0)
    first = ids.new_id()
    monkeypatch.setattr(ids, "_last_tick", 0)

    assert ids.new_id() != first
