"""`python -m tieout`."""

from tieout.cli.main import app

app()
