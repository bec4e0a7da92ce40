"""Requests that are answered with an error body."""

from __future__ import annotations


class Refused(Exception):
    """A request that is answered with an error body of this status and code."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
