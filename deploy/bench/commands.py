"""`livetill bench`: each command starts what it needs, measures, says what it saw, and ends."""

from __future__ import annotations

import resource
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commerce.kernel.errors import Outage
from deploy.bench import Kind

if TYPE_CHECKING:
    from deploy.bench.report import Row

Database = Annotated[Kind, typer.Option(help="A fresh one of this kind is started.")]
AtOnce = Annotated[int, typer.Option(min=1, max=500, help="Fans at the same time.")]
Count = Annotated[int, typer.Option(min=1, max=100_000, help="No more operations than this.")]
Seconds = Annotated[float, typer.Option(min=0.1, max=300, help="No longer than this.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object per row.")]

app = typer.Typer(
    help="Measure a till of its own on this machine, from outside.", no_args_is_help=True
)


@app.command()
def turns(
    database: Database = Kind.SQLITE,
    concurrency: AtOnce = 64,
    count: Count = 10_000,
    seconds: Seconds = 10,
    json: Json = False,
) -> None:
    """Messages answered per second, beside bare transactions of the plain driver."""
    from deploy.bench import loads, turns

    _show(turns.measure(database, loads.Limits(concurrency, count, seconds)), json=json)


@app.command()
def purchases(
    database: Database = Kind.SQLITE,
    concurrency: AtOnce = 16,
    count: Count = 1_000,
    seconds: Seconds = 10,
    json: Json = False,
) -> None:
    """Whole purchases per second, from opening the room to the receipt."""
    from deploy.bench import loads, purchases

    _show(purchases.measure(database, loads.Limits(concurrency, count, seconds)), json=json)


@app.command()
def drop(
    database: Database = Kind.SQLITE,
    concurrency: AtOnce = 64,
    count: Count = 100_000,
    seconds: Seconds = 5,
    json: Json = False,
) -> None:
    """Buyers who hold one hot SKU per second, beside a transaction of the plain driver for each."""
    from deploy.bench import drop, loads

    _show(drop.measure(database, loads.Limits(concurrency, count, seconds)), json=json)


@app.command()
def paid(
    database: Database = Kind.SQLITE,
    concurrency: AtOnce = 16,
    count: Count = 5_000,
    seconds: Seconds = 5,
    json: Json = False,
) -> None:
    """Purchases to "paid" in the core alone, and what its saga and its ledger cost of it."""
    from deploy.bench import loads, paid

    _show(paid.measure(database, loads.Limits(concurrency, count, seconds)), json=json)


@app.command()
def quote(
    database: Database = Kind.SQLITE,
    concurrency: AtOnce = 8,
    count: Count = 20_000,
    seconds: Seconds = 3,
    promotions: Annotated[int, typer.Option(min=11, max=10_000, help="About at most.")] = 1_000,
    json: Json = False,
) -> None:
    """Prices of one line with 0, 10 and many promotions about: counted alone, and as a whole."""
    from deploy.bench import loads, quote

    limits = loads.Limits(concurrency, count, seconds)
    _show(quote.measure(database, limits, promotions), json=json)


@app.command()
def sockets(
    database: Database = Kind.SQLITE,
    count: Annotated[int, typer.Option(min=1, max=10_000, help="Fans in the room.")] = 2_000,
    json: Json = False,
) -> None:
    """The memory of a till with so many fans in its live room, each with one turn done."""
    from deploy.bench import sockets

    _show(sockets.measure(database, count), json=json)


@app.command()
def start(
    database: Database = Kind.SQLITE,
    count: Annotated[int, typer.Option(min=1, max=20, help="Starts after the first.")] = 3,
    json: Json = False,
) -> None:
    """The time from starting the process to its first "ready"."""
    from deploy.bench import start

    _show(start.measure(database, count), json=json)


@app.command()
def offers(
    count: Annotated[int, typer.Option(min=1_000, max=200_000, help="Fans who ask.")] = 20_000,
    seed: Annotated[int, typer.Option(help="The same audience every time.")] = 1,
    json: Json = False,
) -> None:
    """What personal offers earn from simulated audiences whose demand is known."""
    from deploy.bench import offers

    _show(offers.measure(count, seed), json=json)


@app.command()
def search(
    database: Database = Kind.SQLITE,
    products: Annotated[int, typer.Option(min=10, max=200_000, help="To look among.")] = 100_000,
    concurrency: AtOnce = 1,
    count: Count = 2_000,
    seconds: Seconds = 20,
    json: Json = False,
) -> None:
    """Times to find something among many products: exact words, slips, beginnings, facets, none."""
    from deploy.bench import loads, search

    limits = loads.Limits(concurrency, count, seconds)
    _show(search.measure(database, products, limits), json=json)


def _show(measured: Coroutine[Any, Any, Sequence[Row]], *, json: bool) -> None:
    import uvloop

    from deploy import servers
    from deploy.bench import report

    _open_many_files()
    try:
        rows = uvloop.run(measured)
    except (servers.Unavailable, OSError) as error:
        raise Outage(" ".join(str(error).split())) from error
    report.show(rows, typer.echo, json=json)


def _open_many_files() -> None:
    """Each fan is a socket here and, as limits are inherited, one in the till."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
