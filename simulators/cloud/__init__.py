"""The cloud ERP: OData v4 in JSON behind OAuth2, with published limits."""
