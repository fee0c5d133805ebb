"""`voipbin login` and `voipbin logout`."""

from __future__ import annotations

from typing import Annotated

import typer

from voipbin_cli.commands.options import ApiOptions, takes

CREDENTIAL = "Credential"


@takes(ApiOptions)
def login(
    api: ApiOptions,
    token_stdin: Annotated[
        bool,
        typer.Option("--token-stdin", help="Read a token from stdin.", rich_help_panel=CREDENTIAL),
    ] = False,
    accesskey_stdin: Annotated[
        bool,
        typer.Option(
            "--accesskey-stdin", help="Read an access key from stdin.", rich_help_panel=CREDENTIAL
        ),
    ] = False,
    username: Annotated[
        str | None,
        typer.Option(
            "--username",
            "-u",
            help="Log in as this user; the password is asked for.",
            metavar="USER",
            rich_help_panel=CREDENTIAL,
            show_default=False,
        ),
    ] = None,
    password_stdin: Annotated[
        bool,
        typer.Option(
            "--password-stdin",
            help="Read the password of --username from stdin.",
            rich_help_panel=CREDENTIAL,
        ),
    ] = False,
) -> None:
    """Store a credential, once the API has accepted it.

    Without options it asks for one: a token, an access key, or user name and password. The secret
    goes into the system's keyring or, where there is none, into a file that only you can read.
    --profile and --api-url keep several accounts apart; the last one logged in is the current one.

    Examples:

        voipbin login

        voipbin login --profile lab --api-url http://127.0.0.1:8080/v1.0

        voipbin login --token-stdin < token.txt
    """
    from voipbin_cli.commands.credentials import log_in, login_of

    chosen = login_of(
        token_stdin=token_stdin,
        accesskey_stdin=accesskey_stdin,
        username=username,
        password_stdin=password_stdin,
    )
    log_in(api, chosen)


def logout(
    profile: Annotated[
        str | None,
        typer.Option(
            help="The profile to forget.",
            metavar="PROFILE",
            envvar="VOIPBIN_PROFILE",
            show_default="the current one",
        ),
    ] = None,
) -> None:
    """Forget a stored credential.

    Examples:

        voipbin logout

        voipbin logout --profile lab
    """
    from voipbin_cli.commands.credentials import log_out

    log_out(profile)
