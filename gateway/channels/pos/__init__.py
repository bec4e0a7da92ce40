"""Stores: registers, and the files of receipts (POSLog) that they write."""
