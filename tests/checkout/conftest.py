from __future__ import annotations

import pytest

from tests.checkout.shop import Shop


@pytest.fixture
async def shop(database, clock) -> Shop:
    shop = Shop(database, clock)
    await shop.opens()
    return shop
