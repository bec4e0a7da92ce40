"""What components Amazon's settlements are known to have.

Nothing is refused for being unknown: new descriptions appear without notice. What is not in this
list is stored like everything else and reported, so that somebody gives it an account in time.
Compared without regard to case, because the spelling of whole files differs.
"""

from __future__ import annotations

from typing import Final

from gateway.canonical.settlement import Component

_PRICE = ("Principal", "Tax", "Shipping", "ShippingTax", "GiftWrap", "GiftWrapTax")
_FEES = (
    "Commission", "FBAPerUnitFulfillmentFee", "FBAPerOrderFulfillmentFee", "FBAWeightBasedFee",
    "ShippingChargeback", "GiftwrapChargeback", "ShippingHB", "FixedClosingFee",
    "VariableClosingFee", "SalesTaxServiceFee", "DigitalServicesFee", "RefundCommission",
    "RemoteFulfillmentCredit",
)  # fmt: skip
_WITHHELD = tuple(
    f"{tax}-{part}"
    for tax in ("MarketplaceFacilitatorTax", "MarketplaceFacilitatorVAT", "LowValueGoodsTax")
    for part in ("Principal", "Shipping", "Giftwrap", "Other")
)
_PROMOTION = ("Principal", "Shipping", "TaxDiscount")
_REFUNDED = (*_PRICE, "Goodwill", "RestockingFee", "ReturnShipping")
_FBA_FEES = (
    "FBA Customer Returns Fee", "FBA Inventory Storage Fee", "FBA Long-Term Storage Fee",
    "FBA Removal Order: Disposal Fee", "FBA Removal Order: Return Fee",
    "FBA Amazon-Partnered Carrier Shipment Fee", "AWD Storage Fee", "AWD Transportation Fee",
)  # fmt: skip
_FEE_PARTS = ("Base fee", "Tax on fee", "Discount on fee")
_REIMBURSED = (
    "WAREHOUSE_DAMAGE", "WAREHOUSE_DAMAGE_EXCEPTION", "WAREHOUSE_LOST", "WAREHOUSE_LOST_MANUAL",
    "MISSING_FROM_INBOUND", "MISSING_FROM_INBOUND_CLAWBACK", "COMPENSATED_CLAWBACK",
    "REVERSAL_REIMBURSEMENT", "FREE_REPLACEMENT_REFUND_ITEMS", "CS_ERROR_ITEMS", "RE_EVALUATION",
)  # fmt: skip
_OTHER = (
    "Previous Reserve Amount Balance", "Current Reserve Amount", "Subscription Fee",
    "Storage Fee", "StorageRenewalBilling", "FBAInboundTransportationFee",
    "FBA Inbound Placement Service Fee", "DisposalComplete", "RemovalComplete",
    "NonSubscriptionFeeAdj", "MiscAdjustment", "BuyerRecharge",
    "Shipping label purchase for return", "Adjustment", "Paid Services Fee", "Payable to Amazon",
    "Successful charge", "Income tax charged", "Promotion Adjustment",
    "AGSGlobalInboundTransportation",
)  # fmt: skip

#: Transaction type → amount type → descriptions; an empty tuple: any description.
_KNOWN: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "Order": {
        "ItemPrice": _PRICE, "ItemFees": _FEES, "Promotion": _PROMOTION,
        "ItemWithheldTax": _WITHHELD, "Points": ("PointsGranted",),
    },
    "Refund": {
        "ItemPrice": _REFUNDED, "ItemFees": _FEES, "Promotion": _PROMOTION,
        "ItemWithheldTax": _WITHHELD,
    },
    "Chargeback Refund": {
        "ItemPrice": _REFUNDED, "ItemFees": _FEES, "ItemWithheldTax": _WITHHELD,
    },
    "A-to-z Guarantee Refund": {
        "ItemPrice": _REFUNDED, "ItemFees": _FEES, "ItemWithheldTax": _WITHHELD,
    },
    "Order_Retrocharge": {"ItemPrice": _PRICE, "ItemWithheldTax": _WITHHELD},
    "Refund_Retrocharge": {"ItemPrice": _PRICE, "ItemWithheldTax": _WITHHELD},
    "ServiceFee": {
        "Cost of Advertising": ("TransactionTotalAmount",),
        "Refund for Advertiser": ("TransactionTotalAmount",),
        "Deals": ("Promotion Fee", "Promotion Fee Special"),
    },
    "FBAFees": dict.fromkeys(_FBA_FEES, _FEE_PARTS),
    "AmazonFees": {"Vine Enrollment Fee": _FEE_PARTS},
    "CouponRedemptionFee": {"CouponRedemptionFee": ()},
    "SAFE-T Reimbursement": {"Other Transactions": ("SAFE-T Reimbursement",)},
    "Seller Rewards": {"Seller Rewards": ("Seller Rewards",)},
    "Commingling VAT": {"other-transaction": ("Commingling VAT",)},
    "Liquidations Adjustments": {"ItemPrice": ("Tax",), "ItemWithheldTax": _WITHHELD},
    "Transfers": {"Micro Deposit": ("Micro Deposit",)},
    "Transfer": {"": ()},
    "other-transaction": {
        "other-transaction": _OTHER,
        "FBA Inventory Reimbursement": _REIMBURSED,
        "Capacity Reservation Fee": ("Reservation Fee", "Performance Credits", "Tax"),
        "Inbound Defect Fee": (),
        "Amazon Warehousing & Distribution (AWD)": (
            "AWD Storage Fee", "AWD Processing Fee", "AWD Transportation Fee",
        ),
        "MCF Inventory Reimbursement": ("MULTICHANNEL_ORDER_LOST",),
    },
}  # fmt: skip

_INDEX: Final = {
    (transaction.casefold(), kind.casefold()): frozenset(it.casefold() for it in descriptions)
    for transaction, kinds in _KNOWN.items()
    for kind, descriptions in kinds.items()
}


def is_known(component: Component) -> bool:
    """Say whether a component is in the list."""
    key = (component.transaction_type.casefold(), component.amount_type.casefold())
    descriptions = _INDEX.get(key)
    if descriptions is None:
        return False
    return not descriptions or component.amount_description.casefold() in descriptions
