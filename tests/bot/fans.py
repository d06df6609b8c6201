"""A fan talking to the conversation, with a small shop in memory behind it that answers intents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bot import intents
from bot.intents import Offer, Option
from bot.messages import Incoming, Kind, Reply
from bot.model import Answer, State, Turn
from bot.step import INTENTS_MAX, step
from bot.texts import Texts
from commerce.accounts import Address
from commerce.kernel import jsons
from commerce.kernel.clock import MINUTE

NOON = 1_780_315_200_000_000  # 2026-06-01T12:00:00Z
TEXTS = Texts.load(Path(__file__).resolve().parents[2] / "templates" / "messages")
HOME = Address(
    name="Ann Lee", line1="12 Main St", city="Springfield", region="IL", postcode="62701",
    country="US",
)  # fmt: skip


def an_offer(**changes: Any) -> Offer:
    sizes = (("S", 4), ("M", 3), ("L", 12), ("XL", 0))
    offer = Offer(
        session_id="s-1", session_slug="friday", session_title="Friday live", leader_name="Mia",
        product_id="p-1", title="Hoodie", description="Soft.", image_url="https://img.test/1.png",
        currency="EUR", ends_at=NOON + 12 * MINUTE,
        options=tuple(Option(f"hoodie-{label}", label, 4500, left) for label, left in sizes),
    )  # fmt: skip
    return replace(offer, **changes)


def a_single(left: int = 7) -> Offer:
    return an_offer(title="Mug", options=(Option("mug", "", 1200, left),))


@dataclass
class Shop:
    """Answers intents as the core would; `no` holds the refusals to give, by kind of intent."""

    offer: Offer | None = field(default_factory=an_offer)
    known: Address | None = None
    no: dict[type, list[intents.Refused]] = field(default_factory=dict)
    orders: tuple[intents.OrderLine, ...] = ()
    places: tuple[intents.WaitPlace, ...] = ()
    fitting: tuple[str, ...] = ()  # SKUs of the offer that are what was asked for
    others: tuple[intents.Good, ...] = ()
    position: int = 1
    left: tuple[str, ...] = ()  # places given up by the next `Leave`
    stopped: bool = True
    delivery_minor: int = 500
    coupons: Mapping[str, intents.Refused] = field(default_factory=dict)  # why they do not count
    count: int = 0

    def answer(self, intent: intents.Intent) -> intents.Outcome:
        refusals = self.no.get(type(intent))
        return refusals.pop(0) if refusals else self._yes[type(intent)](intent)

    @property
    def _yes(self) -> dict[type, Callable[[Any], intents.Outcome]]:
        return {
            intents.Look: lambda _: intents.Looked(self.offer),
            intents.Hold: self._held,
            intents.Release: lambda _: intents.Released(),
            intents.CheckDelivery: lambda _: intents.Served(),
            intents.Quote: self._quoted,
            intents.KnownAddress: lambda _: intents.AddressKnown(self.known),
            intents.CheckOut: self._opened,
            intents.CancelCheckout: lambda _: intents.CancelTaken(self.stopped),
            intents.FindOrders: lambda _: intents.OrdersFound(self.orders),
            intents.Remember: lambda _: intents.Remembered(),
            intents.Join: lambda _: intents.Joined(self.position),
            intents.Leave: self._left,
            intents.TakeUp: self._taken_up,
            intents.FindPlaces: lambda _: intents.PlacesFound(self.places),
            intents.Find: lambda find: intents.GoodsFound(
                find.text, self.offer, self.fitting, self.others
            ),
        }

    def _left(self, leave: intents.Leave) -> intents.Left:
        return intents.Left((leave.entry_id,) if leave.entry_id else self.left)

    def _taken_up(self, take: intents.TakeUp) -> intents.TakenUp:
        held = intents.Held(f"hold-of-{take.entry_id}", "hoodie-M", 1, NOON + 10 * MINUTE)
        return intents.TakenUp(self.offer or an_offer(), held)

    def _held(self, hold: intents.Hold) -> intents.Held:
        self.count += 1
        return intents.Held(f"hold-{self.count}", hold.sku, hold.quantity, NOON + 10 * MINUTE)

    def _quoted(self, quote: intents.Quote) -> intents.Quoted:
        self.count += 1
        no_code = self.coupons.get(quote.coupon)
        off = 450 if quote.coupon and no_code is None else 0
        lines = (
            intents.QuoteLine("goods", "Hoodie", 4500),
            *([intents.QuoteLine("discount", "", -off, "coupon", quote.coupon)] if off else []),
            intents.QuoteLine("delivery", "", self.delivery_minor),
            intents.QuoteLine("tax", "", 0),
        )
        total = sum(line.amount_minor for line in lines)
        return intents.Quoted(f"quote-{self.count}", lines, total, "EUR", no_code)

    def _opened(self, checkout: intents.CheckOut) -> intents.CheckoutOpened:
        self.count += 1
        return intents.CheckoutOpened(f"checkout-{self.count}", f"K7MX{self.count:02}")


@dataclass
class Fan:
    shop: Shop = field(default_factory=Shop)
    language: str = "en"
    name: str = ""
    now: int = NOON
    state: State = field(default_factory=State)
    asked: list[intents.Intent] = field(default_factory=list)  # of the last message
    replies: list[Reply] = field(default_factory=list)  # to the last message
    everything: list[intents.Intent] = field(default_factory=list)

    def writes(self, text: str, **facts: Any) -> str:
        return self._sends(kind=Kind.TEXT, text=text, facts=facts)

    def enters(self, slug: str = "friday") -> str:
        return self._sends(kind=Kind.START, text=slug)

    def presses(self, label: str) -> str:
        return self.presses_id(self.button(label))

    def presses_id(self, button: str) -> str:
        return self._sends(kind=Kind.CHOICE, choice=button)

    def shares(self, kind: Kind, **given: Any) -> str:
        return self._sends(kind=kind, **given)

    def hears(self, event: str, **facts: Any) -> str:
        return self._sends(kind=Kind.EVENT, text=event, facts=facts)

    def button(self, label: str) -> str:
        """The id of the button with this label under the last message that had buttons."""
        found = [c.id for reply in self.replies for c in reply.choices if c.label == label]
        assert found, [c.label for reply in self.replies for c in reply.choices]
        return found[-1]

    @property
    def labels(self) -> list[str]:
        return [choice.label for choice in self.replies[-1].choices]

    @property
    def kinds(self) -> list[str]:
        return [type(intent).__name__ for intent in self.asked]

    def _sends(self, **given: Any) -> str:
        incoming = Incoming(
            account="web:platform", message_id="m", address="fan", name=self.name,
            language=self.language, **given,
        )  # fmt: skip
        self.asked, self.replies = [], []
        self.state = saved_and_loaded(self._settled(self._stepped(self.state, incoming)))
        return "\n---\n".join(reply.text for reply in self.replies)

    def _settled(self, turn: Turn) -> State:
        waiting = list(turn.intents)
        while waiting:
            intent = waiting.pop(0)
            self.asked.append(intent)
            assert len(self.asked) <= INTENTS_MAX
            turn = self._stepped(turn.state, Answer(intent, self.shop.answer(intent)))
            waiting += turn.intents
        self.everything += self.asked
        return turn.state

    def _stepped(self, state: State, given: Any) -> Turn:
        turn = step(state, given, texts=TEXTS, now=self.now)
        self.replies += turn.replies
        return turn


def saved_and_loaded(state: State) -> State:
    return State.from_json(jsons.loads(jsons.dumps(state.to_json())))


def _asks_for_too_many(fan: Fan) -> None:
    fan.enters()
    fan.shop.no[intents.Hold] = [intents.Refused("out_of_stock", {"available": 3, "asked": 5})]
    fan.writes("5 x M")


def turn_comes(fan: Fan, entry_id: str = "entry-1", **facts: Any) -> str:
    return fan.hears(
        "turn_comes",
        **{
            "entry_id": entry_id, "hold_id": f"hold-of-{entry_id}", "sku": "hoodie-M",
            "session_id": "s-1", "title": "Hoodie", "label": "M", "quantity": 1, "asked": 1,
            "expires_at": NOON + 10 * MINUTE, **facts,
        },
    )  # fmt: skip


ASIDE: dict[str, Callable[[Fan], object]] = {"fewer": _asks_for_too_many, "turn": turn_comes}


def at(place: str, **given: Any) -> Fan:
    """A fan who has come as far as this place, by the shortest way to it, in the US."""
    known = HOME if place == "known" else None
    fan = Fan(shop=Shop(known=known), **given)
    if place in ASIDE:
        ASIDE[place](fan)
        assert fan.state.place == place
        return fan
    steps: dict[str, Callable[[], str]] = {
        "browse": lambda: "",
        "size": fan.enters,
        "known": lambda: fan.writes("M"),
        "country": lambda: fan.writes("M"),
        "name": lambda: fan.writes("US"),
        "street": lambda: fan.writes("Ann Lee"),
        "city": lambda: fan.writes("12 Main St"),
        "postcode": lambda: fan.writes("Springfield"),
        "summary": lambda: fan.writes("62701"),
        "preparing": lambda: fan.writes("I agree" if fan.state.language == "en" else "acepto"),
        "paying": lambda: link_comes(fan),
    }
    for name, act in steps.items():
        if name == "known" and not known:
            continue
        act()
        if name == place:
            break
    assert fan.state.place == place
    return fan


def link_comes(fan: Fan) -> str:
    checkout = fan.state.checkout
    assert checkout is not None
    return fan.hears(
        "payment_ready", checkout_id=checkout.checkout_id, order_code=checkout.order_code,
        url="https://pay.test/t", expires_at=NOON + 9 * MINUTE,
    )  # fmt: skip


def money_comes(fan: Fan, checkout_id: str = "", **facts: Any) -> str:
    checkout = fan.state.checkout
    return fan.hears(
        "order_paid",
        **{
            "checkout_id": checkout_id or (checkout.checkout_id if checkout else ""),
            "order_code": checkout.order_code if checkout else "K7MX99",
            "total_minor": 5000, "currency": "EUR", "title": "Hoodie", "label": "M", "quantity": 1,
            **facts,
        },
    )  # fmt: skip
