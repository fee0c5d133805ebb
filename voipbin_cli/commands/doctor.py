"""`voipbin doctor`."""

from __future__ import annotations

from dataclasses import dataclass, field

from voipbin_cli.commands.options import ApiOptions, JsonOption


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorOptions:
    """Which API is asked."""

    json: JsonOption = False
    api: ApiOptions = field(default_factory=ApiOptions)


def doctor(options: DoctorOptions) -> None:
    """Look over this machine: versions, sound, keyring, credential, API, terminal, shell.

    It says where a credential comes from and never what it is, and sends nothing but two requests
    to the API: one for a call, one for whether the platform captures the sound of calls.

    Examples:

        voipbin doctor

        voipbin doctor --json
    """
    import sys

    from voipbin_cli.environment import user_environment
    from voipbin_cli.errors import VoipbinError
    from voipbin_cli.public.access import api_endpoint
    from voipbin_cli.render.doctor import show_checks, terminal_check
    from voipbin_cli.session import checks

    found = checks.machine_checks(user_environment())
    try:
        endpoint = api_endpoint(options.api)
    except VoipbinError as error:
        found.append(checks.failed("credential", error, {}))
    else:
        found += checks.platform_checks(endpoint, timeout_s=options.api.connect_timeout)
    found += [terminal_check(), checks.shell_check(user_environment(), checks.installed_files())]
    show_checks(found, as_json=options.json)
    bad = [check for check in found if check.state is checks.CheckState.BAD]
    if bad:
        sys.exit(bad[0].status)
