"""Orders as the Orders API v0 writes them, which existing clients use."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from simulators.amazon.options import MarketOptions
from simulators.amazon.orders import CANCELLED, PENDING, PROMOTION, ZERO, Item, Order
from simulators.amazon.stamps import text, whole

#: How v0 spells what a fulfilment is.
STATUSES = {
    "PENDING_AVAILABILITY": "PendingAvailability",
    "PENDING": "Pending",
    "UNSHIPPED": "Unshipped",
    "PARTIALLY_SHIPPED": "PartiallyShipped",
    "SHIPPED": "Shipped",
    "CANCELLED": "Canceled",
    "UNFULFILLABLE": "Unfulfillable",
}

Json = dict[str, Any]


def resource(order: Order, options: MarketOptions) -> Json:
    """The order without its items; money and address are absent while it is pending."""
    found: Json = {
        "AmazonOrderId": order.id,
        "PurchaseDate": whole(order.created),
        "LastUpdateDate": whole(order.updated),
        "OrderStatus": STATUSES[order.status],
        "FulfillmentChannel": "AFN" if order.by_amazon else "MFN",
        "SalesChannel": options.marketplace_name,
        "ShipServiceLevel": "Std NL Dom",
        "NumberOfItemsShipped": sum(it.shipped for it in order.items),
        "NumberOfItemsUnshipped": (
            0 if order.status == PENDING else sum(it.open for it in order.items)
        ),
        "PaymentMethod": "Other",
        "PaymentMethodDetails": ["Standard"],
        "MarketplaceId": options.marketplace,
        "ShipmentServiceLevelCategory": "Standard",
        "OrderType": "StandardOrder",
        "IsBusinessOrder": False,
        "IsPrime": order.by_amazon,
        "IsReplacementOrder": "false",
        "IsPremiumOrder": False,
        "IsSoldByAB": False,
        "IsISPU": False,
    }
    if order.status != PENDING:
        found["ShippingAddress"] = {
            "Name": order.buyer.name,
            "AddressLine1": order.buyer.street,
            "City": order.buyer.city,
            "PostalCode": order.buyer.postal_code,
            "CountryCode": order.buyer.country,
        }
        email = f"{order.id.replace('-', '')}@marketplace.example.com"
        found["BuyerInfo"] = {"BuyerEmail": email, "BuyerName": order.buyer.name}
    if order.status not in (PENDING, CANCELLED):
        found["OrderTotal"] = _money(order.total, options)
    return found


def item(it: Item, order: Order, options: MarketOptions) -> Json:
    """A line of an order; amounts are for all its pieces."""
    found: Json = {
        "ASIN": it.asin,
        "SellerSKU": it.article.sku,
        "OrderItemId": it.id,
        "Title": it.article.name,
        "QuantityOrdered": it.quantity,
        "QuantityShipped": it.shipped,
        "ProductInfo": {"NumberOfItems": "1"},
        "IsGift": "true" if it.gift_wrap else "false",
        "ConditionId": "New",
        "IsTransparency": False,
        "BuyerRequestedCancel": {
            "IsBuyerRequestedCancel": "true" if it.wants_cancel else "false",
            "BuyerCancelReason": "Changed my mind" if it.wants_cancel else "",
        },
    }
    if order.status in (PENDING, CANCELLED):
        return found
    amounts = {
        "ItemPrice": _net(it.price, it.tax, options),
        "ItemTax": it.tax,
        "PromotionDiscount": it.discount,
        "PromotionDiscountTax": ZERO,
    }
    if it.shipping:
        amounts["ShippingPrice"] = _net(it.shipping, it.shipping_tax, options)
        amounts["ShippingTax"] = it.shipping_tax
    found |= {name: _money(amount, options) for name, amount in amounts.items()}
    if it.discount:
        found["PromotionIds"] = [PROMOTION]
    if it.gift_wrap:
        price = _money(_net(it.gift_wrap, it.gift_wrap_tax, options), options)
        found["BuyerInfo"] = {
            "GiftWrapPrice": price, "GiftWrapTax": _money(it.gift_wrap_tax, options),
        }  # fmt: skip
    if order.liable:
        found["TaxCollection"] = {
            "Model": "MarketplaceFacilitator",
            "ResponsibleParty": "Amazon Services Europe S.a.r.l.",
        }
    return found


def _net(amount: Decimal, tax: Decimal, options: MarketOptions) -> Decimal:
    return amount if options.prices_include_tax else amount - tax


def _money(amount: Decimal, options: MarketOptions) -> Json:
    return {"CurrencyCode": options.currency, "Amount": text(amount)}
