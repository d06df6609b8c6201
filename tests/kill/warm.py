"""Everything a till loads, loaded once before it is forked."""

from __future__ import annotations

import httpx

from commerce.kernel import money
from deploy import migrations, serve

LOADED = (migrations, serve)

for _language in ("en", "es"):
    money.format_money(100, "EUR", _language)  # reads the language's data
httpx.AsyncClient()  # imports its transport
