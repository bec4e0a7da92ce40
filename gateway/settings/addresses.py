"""Addresses in the configuration: http or https, without credentials, which logs would show."""

from __future__ import annotations

from typing import Annotated

from gateway.canonical.base import matching

#: Scheme, host and port; an "@" would end credentials.
_SERVER = r"https?://[^/@\s?#]+"

ServerUrl = Annotated[
    str,
    matching(
        f"^{_SERVER}$",
        "an http or https address without a path or credentials, such as https://shop.example.com",
    ),
]
"""The address of a server whose paths we know."""

OptionalServerUrl = Annotated[
    str,
    matching(
        f"^({_SERVER})?$",
        "an http or https address without a path or credentials, such as https://shop.example.com, "
        "or nothing",
    ),
]
"""The same, or "" for what goes without saying."""

BaseUrl = Annotated[
    str,
    matching(
        rf"^{_SERVER}(/\S*)?$",
        "an http or https address without credentials, such as https://erp.example.com:8443",
    ),
]
"""The address below which all paths are."""

OptionalBaseUrl = Annotated[
    str,
    matching(
        rf"^({_SERVER}(/\S*)?)?$",
        "an http or https address without credentials, such as https://login.example.com, or "
        "nothing",
    ),
]
"""The same, or "" for what goes without saying."""
