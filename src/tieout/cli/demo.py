"""`tieout demo`: a simulated Polymarket, a worker that makes markets on it, and faults to throw at them."""

from __future__ import annotations

from typing import Annotated

import typer

from tieout.cli.output import out, run

PIPE_S = 75.0
"""How long the demo is where nobody can end it by a key."""


def demo(
    minutes: Annotated[
        float | None, typer.Option("--minutes", help="End by itself after so long; in a pipe after 1.25.", min=0.05)
    ] = None,
    markets: Annotated[int, typer.Option("--markets", help="Markets to make.", min=1, max=200)] = 6,
    seed: Annotated[int, typer.Option("--seed", help="Another seed is another world.", min=0)] = 1,
    intensity: Annotated[
        float, typer.Option("--intensity", help="Decisions of the crowd a second and market.", min=0.1, max=50.0)
    ] = 3.0,
    fault: Annotated[
        list[str] | None,
        typer.Option("--fault", help="Thrown in once the books tie out, one after the other; repeatable."),
    ] = None,
    each: Annotated[float, typer.Option("--each", help="Seconds that a fault stays on.", min=1.0)] = 20.0,
    desk_port: Annotated[
        int, typer.Option("--desk-port", help="Of the desk, the books in a browser; 0: any that is free.", min=0)
    ] = 8321,
    no_view: Annotated[bool, typer.Option("--no-view", help="Lines instead of the live view, and no keys.")] = False,
) -> None:
    """Make markets on a simulated Polymarket, with books that tie out whatever happens. Needs no set-up and no key.

    Ends with a comparison of the books with the simulated venue's own truth. Exit code 0: all equal; 1: not.
    """
    from tieout.cli.demo_play import Show, play  # the simulator loads when it is wanted
    from tieout.sim.faults.faults import kind_of

    for name in fault or ():
        try:
            kind_of(name)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--fault") from None
    is_live_view = out.is_terminal and not no_view
    length_s = 60 * minutes if minutes is not None else None if is_live_view else PIPE_S
    show = Show(
        seed, markets, intensity, tuple(fault or ()), each, length_s, is_live_view=is_live_view, desk_port=desk_port
    )
    run(lambda: play(show))
