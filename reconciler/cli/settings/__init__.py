"""The settings: one TOML file, then the environment, then flags, the last the strongest.

A value that is wrong is named where it stands: the line of the file, the variable, the flag.
"""

from reconciler.cli.settings.load import DEFAULT_FILE, InvalidSettings, load_settings
from reconciler.cli.settings.values import (
    ApprovalSettings,
    BackendSettings,
    ControllerSettings,
    GatewaySettings,
    LogFormat,
    LogLevel,
    LogSettings,
    Mode,
    NatsSettings,
    ProxySettings,
    SecretPlace,
    SecretSource,
    ServeSettings,
    ServeTls,
    Settings,
    SourceSettings,
    TlsSettings,
)

__all__ = [
    "DEFAULT_FILE",
    "ApprovalSettings",
    "BackendSettings",
    "ControllerSettings",
    "GatewaySettings",
    "InvalidSettings",
    "LogFormat",
    "LogLevel",
    "LogSettings",
    "Mode",
    "NatsSettings",
    "ProxySettings",
    "SecretPlace",
    "SecretSource",
    "ServeSettings",
    "ServeTls",
    "Settings",
    "SourceSettings",
    "TlsSettings",
    "load_settings",
]
