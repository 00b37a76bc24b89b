"""What is particular to the upstream: where a unit's month is asked for, and what the answer says. Begin here: put your
upstream's address into `BASE_URL` and `url`, and its rows into `rows`.
"""

import json
import re
from datetime import datetime, timezone
from typing import NamedTuple

BASE_URL = "https://data.elexon.co.uk"

# Seconds that one value is for.
INTERVAL = 1800


class Row(NamedTuple):
    """The upstream's value of the interval that begins at `start`, in seconds since 1970."""

    start: int
    value: float


class Unreadable(Exception):
    """The answer says something that can't be read."""


def check_code(code: str) -> None:
    """Raises ValueError, with words for people, where a code can't be one of this upstream."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,30}", code):
        raise ValueError(f"{code!r} is no BM unit; expected one such as T_HOWAO-1")


def url(base_url: str, code: str, start: int, end: int) -> str:
    """Where the values of `[start, end)` are asked for. This upstream counts both ends in: the last interval is the one
    before `end`.
    """
    return (
        f"{base_url.rstrip('/')}/bmrs/api/v1/datasets/B1610/stream"
        f"?from={_utc(start)}&to={_utc(end - INTERVAL)}&bmUnit={code}"
    )


def rows(answer: bytes, code: str) -> list[Row]:
    """The rows of an answer that are about the unit and have a value."""
    try:
        _not_deep(answer)
        answered = json.loads(answer.decode(), parse_constant=_no_number)
        if not isinstance(answered, list):
            raise ValueError("expected a list")
        return [
            Row(_start(row["halfHourEndTime"]), _number(row["quantity"]))
            for row in answered
            if row["bmUnit"] == code and row["quantity"] is not None
        ]
    except (ValueError, KeyError, TypeError) as error:
        begin = answer[:100].decode(errors="replace")
        raise Unreadable(f"not the rows expected: {error!r}; the answer begins {begin!r}") from None


def _not_deep(answer: bytes) -> None:
    """A component's stack is short: JSON that is nested without end would overflow it before Python notices."""
    depth = 0
    for bracket in re.findall(rb"[\[\]{}]", answer):
        depth += 1 if bracket in b"[{" else -1
        if depth > 100:
            raise ValueError("nested more than 100 deep")


def _start(end: str) -> int:
    """The start of the half hour that ends there: a time of UTC, without saying so."""
    at = datetime.fromisoformat(end)
    if at.tzinfo is not None:
        raise ValueError(f"not a time of UTC: {end!r}")
    return int(at.replace(tzinfo=timezone.utc).timestamp()) - INTERVAL


def _number(value: object) -> float:
    """MWh."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"not a number: {value!r}")
    return float(value)


def _no_number(word: str) -> None:
    raise ValueError(f"not a number: {word}")


def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%MZ")
