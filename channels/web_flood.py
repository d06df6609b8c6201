"""How much one fan may send: bursts pass, a flood is answered once and then not at all."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum

BURST = 15
PER_SECOND = 2.0
STRIKES_MAX = 200  # frames beyond the limit, without a pause, before the socket is closed
FANS_MAX = 20_000


class Verdict(Enum):
    PASS = "pass"
    NOTICE = "notice"  # the first one too many: say so
    SILENCE = "silence"
    CLOSE = "close"


@dataclass(slots=True)
class _Bucket:
    level: float
    at: float
    strikes: int = 0


class Flood:
    """Token buckets per fan, shared by all sockets of a fan in this process."""

    def __init__(self, *, burst: int = BURST, per_second: float = PER_SECOND) -> None:
        self._burst = burst
        self._per_second = per_second
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def judge(self, fan_id: str, now: float) -> Verdict:
        bucket = self._bucket(fan_id, now)
        bucket.level = min(self._burst, bucket.level + (now - bucket.at) * self._per_second)
        bucket.at = now
        if bucket.level >= 1:
            bucket.level -= 1
            bucket.strikes = 0 if bucket.level >= 1 else bucket.strikes
            return Verdict.PASS
        bucket.strikes += 1
        if bucket.strikes > STRIKES_MAX:
            return Verdict.CLOSE
        return Verdict.NOTICE if bucket.strikes == 1 else Verdict.SILENCE

    @property
    def wait_seconds(self) -> int:
        """How long to pause until a few messages fit again."""
        return int(3 / self._per_second) + 1

    def _bucket(self, fan_id: str, now: float) -> _Bucket:
        bucket = self._buckets.get(fan_id)
        if bucket is None:
            bucket = self._buckets[fan_id] = _Bucket(self._burst, now)
            if len(self._buckets) > FANS_MAX:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(fan_id)
        return bucket
