"""The admin API as one application, to be mounted beside the channels'."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any, Final

from litestar import Litestar, Request, get
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException, ValidationException
from litestar.middleware.rate_limit import RateLimitConfig
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from gateway.api import problems
from gateway.api.admin import views
from gateway.api.admin.auth import StaffKeys
from gateway.api.admin.exceptions import ExceptionsDesk
from gateway.api.admin.peak import PeakDesk
from gateway.api.admin.services import Admin
from gateway.canonical.fields import invalid
from gateway.canonical.staff import Action, Staff, require
from gateway.errors import FieldError

DESCRIPTION: Final = (
    "What staff do: the same as the command line, with the same roles and audit log. Money is "
    "decimal text by currency, instants are RFC 3339, errors are problem documents (RFC 9457)."
)


def create_admin(admin: Admin, key_hashes_of_channels: Iterable[str], version: str) -> Litestar:
    """Return the application; raise :class:`~gateway.errors.ConfigError` if keys are ambiguous."""
    keys = StaffKeys(admin.people, key_hashes_of_channels)

    async def staff(request: Request[Any, Any, State]) -> Staff:
        return keys.staff_of(dict(request.scope["headers"]))

    async def services() -> Admin:
        return admin

    return Litestar(
        route_handlers=[ExceptionsDesk, PeakDesk, standing, backlog],
        dependencies={"staff": Provide(staff), "admin": Provide(services)},
        exception_handlers={**problems.HANDLERS, ValidationException: _wrong_fields},
        middleware=[
            RateLimitConfig(
                rate_limit=("minute", admin.calls_per_minute),
                identifier_for_request=_key_hash,
                exclude=["/admin/v1/schema"],
            ).middleware
        ],
        openapi_config=OpenAPIConfig(
            title="coexist admin",
            version=version,
            description=DESCRIPTION,
            path="/admin/v1/schema",
            security=[{"bearer": []}],
            components=Components(
                security_schemes={
                    "bearer": SecurityScheme(
                        type="http", scheme="bearer", description="The API key of one of the staff"
                    )
                }
            ),
            render_plugins=[JsonRenderPlugin(path=["/", "/openapi.json"])],
        ),
        request_max_body_size=admin.body_bytes_max,
        logging_config=None,
        debug=False,
    )


@get("/admin/v1/status", summary="How the installation stands", tags=("operation",))
async def standing(admin: Admin, staff: Staff) -> views.Standing:
    """Return rules in force, backlog, quotas, and who is alive."""
    require(staff, Action.STATUS_READ)
    return views.Standing.model_validate(await admin.standing())


@get("/admin/v1/backlog", summary="What waits", tags=("operation",))
async def backlog(admin: Admin, staff: Staff) -> views.Waiting:
    """Return what waits: by ERP, in flight, parked, held, waiting for a cause."""
    require(staff, Action.STATUS_READ)
    return views.Waiting(backlog=(await admin.standing())["backlog"])


def _key_hash(request: Request[Any, Any, State]) -> str:
    """Whose calls are counted together: one key's, known or not; keys themselves are not kept."""
    headers = dict(request.scope["headers"])
    key = headers.get(b"authorization", b"") + b" " + headers.get(b"x-api-key", b"")
    return sha256(key).hexdigest()


def _wrong_fields(request: Request[Any, Any, State], error: HTTPException) -> Any:  # noqa: ANN401 -- Litestar's handlers answer any response
    extra: Any = error.extra or []
    found = [
        FieldError("/" + str(it.get("key", "")).replace(".", "/"), str(it.get("message", "")))
        for it in extra
        if isinstance(it, dict)
    ]
    return problems.answered(request, invalid(found or [FieldError("", error.detail)]))
