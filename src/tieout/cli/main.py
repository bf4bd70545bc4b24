"""The command line: `tieout`."""

from __future__ import annotations

import sys

import typer

from tieout.cli import (
    adjust,
    audit,
    books,
    certify,
    control,
    database,
    demo,
    doctor,
    explain,
    importing,
    init,
    log,
    movements,
    quotes,
    run,
    runs,
    sim,
    watch,
)

if not __debug__:
    sys.exit("tieout does not run under python -O: its own checks would be off")

app = typer.Typer(
    name="tieout",
    help="Exact books for Polymarket wallets: every change of inventory with its evidence.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("init")(init.init)
app.command("doctor")(doctor.doctor)
app.command("import")(importing.import_)
app.command("books")(books.books)
app.command("orders")(movements.orders)
app.command("fills")(movements.fills)
app.command("log")(log.log)
app.command("explain")(explain.explain)
app.command("replay")(audit.replay)
app.command("audit")(audit.audit)
app.command("certify")(certify.certify_)
app.command("verify")(certify.verify_)
app.command("demo")(demo.demo)
app.command("run")(run.run_)
app.command("watch")(watch.watch_)
app.command("runs")(runs.runs)
app.command("issues")(runs.issues)
app.command("quotes")(quotes.quotes)
app.command("control")(control.control)
app.command("pause")(control.pause)
app.command("resume")(control.resume)
app.command("halt")(control.halt)
app.add_typer(adjust.app, name="adjust")
app.add_typer(database.app, name="db")
app.add_typer(sim.app, name="sim")
