"""People as values: fans and their address, staff and their roles, the rules of signing in."""

from __future__ import annotations

import hashlib
import ipaddress
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum

from commerce.kernel.clock import DAY, HOUR, MINUTE, SECOND
from commerce.kernel.errors import Refusal

PASSWORD_LENGTH_MIN = 10
PASSWORD_LENGTH_MAX = 256  # bounds the work a stranger can ask of argon2
EMAIL_LENGTH_MAX = 254
SESSION_IDLE = 12 * HOUR
SESSION_ABSOLUTE = 7 * DAY
NETWORK_KNOWN = 90 * DAY  # how long a place where somebody signed in is remembered
SESSION_TOUCH = 5 * MINUTE  # how stale `seen_at` may get before it is worth a write


class Role(StrEnum):
    LEADER = "leader"  # an influencer who goes live
    SUPPLIER = "supplier"  # owns products and stock
    ADMIN = "admin"  # runs the platform


class BadEmail(Refusal):
    code = "bad_email"


class EmailTaken(Refusal):
    code = "email_taken"


class BadPassword(Refusal):
    code = "bad_password"


class WrongCredentials(Refusal):
    code = "wrong_credentials"


class TooManyTries(Refusal):
    code = "too_many_tries"


class NotAllowed(Refusal):
    code = "not_allowed"


class NoSuchFan(Refusal):
    code = "no_such_fan"


class NoSuchStaff(Refusal):
    code = "no_such_staff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a parcel goes; checked for its country by whoever asked for it."""

    name: str
    line1: str
    line2: str = ""
    city: str
    region: str = ""
    postcode: str = ""
    country: str  # ISO 3166 alpha-2

    def to_json(self) -> dict[str, str]:
        return asdict(self)

    @classmethod
    def from_json(cls, body: Mapping[str, str]) -> Address:
        return cls(**body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fan:
    id: str
    name: str = ""
    language: str = ""  # BCP 47, empty until the fan or the platform said one
    address: Address | None = None
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What a fan agreed to, word for word; never changed, only followed by another."""

    key: str
    fan_id: str
    purpose: str  # "terms", "marketing"
    text: str
    text_version: str
    channel: str
    reference: str  # what it was given for: a checkout, a campaign
    at: int = 0


def difference(recorded: Consent, given: Consent) -> str | None:
    """The field in which a repeated consent says something else; the instant may differ."""
    for field in ("fan_id", "purpose", "text", "text_version", "channel", "reference"):
        if getattr(recorded, field) != getattr(given, field):
            return field
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    id: str
    email: str
    name: str
    roles: frozenset[Role]
    supplier_id: str = ""  # the supplier this person works for, if any
    enabled: bool = True
    seen_at: int = 0  # last noted request of the session it was read through


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a sign-in is checked against; both are None where nobody has this e-mail."""

    staff_id: str | None
    password_hash: str | None


@dataclass(frozen=True, slots=True)
class Limit:
    """A bucket of tries that refills by one each `interval`; stored as when it is full again."""

    tries: int
    interval: int

    def charge(self, full_at: int, now: int) -> int:
        """The bucket after one more try, or a refusal that says when the next one is free."""
        charged = max(full_at, now) + self.interval
        wait = charged - now - self.tries * self.interval
        if wait > 0:
            raise TooManyTries(retry_after_seconds=-(-wait // SECOND))
        return charged


# The victim of a guesser is slowed to one try a minute, never locked out, and not even slowed
# where they signed in before (see `service.admit`).
EMAIL_LIMIT = Limit(tries=10, interval=MINUTE)
ADDRESS_LIMIT = Limit(tries=30, interval=20 * SECOND)


def normal_email(email: str) -> str:
    normal = unicodedata.normalize("NFKC", email).strip().casefold()
    local, at, domain = normal.rpartition("@")
    if not (local and at and "." in domain) or len(normal) > EMAIL_LENGTH_MAX or " " in normal:
        raise BadEmail()
    return normal


def checked_password(password: str, email: str) -> str:
    if not PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX:
        raise BadPassword(minimum=PASSWORD_LENGTH_MIN, maximum=PASSWORD_LENGTH_MAX)
    if password.casefold() == email:
        raise BadPassword(minimum=PASSWORD_LENGTH_MIN, maximum=PASSWORD_LENGTH_MAX)
    return password


def network_of(address: str) -> str:
    """What one household can hold: an IPv4 address, the /64 of an IPv6 one."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def digest(kind: str, value: str) -> str:
    """One-way name of something that must be recognised but not stored."""
    return hashlib.sha256(f"{kind}:{value}".encode()).hexdigest()
