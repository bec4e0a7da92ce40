"""The channel API as one ASGI application."""

from __future__ import annotations

from typing import Any, Final, cast

from litestar import Litestar, Response, Router
from litestar.datastructures import State
from litestar.exceptions import NotFoundException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, YamlRenderPlugin
from litestar.openapi.spec import Components, License, Schema, SecurityScheme, Server

from gateway.api import describe, health, problems, schemas
from gateway.api.admin.app import create_admin
from gateway.api.calls import Facade
from gateway.api.edge import Gateway
from gateway.api.enquiries import MasterData
from gateway.api.loop_hooks import LoopHooks
from gateway.api.orders import Orders
from gateway.api.return_steps import ReturnAuthorisations, ReturnReceipts
from gateway.api.returns import Returns
from gateway.api.services import Services
from gateway.api.shopify_hooks import ShopifyHooks
from gateway.api.store_sales import StoreSales
from gateway.api.transactions import Transactions

DESCRIPTION: Final = (
    "One API for every channel while one ERP replaces another: which of them serves a request "
    "never shows. Money is decimal text such as `19.95`, instants are RFC 3339 with an offset, "
    "errors are problem documents (RFC 9457)."
)


def create_app(services: Services) -> Gateway:
    """Return the application; raise :class:`~gateway.errors.ConfigError` if keys are ambiguous."""
    app = Gateway(
        route_handlers=[
            Orders,
            StoreSales,
            ReturnAuthorisations,
            ReturnReceipts,
            Returns,
            ShopifyHooks,
            LoopHooks,
            MasterData,
            Transactions,
            health.alive,
            health.ready,
            health.metrics,
        ],
        state=State({"facade": Facade.of(services), "admin": _admin(services)}),
        exception_handlers=problems.HANDLERS,
        openapi_config=_openapi(services.version),
        # Litestar would configure the root logger of whoever imports this.
        logging_config=None,
        debug=False,
    )
    # Litestar replaces configured schemas by those it finds in signatures, and finds none here.
    # Values of components may be plain JSON, whatever their annotation says.
    app.openapi_schema.components.schemas = cast("dict[str, Schema]", schemas.components())
    return app


def _admin(services: Services) -> Litestar | None:
    if services.admin is None:
        return None
    hashes = [it for channel in services.settings.channels.values() for it in channel.key_sha256]
    return create_admin(services.admin, hashes, services.version)


def _openapi(version: str) -> OpenAPIConfig:
    return OpenAPIConfig(
        title="coexist",
        version=version,
        description=DESCRIPTION,
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        servers=[Server(url="/")],
        security=[{"bearer": []}, {"apiKey": []}],
        components=Components(
            responses=describe.refusals(),
            security_schemes={
                "bearer": SecurityScheme(
                    type="http", scheme="bearer", description="The channel's API key"
                ),
                "apiKey": SecurityScheme(
                    type="apiKey", security_scheme_in="header", name="X-API-Key"
                ),
            },
        ),
        openapi_router=Router(
            path="/schema", route_handlers=[], include_in_schema=False, after_request=_no_page
        ),
        # No page that loads scripts from elsewhere: gateways often stand where they cannot.
        render_plugins=[
            JsonRenderPlugin(path=["/", "/openapi.json"]),
            YamlRenderPlugin(path="/openapi.yaml"),
        ],
    )


async def _no_page(response: Response[Any]) -> Response[Any]:
    """Litestar answers what it does not find below /schema with a page of its own."""
    if response.status_code == 404:
        raise NotFoundException
    return response
