"""The command-line toolkit for the live audio of VoIPBIN calls and conferences."""

__version__ = "0.1.0"
USER_AGENT = f"voipbin/{__version__}"
