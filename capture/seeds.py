"""Seeds from words: the same words give the same number everywhere."""

import hashlib


def seed_from(text: str) -> int:
    """A number from 0 to 2^32 - 1."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
