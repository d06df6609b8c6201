"""The command line. Heavy modules are imported by the command that needs them."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from commerce.kernel.errors import Outage, Refusal
from deploy.bench.commands import app as bench
from deploy.settings import PREFIX, Settings, SettingsWrong, read

app = typer.Typer(
    help="Livetill: a till for live streams.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
webhook = typer.Typer(help="Tell a platform where our webhook is.", no_args_is_help=True)
app.add_typer(webhook, name="webhook")
app.add_typer(bench, name="bench")


def main() -> None:
    try:
        app()
    except SettingsWrong as error:
        _fail(str(error), 2)
    except (Outage, Refusal) as error:
        _fail(str(error), 1)


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(f"livetill: {message}", err=True)
    sys.exit(code)


@app.command()
def run() -> None:
    """Everything in one process: pages, bot, payments, jobs. Right for a laptop or a small shop."""
    from deploy import serve

    sys.exit(serve.run(read(), serve.Role.ALL, typer.echo))


@app.command()
def web() -> None:
    """Scaled: the HTTP edge, the conversations and the sagas. Run as many as you like."""
    from deploy import serve

    sys.exit(serve.run(_scaled(), serve.Role.WEB, typer.echo))


@app.command()
def relay() -> None:
    """Scaled: carries committed events to the bus."""
    from deploy import serve

    sys.exit(serve.run(_scaled(), serve.Role.RELAY, typer.echo))


@app.command()
def sender() -> None:
    """Scaled: carries replies to Telegram and WhatsApp, within their limits."""
    from deploy import serve

    sys.exit(serve.run(_scaled(), serve.Role.SENDERS, typer.echo))


@app.command()
def worker() -> None:
    """Scaled: what others announced and what time makes us do (rq)."""
    from deploy import serve

    sys.exit(serve.run_worker(_scaled(), typer.echo))


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema. Safe to repeat."""
    from deploy import migrations

    settings = read()
    migrations.migrate(settings.database_url)
    typer.echo("The database is up to date.")


@app.command()
def seed() -> None:
    """Put in the demo: creators, suppliers, products and a live session. Safe to repeat."""
    from deploy import serve

    seeded = serve.seed_demo(read())
    typer.echo(f"Live session: /live/{seeded.session_slug}")
    for login in seeded.logins:
        typer.echo(f"{login.role:<9}{login.email}  {login.password}")


@app.command()
def reindex() -> None:
    """Make what products are found by anew, a few at a time, beside a till that runs."""
    from deploy import reindexing, serve

    sys.exit(serve.run_briefly(reindexing.reindex(read(), typer.echo, _progress)))


@app.command()
def chat(
    session: Annotated[str, typer.Argument(help="The live session's slug, as in /live/SLUG.")],
    url: Annotated[str, typer.Option(help="Where Livetill runs.")] = "",
    cookie: Annotated[Path, typer.Option(help="Remembers who you are.")] = Path("var/chat-cookie"),
) -> None:
    """Talk to the bot as a fan, in this terminal."""
    from channels import web_client

    try:
        asyncio.run(
            web_client.chat(
                url or read().own_url,
                session,
                web_client.keyboard(),
                typer.echo,
                cookie_file=cookie,
            )
        )
    except web_client.NoRoom as no:
        _fail(str(no), 1)


@app.command()
def doctor(
    provider: Annotated[str, typer.Option(help="Whose report --report is: stripe, sandbox.")] = "",
    report: Annotated[
        Path | None,
        typer.Option(help="Compare this report file of the provider (CSV) with the books."),
    ] = None,
    reports: Annotated[
        bool, typer.Option(help="Also ask every provider that can tell what it moved yesterday.")
    ] = False,
    record: Annotated[
        bool, typer.Option(help="Keep the differences for the back office, and post the fees.")
    ] = False,
) -> None:
    """Prove that stock, holds, orders, payments and ledger agree; exit 0 only if they do.

    With --provider and --report: compare a provider's report with the books, line by line.
    """
    from deploy import checkup, serve

    if (report is None) != (not provider):
        raise typer.BadParameter("--provider and --report go together")
    wish = checkup.Wish(provider=provider, file=report, yesterday=reports, record=record)
    try:
        sys.exit(serve.run_briefly(checkup.examine(read(), wish, typer.echo, _progress)))
    except checkup.FileUnreadable as error:
        _fail(str(error), 2)


def _progress(words: str) -> None:
    typer.echo(f"  {words}…", err=True)


@webhook.command("set")
def webhook_set(platform: Annotated[str, typer.Argument(help="telegram")]) -> None:
    """Register our address and secret with the platform."""
    settings = read()
    if platform != "telegram":
        raise typer.BadParameter(f"{platform}: only telegram is set by us")
    _needed(settings, "telegram_token")
    if not settings.public_url.startswith("https://"):
        raise SettingsWrong(f"{PREFIX}PUBLIC_URL must be an https:// address for Telegram")
    from channels.telegram import set_webhook

    answer = asyncio.run(
        set_webhook(
            account="telegram:platform",
            token=settings.telegram_token.get_secret_value(),
            secret=settings.telegram_webhook_secret.get_secret_value(),
            public_url=settings.public_url,
            api_base=settings.telegram_api_base,
        )
    )
    typer.echo(answer.said)
    if not answer.ok:
        sys.exit(1)


def _scaled() -> Settings:
    """The settings, with what running in several processes needs."""
    settings = read()
    if not settings.redis_url:
        raise SettingsWrong(f"{PREFIX}REDIS_URL is missing; several processes need it")
    if not settings.database_url.startswith("postgresql://"):
        raise SettingsWrong(f"{PREFIX}DATABASE_URL must be postgresql:// for several processes")
    return settings


def _needed(settings: Settings, name: str) -> None:
    if not getattr(settings, name).get_secret_value():
        raise SettingsWrong(f"{PREFIX}{name.upper()} is missing")
