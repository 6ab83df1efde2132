"""Counted nouns in Russian, for texts that customers read."""


def counted(count: int, one: str, few: str, many: str) -> str:
    """`1 компания`, `3 компании`, `11 компаний`."""
    last = count % 10
    if count % 100 in range(11, 15) or last not in range(1, 5):
        return f"{count} {many}"
    return f"{count} {one if last == 1 else few}"
