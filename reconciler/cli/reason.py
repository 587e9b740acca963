"""`--reason` for stopping something or bringing it back: it is read by those who come after."""

import click


def _said(_context: click.Context, _option: click.Parameter, reason: str) -> str:
    if not reason.strip():
        raise click.BadParameter("it is empty; say why in a few words.")
    return reason.strip()


reason_option = click.option(
    "--reason",
    required=True,
    callback=_said,
    help="Why; it is shown wherever the release is.",
)
