"""The total line by line: goods, what is taken off and why, each parcel with its days, taxes."""

from __future__ import annotations

from bot import talk as talking
from bot.intents import Quoted, QuoteLine
from bot.model import State
from bot.talk import Talk


def added(state: State, quote: Quoted, talk: Talk) -> list[str]:
    """What adds up to the total."""
    parcels = [line for line in quote.lines if line.kind == "delivery"]
    found = []
    for line in quote.lines:
        amount = talking.price(state, line.amount_minor, quote.currency)
        if line.kind == "goods":
            goods = talking.goods(state, talk)
            found.append(talk.say(state, "summary.goods", goods=goods, amount=amount))
        elif line.kind == "discount":
            name = _discount(state, line, talk)
            found.append(talk.say(state, "summary.discount", name=name, amount=amount))
        elif line.kind == "delivery":
            found.append(_parcel(state, line, parcels, amount, talk))
        elif line.amount_minor:
            name = _tax(state, line, talk)
            found.append(talk.say(state, "summary.tax", name=name, amount=amount))
    return found


def contained(state: State, quote: Quoted, talk: Talk) -> list[str]:
    """The taxes that are in the total already."""
    return [
        talk.say(
            state, "summary.contained", name=_tax(state, line, talk),
            amount=talking.price(state, line.contained_minor, quote.currency),
        )
        for line in quote.lines
        if line.contained_minor
    ]  # fmt: skip


def _discount(state: State, line: QuoteLine, talk: Talk) -> str:
    """Its name as who promotes wrote it, or ours for where it comes from."""
    if line.source == "flash":
        return talk.say(state, "discount.flash", pieces=line.quantity)
    if line.code:
        name = talk.say(state, "discount.coupon", code=line.code)
        return f"{name} ({line.label})" if line.label else name
    if line.source == "personal":
        return talk.say(state, "discount.personal")
    return line.label or talk.say(state, "discount.other")


def _parcel(
    state: State, line: QuoteLine, parcels: list[QuoteLine], amount: str, talk: Talk
) -> str:
    arrives = ""
    if line.earliest and line.latest:
        days = talking.days(state, line.earliest, line.latest)
        arrives = talk.say(state, "summary.arrives", days=days)
    if len(parcels) == 1:
        key = "summary.delivery" if line.amount_minor else "summary.delivery_free"
        return talk.say(state, key, amount=amount, arrives=arrives)
    return talk.say(
        state,
        "summary.parcel" if line.amount_minor else "summary.parcel_free",
        number=1 + next(n for n, one in enumerate(parcels) if one is line),
        parcels=len(parcels), count=line.quantity, amount=amount, arrives=arrives,
    )  # fmt: skip


def _tax(state: State, line: QuoteLine, talk: Talk) -> str:
    return line.label or talk.say(state, "summary.tax_name")
