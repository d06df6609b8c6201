"""All words of the operations pages that do not stand in a template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from commerce.kernel.saga_history import View
from commerce.kernel.tables import Direction


@dataclass(frozen=True, slots=True)
class Step:
    does: str  # after "to": "to open the pay page"
    undoes: str = "undo nothing, because it changed nothing"


@dataclass(frozen=True, slots=True)
class Plan:
    title: str
    steps: Mapping[str, Step]  # in their order


PLANS = {
    "checkout": Plan(
        "Checkout",
        {
            "link": Step(
                "open the pay page at the provider",
                "release the pieces and cancel the order, or settle money that came meanwhile",
            ),
            "payment": Step("wait for the fan's payment"),
            "secure": Step("set the pieces aside for money that is reserved"),
            "close": Step("close the pay page, so that nobody pays too late"),
            "capture": Step("take the reserved money"),
            "funds": Step("wait for the bank"),
            "settle": Step("sell the pieces, mark the order as paid and write the books"),
        },
    ),
    "refund": Plan(
        "Refund",
        {
            "give_back": Step("ask the provider to give the money back"),
            "outcome": Step("wait for the provider's last word"),
            "settle": Step("see that the money is back, then put the pieces into stock if asked"),
        },
    ),
}

TONES = {  # status -> how its badge looks
    "good": {"completed", "done", "paid", "succeeded", "won", "posted", "refunded", "captured"},
    "bad": {"parked", "failed", "lost", "mismatched", "refused", "bug", "needs_person", "dropped"},
    "waiting": {
        *("running", "waiting", "compensating", "intent", "skipped", "asked", "pending", "opened"),
        *("open", "created", "authorised", "capturing", "refunding", "partly_refunded", "outage"),
        *("confirmed", "expired"),
    },
}
STATUSES = {
    "parked": "needs a decision",
    "running": "going on",
    "compensating": "going back",
    "completed": "done",
    "reverted": "taken back",
    "intent": "asked, no answer kept",
    "needs_person": "needs a person",
    "outage": "no answer",
    "asked": "asked for",
    "dropped": "given up",
}
FAILURES = {  # a saga's failure by its code
    "refund_failed": "The provider could not give the money back.",
    "capture_unknown": "Nobody knows whether the reserved money was taken.",
    "contended": "Others kept changing the same thing.",
}
ACTIONS = {
    "saga.retried": "tried the step again",
    "saga.skipped": "went past the step",
    "saga.compensated": "turned the work around",
    "event.replayed": "sent an event again",
    "event.dropped": "gave an event up",
    "message.replayed": "had a message answered again",
    "message.dropped": "gave a message up",
    "case.closed": "closed a case",
    "alert.resolved": "closed an alert",
    "stock.resumed": "let a variant be sold again",
    "reconciliation.explain": "explained a difference in the books",
    "reconciliation.resolve": "resolved a difference in the books",
    "reconciliation.confirm_payout": "confirmed a payout",
    "order.refund_requested": "asked for a refund",
    "order.collected": "took cash on delivery",
    "order.not_collected": "noted that nothing was paid at the door",
    "order.cash_returned": "gave cash back",
    "order.cash_not_returned": "could not give cash back",
}
NOTICES = {
    "retried": "It is being tried again.",
    "skipped": "The step was skipped and the rest goes on.",
    "compensated": "It was turned around and is being undone.",
    "replayed": "It waits for its turn again.",
    "dropped": "It was given up, and kept.",
    "closed": "Closed. The reason is in the audit.",
    "refund": "The refund was asked for. Its progress shows below.",
    "collected": "The cash is in the books.",
    "not_collected": "Noted. The fan owes nothing, and the pieces go back into stock.",
    "cash_returned": "Noted. The books follow.",
}
PROBLEMS = {
    "reason_missing": "Say why, in 3 to 500 characters: it is kept in the audit.",
    "saga_not_parked": "Nothing was changed: it goes on by itself now, or somebody was faster.",
    "saga_turned_already": "Nothing was changed: it is on its way back already.",
    "not_parked": "Nothing was changed: it does not wait any more.",
    "key_reused": "This form was sent before, for something else. Look again and repeat it.",
    "no_such_order": "There is no order with this code.",
    "bad_amount": "Write the amount as a number, such as 12.50.",
    "refund_too_large": "That is more than is left to give back.",
    "not_paid": "There is nothing to give back: no money came in, or all of it went back.",
    "no_such_difference": "There is no such difference.",
    "no_such_case": "Nothing was changed: there is no such case any more.",
    "no_such_refund": "There is no such refund.",
    "payment_differs": "This form was sent before, for something else. Look again and repeat it.",
}


def known(status: object) -> str:
    """A status in words."""
    return STATUSES.get(str(status), str(status).replace("_", " "))


def tone(status: object) -> str:
    return next((f"badge--{name}" for name, all_of in TONES.items() if str(status) in all_of), "")


def title_of(kind: str) -> str:
    return PLANS[kind].title if kind in PLANS else kind.replace("_", " ").capitalize()


def step_of(kind: str, name: str) -> Step:
    plan = PLANS.get(kind)
    known_step = plan.steps.get(name) if plan else None
    return known_step or Step(f"do “{name}”", f"undo “{name}”")


def step_title(kind: str, name: str, direction: str) -> str:
    """As the heading of a line in a story."""
    step = step_of(kind, name)
    words = step.does if direction == Direction.DO else f"taken back: {step.undoes}"
    return f"{words[0].upper()}{words[1:]}"


def to_come(view: View) -> list[str]:
    """The steps that a saga on its way forwards has not begun."""
    plan = PLANS.get(view.saga.kind)
    if plan is None or view.saga.direction is Direction.UNDO:
        return []
    begun = {told.name for told in view.story}
    ahead = list(plan.steps)[view.saga.step :]
    return [step_title(view.saga.kind, name, Direction.DO) for name in ahead if name not in begun]


def failure(code: str | None) -> str:
    return FAILURES.get(code or "", code or "")


def action(name: str) -> str:
    return ACTIONS.get(name, name.replace(".", " ").replace("_", " "))


def standing_at(view: View) -> str:
    """The name of the step it stands at; one that never began is known by its place."""
    plan = PLANS.get(view.saga.kind)
    if plan is not None and view.saga.step < len(plan.steps):
        return list(plan.steps)[view.saga.step]
    return view.standing_at


def will_happen(view: View) -> Mapping[str, str]:
    """What each decision about a saga leads to, in one sentence."""
    step = step_of(view.saga.kind, standing_at(view))
    if view.saga.direction is Direction.UNDO:
        return {
            "retry": f"Tries again to {step.undoes}, and then undoes what came before it.",
            "skip": (
                f"Takes it that somebody else saw to it to {step.undoes}, and undoes the rest."
                " Only right when that was done by hand."
            ),
        }
    return {
        "retry": f"Tries again to {step.does}, and goes on from there.",
        "skip": (
            f"Takes it that somebody else saw to it to {step.does}, and goes on after it."
            " Only right when that was done by hand."
        ),
        "compensate": f"Gives up and undoes every step so far. {undone(view)}",
    }


def undone(view: View) -> str:
    """What turning a saga around comes to."""
    plan = PLANS.get(view.saga.kind)
    if plan is None:
        return ""
    names = list(plan.steps)[: view.saga.step + 1]
    nothing = Step("").undoes
    ways = [plan.steps[name].undoes for name in reversed(names)]
    real = [way for way in ways if way != nothing]
    return f"That is to {'; '.join(real)}." if real else "None of them has anything to undo."


def problem(code: str) -> str:
    """The sentence for a refusal; empty for a code that is not of these pages."""
    return PROBLEMS.get(code, "")
