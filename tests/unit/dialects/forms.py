"""Forms as OpenAI's clients send them."""

from collections.abc import Sequence

BOUNDARY = "frontier"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def form(*fields: tuple[str, str], files: Sequence[tuple[str, bytes]] = ()) -> bytes:
    """A form with these texts and files."""
    parts = [(f'name="{name}"', text.encode()) for name, text in fields]
    parts += [(f'name="{name}"; filename="photo.jpg"\r\nContent-Type: image/jpeg', content) for name, content in files]
    head = f"--{BOUNDARY}\r\nContent-Disposition: form-data; "
    written = b"".join(f"{head}{told}\r\n\r\n".encode() + content + b"\r\n" for told, content in parts)
    return written + f"--{BOUNDARY}--\r\n".encode()
