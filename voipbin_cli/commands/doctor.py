"""`voipbin doctor`."""

from __future__ import annotations

from voipbin_cli.commands.options import ApiOptions, JsonOption, takes


@takes(ApiOptions)
def doctor(api: ApiOptions, json: JsonOption = False) -> None:
    """Look over this machine: versions, sound, keyring, credential, API, terminal, shell.

    It says where a credential comes from and never what it is, and sends nothing but one request
    to the API.

    Examples:

        voipbin doctor

        voipbin doctor --json
    """
    from voipbin_cli.commands.checkup import check_up

    check_up(api, as_json=json)
