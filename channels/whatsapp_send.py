"""Sending through Meta's Cloud API: buttons, lists, links, and its errors in our terms."""

from __future__ import annotations

from typing import Any

import httpx

from bot.messages import Choice, Link, Reply
from channels import payload, rendering
from channels.whatsapp import BSUID, REASON_OF_CODE
from commerce.kernel import crashpoints, jsons, logs
from commerce.kernel.errors import Outage
from commerce.kernel.outgoing import Undeliverable

TEXT_MAX = 4096
BODY_MAX = 1024  # of an interactive message; a picture's caption too
BUTTONS_MAX = 3
ROWS_MAX = 10
BUTTON_LABEL_MAX = 20
ROW_TITLE_MAX = 24
ROW_DESCRIPTION_MAX = 72
KEY_MAX = 512
PAIR_LIMIT = 131056
PAIR_WAIT_SECONDS = 6.0
ACCOUNT_WAIT_SECONDS = 300.0

THROUGHPUT = {1, 2, 4, 80007, 130429, 131000, 131016, 131057}
ACCOUNT = {0, 3, 10, 190, 368, 131031, 131042, 130497}  # somebody must repair the account first
FORM = {100, 131008, 131009, 131052, 131053}  # a plainer form of the message may pass

log = logs.get(__name__)

Content = dict[str, Any]


def contents(reply: Reply) -> list[Content]:
    """The messages that make up the reply; the last one holds the buttons."""
    if reply.choices:
        return _with_choices(reply)
    if reply.link:
        *before, body = rendering.split(reply.text, BODY_MAX)
        return [*map(_text, before), _link(body, reply.link, reply.image_url)]
    if not reply.image_url:
        return [_text(piece) for piece in rendering.split(reply.text, TEXT_MAX)]
    if rendering.width(reply.text) <= BODY_MAX:
        return [_image(reply.image_url, reply.text)]
    texts = [_text(piece) for piece in rendering.split(reply.text, TEXT_MAX)]
    return [_image(reply.image_url), *texts]


def _with_choices(reply: Reply) -> list[Content]:
    """WhatsApp has no message with both reply buttons and a link, so a link goes into the text."""
    buttons = _fit_buttons(reply.choices)
    lines = rendering.described(reply.choices) if buttons else []  # a list shows them itself
    text = rendering.with_link(rendering.with_lines(reply.text, lines), reply.link)
    *before, body = rendering.split(text, BODY_MAX)
    texts = [_text(piece) for piece in before]
    if buttons:
        return [*texts, _buttons(body, reply.choices, reply.image_url)]
    picture = [_image(reply.image_url)] if reply.image_url else []  # a list has no place for one
    return [*picture, *texts, _list(body, reply.choices)]


def _fit_buttons(choices: tuple[Choice, ...]) -> bool:
    labels = {choice.label for choice in choices}
    return (
        len(choices) <= BUTTONS_MAX
        and len(labels) == len(choices)
        and all(rendering.width(label) <= BUTTON_LABEL_MAX for label in labels)
    )


def _text(body: str) -> Content:
    return {"type": "text", "text": {"body": body, "preview_url": False}}


def _image(url: str, caption: str = "") -> Content:
    return {"type": "image", "image": {"link": url, **({"caption": caption} if caption else {})}}


def _interactive(kind: str, body: str, action: Content, image_url: str = "") -> Content:
    header = {"header": {"type": "image", "image": {"link": image_url}}} if image_url else {}
    interactive = {"type": kind, **header, "body": {"text": body}, "action": action}
    return {"type": "interactive", "interactive": interactive}


def _buttons(body: str, choices: tuple[Choice, ...], image_url: str) -> Content:
    buttons = [{"type": "reply", "reply": {"id": c.id, "title": c.label}} for c in choices]
    return _interactive("button", body, {"buttons": buttons}, image_url)


def _list(body: str, choices: tuple[Choice, ...]) -> Content:
    # What opens the list needs a label; what is in it says most, in whatever language it is.
    opener = rendering.shorten(" / ".join(choice.label for choice in choices), BUTTON_LABEL_MAX)
    rows = [_row(choice) for choice in choices[:ROWS_MAX]]
    return _interactive("list", body, {"button": opener, "sections": [{"rows": rows}]})


def _row(choice: Choice) -> Content:
    title = rendering.shorten(choice.label, ROW_TITLE_MAX)
    described = choice.description or (choice.label if title != choice.label else "")
    description = rendering.shorten(described, ROW_DESCRIPTION_MAX)
    row = {"id": choice.id, "title": title}
    return {**row, "description": description} if description else row


def _link(body: str, link: Link, image_url: str) -> Content:
    label = rendering.shorten(link.label, BUTTON_LABEL_MAX)
    parameters = {"display_text": label, "url": link.url}
    return _interactive("cta_url", body, {"name": "cta_url", "parameters": parameters}, image_url)


class _Malformed(Exception):
    """Meta refuses the form of the message, not its addressee."""


class WhatsAppSender:
    def __init__(self, *, token: str, phone_number_id: str, api_base: str) -> None:
        self._url = f"{api_base.rstrip('/')}/{phone_number_id}/messages"
        self._client = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {token}"},
            timeout=10,
            limits=httpx.Limits(max_connections=100),
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def send(self, address: str, reply: Reply, key: str) -> str | None:
        """The id of the message with the buttons; a refused form is followed by a plainer one."""
        refused = ""
        for form in rendering.plainer(reply):
            try:
                sent = [await self._post(address, content, key) for content in contents(form)]
            except _Malformed as no:
                refused = str(no)
                log.info("whatsapp_refused", code=refused)
            else:
                return sent[-1] or None
        raise Undeliverable(reason="rejected", said=refused)

    async def _post(self, address: str, content: Content, key: str) -> str:
        body = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            **_addressee(address),
            **content,
            "biz_opaque_callback_data": key[:KEY_MAX],
        }
        crashpoints.hit("whatsapp.send")
        try:
            response = await self._client.post(self._url, json=body)
        except httpx.HTTPError as problem:
            raise Outage(f"whatsapp: {type(problem).__name__}") from problem
        crashpoints.hit("whatsapp.send")
        return _message_id(response)


def _addressee(address: str) -> Content:
    if address.startswith(BSUID):
        return {"recipient": address.removeprefix(BSUID)}
    return {"to": address}


def _message_id(response: httpx.Response) -> str:
    try:
        answer = jsons.loads(response.content)
    except jsons.BadJson:
        raise Outage(f"whatsapp answered {response.status_code} without JSON") from None
    if not response.is_success:
        raise _problem(response, payload.mapping_at(answer, "error"))
    return next((payload.id_at(m, "id") for m in payload.mappings_at(answer, "messages")), "")


def _problem(response: httpx.Response, error: Content) -> Exception:
    code = payload.number_at(error, "code") if "code" in error else None
    if code in REASON_OF_CODE:
        return Undeliverable(reason=REASON_OF_CODE[code], said=code)
    if code == PAIR_LIMIT:
        return Outage("whatsapp pair limit", PAIR_WAIT_SECONDS)
    if code in ACCOUNT or response.status_code in (401, 403):
        log.error("whatsapp_account_refused", code=code)
        return Outage(f"whatsapp refuses the account: {code}", ACCOUNT_WAIT_SECONDS)
    if code in THROUGHPUT or response.status_code == 429 or response.status_code >= 500:
        return Outage(f"whatsapp: {code or response.status_code}", _retry_after(response))
    return _Malformed(str(code)) if code in FORM else Undeliverable(reason="rejected", said=code)


def _retry_after(response: httpx.Response) -> float | None:
    seconds = response.headers.get("Retry-After", "")
    return float(seconds) if seconds.isascii() and seconds.isdigit() else None
