"""Stripe Connect: money sent on to connected accounts, and taken back from them.

A transfer names the charge it is paid out of, so it need not wait until that money is available.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from commerce.payments.gateways.stripe_client import (
    PAGE,
    StripeAccount,
    listed,
    once,
    read,
    refusing,
)
from commerce.payments.gateways.stripe_wire import metadata, to_stripe
from commerce.payments.model import Payout, PayoutReversal, PayoutStanding, PayoutStatus
from commerce.payments.refusals import PayoutRefused

if TYPE_CHECKING:
    from stripe import ListObject, RequestOptions, Transfer, TransferReversal
    from stripe.params import (
        TransferCreateParams,
        TransferListParams,
        TransferReversalListParams,
    )

PAYOUT_KEY = "payout_key"
REVERSAL_KEY = "reversal_key"


class StripePayouts(StripeAccount):
    async def transfer(self, payout: Payout) -> PayoutStanding:
        charge = await self._charge_of(payout)
        params: TransferCreateParams = {
            "amount": to_stripe(payout.amount_minor, payout.currency, PayoutRefused),
            "currency": payout.currency.lower(),
            "destination": payout.account,
            "metadata": {PAYOUT_KEY: payout.key},
        }
        group = _group(payout, charge)
        if group is not None:
            params["transfer_group"] = group
        if charge is not None:
            params["source_transaction"] = str(charge["id"])

        async def post(options: RequestOptions) -> PayoutStanding:
            return read(_standing, await self._v1.transfers.create_async(params, options))

        with refusing(PayoutRefused):
            return await once(payout.key, post, lambda: self.ask_transfer(payout))

    async def ask_transfer(self, payout: Payout) -> PayoutStanding | None:
        if payout.provider_ref is not None:
            with refusing(None):
                made = await self._v1.transfers.retrieve_async(payout.provider_ref)
            return read(_standing, made)
        group = _group(payout, await self._charge_of(payout))
        if group is None:  # Stripe gives the charge one with its first transfer
            return None

        async def fetch(after: str | None) -> ListObject[Transfer]:
            params: TransferListParams = {"transfer_group": group, "limit": PAGE}
            if after is not None:
                params["starting_after"] = after
            with refusing(None):
                return await self._v1.transfers.list_async(params)

        async for found in listed(fetch):
            if read(metadata, found).get(PAYOUT_KEY) == payout.key:
                return read(_standing, found)
        return None

    async def reverse(self, payout: Payout, reversal: PayoutReversal) -> PayoutStanding:
        assert payout.provider_ref is not None, payout.id
        transfer = payout.provider_ref
        amount = to_stripe(reversal.amount_minor, payout.currency, PayoutRefused)

        async def post(options: RequestOptions) -> PayoutStanding:
            made = await self._v1.transfers.reversals.create_async(
                transfer, {"amount": amount, "metadata": {REVERSAL_KEY: reversal.key}}, options
            )
            return read(_standing, made)

        with refusing(PayoutRefused):
            return await once(reversal.key, post, lambda: self.ask_reversal(payout, reversal))

    async def ask_reversal(self, payout: Payout, reversal: PayoutReversal) -> PayoutStanding | None:
        assert payout.provider_ref is not None, payout.id
        transfer = payout.provider_ref

        async def fetch(after: str | None) -> ListObject[TransferReversal]:
            params: TransferReversalListParams = {"limit": PAGE}
            if after is not None:
                params["starting_after"] = after
            with refusing(None):
                return await self._v1.transfers.reversals.list_async(transfer, params)

        async for found in listed(fetch):
            if read(metadata, found).get(REVERSAL_KEY) == reversal.key:
                return read(_standing, found)
        return None

    async def _charge_of(self, payout: Payout) -> Mapping[str, Any] | None:
        if payout.charge_ref is None:
            return None
        with refusing(None):
            intent = await self._v1.payment_intents.retrieve_async(
                payout.charge_ref, {"expand": ["latest_charge"]}
            )
        return read(_latest_charge, intent)


def _latest_charge(intent: Mapping[str, Any]) -> Mapping[str, Any]:
    charge: Mapping[str, Any] = intent["latest_charge"]
    return {"id": charge["id"], "transfer_group": charge["transfer_group"]}


def _group(payout: Payout, charge: Mapping[str, Any] | None) -> str | None:
    """A transfer out of a charge is in the group of that charge, or of none yet."""
    return payout.reference if charge is None else charge["transfer_group"]


def _standing(made: Mapping[str, Any]) -> PayoutStanding:
    """Stripe moves the money at once or refuses to."""
    return PayoutStanding(status=PayoutStatus.SUCCEEDED, provider_ref=str(made["id"]))
