"""How much packed data may unpack to: what is more is a bomb, or must be unpacked by hand."""

LARGEST_RATIO = 200
"""Logs pack to a tenth or a thirtieth of their size; deflate can reach a thousandth."""

ALWAYS = 256 << 20
"""Bytes to which anything may unpack, whatever it is packed to."""


class Allowance:
    """Bytes that something packed to `size` bytes may still unpack to."""

    def __init__(self, size: int) -> None:
        self.limit = max(ALWAYS, LARGEST_RATIO * size)
        self.used = 0

    @property
    def exceeded(self) -> str:
        """In words what was exceeded; "" while it is not."""
        if self.used <= self.limit:
            return ""
        return (
            f"it unpacks to more than {self.limit} bytes, {LARGEST_RATIO} times its size: not read further;"
            " unpack it by hand if it is no bomb"
        )

    def take(self, data: bytes) -> bytes:
        """Count unpacked bytes. Raises ValueError once there are more than allowed."""
        self.used += len(data)
        if said := self.exceeded:
            raise ValueError(said)
        return data
