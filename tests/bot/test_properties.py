"""Any sequence of messages, answers and events keeps the promises of the conversation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bot import intents, words
from bot.intents import CheckOut, Hold, Option, Refused
from bot.messages import Incoming, Kind
from bot.model import Place, State
from bot.step import step
from tests.bot.fans import HOME, NOON, TEXTS, Fan, Shop, a_single, an_offer, saved_and_loaded

CODES = (
    "out_of_stock", "hold_expired", "nothing_pinned", "unknown_session", "quote_expired",
    "order_already_paid", "checkout_closed", "no_delivery", "something_new", "sku_suspended",
    "turn_lapsed", "session_ended", "limit_reached",
)  # fmt: skip
INTENTS = (
    intents.Look, intents.Hold, intents.Release, intents.Quote, intents.KnownAddress,
    intents.CheckOut, intents.CancelCheckout, intents.FindOrders, intents.Remember, intents.Join,
    intents.Leave, intents.TakeUp, intents.FindPlaces, intents.CheckDelivery,
)  # fmt: skip
EVENTS = (
    "payment_ready", "payment_declined", "order_confirmed", "order_paid", "checkout_expired",
    "order_cancelled", "order_refunded", "hold_expired", "unheard_of", "turn_comes", "turn_lapses",
    "waitlist_closed",
)  # fmt: skip
PINS = (None, an_offer(), a_single(), an_offer(options=()))
ONWARD = {  # what brings a fan on from each place
    "browse": "hi", "size": "M", "fewer": "1", "turn": "yes", "known": "yes",
    "country": "US", "name": "Ann Lee", "street": "12 Main St", "city": "Springfield",
    "postcode": "62701", "region": "IL",
    "summary": "I agree", "code": "SUNDAY10", "preparing": "and?", "paying": "and?",
}  # fmt: skip
SAID = st.one_of(
    st.sampled_from(sorted(words.COMMANDS)),
    st.sampled_from(
        ["M", "2 x L", "1", "2", "yes", "no", "US", "Germany", "uae", "Brazil", "Ann Lee",
         "12 Main St", "Springfield", "62701", "10115", "I agree", "acepto", "skip", "Dubai",
         "Ann Lee\n12 Main St\nSpringfield, IL 62701\nUSA", "🔥" * 3000, "code SUNDAY10",
         "cupón OLD", "no code"]
    ),
    st.text(max_size=30),
)  # fmt: skip
REFUSED = st.builds(
    lambda kind, code, available: (kind, Refused(code, {"available": available})),
    st.sampled_from(INTENTS), st.sampled_from(CODES), st.integers(0, 2),
)  # fmt: skip
STEPS = st.one_of(
    st.tuples(st.just("writes"), SAID),
    st.tuples(st.just("goes_on"), st.integers(1, 9)),
    st.tuples(st.just("presses"), st.integers(0, 12)),
    st.tuples(st.just("presses_old"), st.integers(0, 60)),
    st.tuples(st.just("enters"), st.sampled_from(["", "friday", "saturday", "\x00"])),
    st.tuples(st.just("shares"), st.sampled_from([Kind.MEDIA, Kind.LOCATION])),
    st.tuples(st.just("is_at"), st.tuples(st.floats(-90, 90), st.floats(-180, 180))),
    st.tuples(st.just("leaves"), st.just(None)),
    st.tuples(st.just("refuse"), REFUSED),
    st.tuples(st.just("event"), st.tuples(st.sampled_from(EVENTS), st.integers(0, 8))),
    st.tuples(st.just("pins"), st.sampled_from(PINS)),
    st.tuples(st.just("knows"), st.sampled_from([None, HOME, replace(HOME, postcode="x")])),
    st.tuples(st.just("sends_card"), st.just(None)),
)  # fmt: skip


class Tale:
    """A fan who does anything, watched for what must never happen."""

    def __init__(self, language: str) -> None:
        old = Refused("minimum_worth", {"missing_minor": 1, "currency": "EUR"})
        self.fan = Fan(shop=Shop(coupons={"OLD": old}), language=language, name="Ann Lee")
        self.buttons: list[str] = []

    def go(self, what: str, how: Any) -> None:
        if what == "goes_on":
            for _ in range(how):
                self.go("writes", ONWARD[self.fan.state.place])
            return
        agreed = self._is_agreement(what, how)
        held = self.fan.state.hold
        if self._acts(what, how):
            self._check(what, agreed, held)

    def _acts(self, what: str, how: Any) -> bool:
        """What the fan or the world does; whether it was a message or an event."""
        fan, shop = self.fan, self.fan.shop
        if "press" in what:
            buttons = self._offered() if what == "presses" else self.buttons
            return bool(buttons) and bool(fan.presses_id(buttons[how % len(buttons)]))
        actions: dict[str, Callable[[], Any]] = {
            "writes": lambda: fan.writes(how),
            "enters": lambda: fan.enters(how),
            "shares": lambda: fan.shares(how),
            "is_at": lambda: fan.shares(
                Kind.LOCATION, facts=dict(zip(("latitude", "longitude"), how, strict=True))
            ),
            "leaves": lambda: fan.shares(Kind.LEFT),
            "sends_card": lambda: fan.writes("[card number removed]", card_masked=True),
            "event": lambda: self._hears(*how),
            "refuse": lambda: shop.no.setdefault(how[0], []).append(how[1]),
            "pins": lambda: setattr(shop, "offer", how),
            "knows": lambda: setattr(shop, "known", how),
        }
        actions[what]()
        return what not in ("refuse", "pins", "knows")

    def _offered(self) -> list[str]:
        return [choice.id for reply in self.fan.replies for choice in reply.choices]

    def _is_agreement(self, what: str, how: Any) -> bool:
        if what == "writes":
            return words.fold(how) in (*words.AGREED, "1")
        if "press" not in what:
            return False
        buttons = self._offered() if what == "presses" else self.buttons
        return bool(buttons) and "agree-" in buttons[how % len(buttons)]

    def _hears(self, event: str, number: int) -> None:
        checkout = self.fan.state.checkout
        current = checkout.checkout_id if checkout and number < 5 else f"checkout-{number}"
        self.fan.hears(
            event, checkout_id=current, order_code="K7MX03", url="https://pay.test/t",
            expires_at=NOON, total_minor=5000, currency="EUR", title="Hoodie", label="M",
            quantity=1, hold_id=f"hold-{number}", entry_id=f"entry-{number}", sku="hoodie-M",
            session_id="s-1", asked=1 + number % 2,
        )  # fmt: skip

    def _check(self, what: str, agreed: bool, held: Any) -> None:
        fan = self.fan
        if what not in ("event", "leaves"):
            assert fan.replies, "every message is answered"
        if what == "leaves":
            assert not fan.replies
        for reply in fan.replies:
            assert reply.text
            assert len(reply.choices) <= 10
            for choice in reply.choices:
                assert choice.label
                assert choice.id.isascii()
                assert len(choice.id) <= 64
                assert not choice.description or choice.description.strip()
            self.buttons += [choice.id for choice in reply.choices]
        self._check_intents(agreed, held)

    def _check_intents(self, agreed: bool, held: Any) -> None:
        asked = self.fan.asked
        assert agreed or not any(isinstance(intent, CheckOut) for intent in asked)
        holding = held.hold_id if held else None
        for intent in asked:
            if isinstance(intent, Hold):
                assert holding is None, "never two holds at once"
                assert 1 <= intent.quantity <= 5
                holding = "new"
            if isinstance(intent, intents.TakeUp):
                assert holding is None, "what the waitlist holds is taken up alone"
                holding = "new"
            if isinstance(intent, intents.Release) and intent.hold_id:
                holding = None


@settings(max_examples=300)
@given(st.sampled_from(["en", "es-MX", "xx"]), st.lists(STEPS, max_size=40))
def test_nothing_a_fan_or_the_world_does_breaks_a_promise(language, steps):
    tale = Tale(language)

    for what, how in steps:
        tale.go(what, how)


@settings(max_examples=200)
@given(st.lists(STEPS, max_size=25))
def test_a_saved_state_is_the_state(steps):
    tale = Tale("en")
    for what, how in steps:
        tale.go(what, how)

    assert saved_and_loaded(tale.fan.state) == tale.fan.state


@given(
    st.sampled_from(list(Place)),
    st.sets(st.sampled_from(["offer", "hold", "address", "checkout", "quote", "known", "wanted"])),
)
def test_half_a_state_still_loads_and_answers(place, parts):
    body = {"place": place, **{part: {} for part in parts}}
    state = State.from_json(body)
    incoming = Incoming(
        account="a", message_id="1", address="x", kind=Kind.TEXT, text="hello", language="en"
    )

    turn = step(state, incoming, texts=TEXTS, now=NOON)
    assert turn.replies or turn.intents


@given(st.text(max_size=60), st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=6))
def test_any_text_about_any_sizes_is_read(text, labels):
    fan = Fan(shop=Shop(offer=an_offer(options=tuple(
        Option(f"sku-{i}", label, 100, 1) for i, label in enumerate(labels)
    ))))  # fmt: skip
    fan.enters()

    fan.writes(text)

    assert fan.replies
