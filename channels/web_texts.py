"""The words of the live room and the shop window, in every language they speak."""

from __future__ import annotations

import re
from typing import ClassVar

from commerce.kernel.errors import Refusal

LANGUAGES = ("en", "es")


class Busy(Refusal):
    """Something of ours does not answer; what was said may be said again with the same id."""

    code: ClassVar[str] = "busy"


PAGE: dict[str, dict[str, str]] = {
    "en": {
        "ended": "This live has ended",
        "all_lives": "All live sessions",
        "buy": "Buy now",
        "buy_again": "Show the offer",
        "chat_empty": "Be the first to say hello.",
        "countdown": "Ends in",
        "desk": "Your order",
        "desk_empty": "Tap “Buy now” to start. Only you can see this chat.",
        "desk_label": "Your private chat with the shop",
        "desk_placeholder": "Write to the shop…",
        "ended_text": "Thanks for watching! Your orders and your chat stay here.",
        "failed": "Not sent",
        "fan": "You",
        "few_left": "Only {n} left",
        "flash": "Flash price",
        "flash_left": "{n} at this price",
        "former": "Before",
        "from": "from {price}",
        "gone": "Sold out",
        "left": "{n} left",
        "live": "Live",
        "name": "Your name in the chat",
        "name_save": "Save",
        "new_messages": "New messages",
        "not_found": "There is no such live session",
        "not_found_text": "The link may be mistyped, or the session was never started.",
        "nothing": "Nothing is pinned yet",
        "nothing_text": "Stay tuned: the next product will show up here.",
        "offer_over": "This offer is over",
        "opens": "Opens in a new tab",
        "planned": "Starts soon",
        "planned_text": "The host has not gone live yet.",
        "private": "Only you and the shop see this",
        "reconnecting": "Connection lost. Reconnecting…",
        "room": "Live chat",
        "room_label": "Public chat of this live",
        "room_placeholder": "Say something…",
        "send": "Send",
        "sending": "Sending…",
        "sent": "Sent",
        "shop": "Shop the lives",
        "shop_empty": "Nobody is live right now",
        "shop_empty_text": "Come back a little later: new sessions appear here by themselves.",
        "shop_lead": "Watch, pick, and buy without leaving the stream.",
        "sold_out_short": "sold out",
        "step_buy": "Tap “Buy now” and choose your size.",
        "step_hold": "Your piece is held while you answer.",
        "step_pay": "Pay safely; the receipt arrives in your chat.",
        "stream": "Live stream",
        "typing": "The shop is typing",
        "watch": "Watch",
        "watching": "{n} watching",
        "with": "with",
    },
    "es": {
        "ended": "Este directo ha terminado",
        "all_lives": "Todos los directos",
        "buy": "Comprar",
        "buy_again": "Ver la oferta",
        "chat_empty": "Sé la primera persona en saludar.",
        "countdown": "Acaba en",
        "desk": "Tu pedido",
        "desk_empty": "Toca «Comprar» para empezar. Solo tú ves este chat.",
        "desk_label": "Tu chat privado con la tienda",
        "desk_placeholder": "Escribe a la tienda…",
        "ended_text": "¡Gracias por estar aquí! Tus pedidos y tu chat se quedan en esta página.",
        "failed": "No enviado",
        "fan": "Tú",
        "few_left": "Solo quedan {n}",
        "flash": "Precio flash",
        "flash_left": "{n} a este precio",
        "former": "Antes",
        "from": "desde {price}",
        "gone": "Agotado",
        "left": "Quedan {n}",
        "live": "En directo",
        "name": "Tu nombre en el chat",
        "name_save": "Guardar",
        "new_messages": "Mensajes nuevos",
        "not_found": "No existe este directo",
        "not_found_text": "Puede que el enlace esté mal escrito o que nunca llegara a empezar.",
        "nothing": "Aún no hay ningún producto",
        "nothing_text": "No te vayas: el próximo producto aparecerá aquí.",
        "offer_over": "Esta oferta ha terminado",
        "opens": "Se abre en otra pestaña",
        "planned": "Empieza pronto",
        "planned_text": "El directo todavía no ha empezado.",
        "private": "Solo lo ven tú y la tienda",
        "reconnecting": "Sin conexión. Reconectando…",
        "room": "Chat en vivo",
        "room_label": "Chat público de este directo",
        "room_placeholder": "Di algo…",
        "send": "Enviar",
        "sending": "Enviando…",
        "sent": "Enviado",
        "shop": "Compra en directo",
        "shop_empty": "Ahora mismo no hay nadie en directo",
        "shop_empty_text": "Vuelve dentro de un rato: los nuevos directos aparecen aquí solos.",
        "shop_lead": "Mira, elige y compra sin salir del directo.",
        "sold_out_short": "agotado",
        "step_buy": "Toca «Comprar» y elige tu talla.",
        "step_hold": "Te la guardamos mientras respondes.",
        "step_pay": "Paga con seguridad; el recibo llega a tu chat.",
        "stream": "Emisión en directo",
        "typing": "La tienda está escribiendo",
        "watch": "Ver",
        "watching": "{n} mirando",
        "with": "con",
    },
}

REFUSALS: dict[str, dict[str, str]] = {
    "en": {
        "bad_frame": "That message could not be read.",
        "busy": "One moment please, we will try that again.",
        "nothing_said": "There is nothing in that message.",
        "session_ended": "This live has ended, its chat is closed.",
        "session_not_live": "The chat opens when the live starts.",
        "too_fast": "A little slower please. You can write again in {retry_after_seconds} seconds.",
        "too_long": "That is too long: {limit} characters are the most.",
        "unknown_session": "There is no such live session.",
    },
    "es": {
        "bad_frame": "No se ha podido leer ese mensaje.",
        "busy": "Un momento, por favor: lo intentamos otra vez.",
        "nothing_said": "Ese mensaje está vacío.",
        "session_ended": "Este directo ha terminado y su chat está cerrado.",
        "session_not_live": "El chat se abre cuando empiece el directo.",
        "too_fast": "Más despacio, por favor. Puedes escribir de nuevo en {retry_after_seconds} s.",
        "too_long": "Es demasiado largo: como máximo {limit} caracteres.",
        "unknown_session": "No existe este directo.",
    },
}


def refusal(language: str, refused: Refusal) -> str:
    """KeyError is a bug: a code that this edge has no words for."""
    words = REFUSALS[language][refused.code]
    for name, value in refused.facts.items():
        words = words.replace(f"{{{name}}}", str(value))
    return words


_RANGE = re.compile(r"\s*([A-Za-z]{1,8})(?:-[A-Za-z0-9-]+)?\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*")


def language_of(accepted: str) -> str:
    """The best of our languages by an Accept-Language header; English where none fits."""
    best, weight = LANGUAGES[0], 0.0
    for part in accepted[:500].split(","):
        found = _RANGE.fullmatch(part)
        if found and found[1].lower() in LANGUAGES:
            q = float(found[2] or 1)
            if q > weight:
                best, weight = found[1].lower(), q
    return best
