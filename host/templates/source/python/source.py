"""A source of Backfill: what it says of itself, and how a month is fetched. What is particular to the upstream is in
`upstream.py`; this file can stay much as it is.
"""

import time

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import host, http
from wit_world.imports.types import (
    Description,
    Failure,
    Failure_InvalidUnit,
    Failure_Malformed,
    Failure_NoData,
    Failure_NotAvailable,
    Failure_NotYetPublished,
    Failure_RateLimited,
    Failure_Unauthorized,
    Failure_Unavailable,
    Measurement,
    Month,
    Quantity,
    Series,
    Setting,
    Unit,
)

import upstream
from upstream import BASE_URL, INTERVAL, Row

# Days after a month's end until it is normally complete.
PUBLICATION_LAG_DAYS = 8


class Adapter(exports.Adapter):
    def describe(self) -> Description:
        return Description(
            name="my-source",
            version="0.1.0",
            summary="Metered output of British generation units, by half hour (Elexon B1610)",
            unit_code="a BM unit, such as T_HOWAO-1",
            hosts=[BASE_URL],
            settings=[Setting(name="base_url", summary="Where the API is", default=BASE_URL)],
            month_zone="UTC",
            publication_lag_days=PUBLICATION_LAG_DAYS,
            first_month="2019-01",
        )

    def check_unit(self, unit: Unit) -> None:
        try:
            upstream.check_code(unit.code)
        except ValueError as error:
            raise Err(str(error)) from None

    def fetch(self, unit: Unit, month: Month) -> list[Series]:
        try:
            upstream.check_code(unit.code)
        except ValueError as error:
            raise Err(Failure_InvalidUnit(str(error))) from None
        base_url = host.setting("base_url") or BASE_URL
        answer = get(upstream.url(base_url, unit.code, month.start, month.end))
        try:
            rows = upstream.rows(answer, unit.code)
        except upstream.Unreadable as error:
            raise Err(Failure_Malformed(str(error))) from None
        values = measurements(rows, month)
        if not values:
            raise Err(nothing(unit, month))
        host.log(host.Level.INFO, f"{len(values)} values")
        return [Series(kind="generation", quantity=Quantity.ENERGY, labels=[], measurements=values)]


def measurements(rows: list[Row], month: Month) -> list[Measurement]:
    """What was asked for: in order, nothing twice, and nothing that reaches out of it."""
    found: dict[int, float] = {}
    for row in sorted(rows):
        if row.start < month.start or row.start + INTERVAL > month.end:
            continue
        if found.setdefault(row.start, row.value) != row.value:
            why = f"two values for the interval at {row.start}: {found[row.start]} and {row.value}"
            raise Err(Failure_Malformed(why))
    return [Measurement(start=start, seconds=INTERVAL, value=value) for start, value in found.items()]


def nothing(unit: Unit, month: Month) -> Failure:
    """An empty answer, which is never a success: of the past it is final, of the present it is early."""
    what = f"the upstream has nothing of {unit.code} for {month.year:04}-{month.number:02}"
    if time.time() < month.end + PUBLICATION_LAG_DAYS * 86_400:
        return Failure_NotYetPublished(what)
    return Failure_NoData(what)


def get(url: str) -> bytes:
    """The body of an answer with status 200. The host has waited for the rate limit, added the credential and tried again
    where that helps: every failure is final for this call.
    """
    try:
        answer = http.send(http.Request(method=http.Method.GET, url=url, headers=[], body=None))
        if answer.status == 200:
            return answer.body.bytes()
    except Err as error:
        raise Err(unanswered(error.value)) from None
    match answer.status:
        case 401 | 403:
            raise Err(Failure_Unauthorized(f"HTTP {answer.status}"))
        case 429:
            raise Err(Failure_RateLimited(retry_after(answer)))
        case 404 | 408 | 500 | 501 | 502 | 503 | 504:
            raise Err(Failure_Unavailable(f"HTTP {answer.status}"))
        case _:
            raise Err(Failure_Malformed(f"HTTP {answer.status}"))


def retry_after(answer: http.Response) -> int | None:
    said = dict(answer.headers).get("retry-after", "").strip()
    return int(said) if said.isascii() and said.isdigit() and int(said) < 2**32 else None


def unanswered(error: http.Error) -> Failure:
    match error:
        case http.Error_Timeout():
            return Failure_Unavailable("no answer in time")
        case http.Error_TooLarge(cap):
            return Failure_Malformed(f"an answer of more than {cap} bytes")
        case http.Error_Denied(why):
            return Failure_NotAvailable(why)
        case http.Error_Transport(why):
            return Failure_Unavailable(why)
