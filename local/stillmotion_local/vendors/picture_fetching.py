"""Fetching the pictures that a generation names, by HTTP, as the vendors do.

UnfetchablePictureError    the vendor could not get the picture, or it is not one: WaveSpeed's code 1402
"""

import asyncio
import hashlib
import tempfile
from pathlib import Path

import httpx

from stillmotion_local.vendors.generations import PictureFetch
from stillmotion_local.vendors.pictures import UnreadablePictureError, check_picture

# A vendor's worker gives up on a slow host; 20 s is long for a picture on the same machine.
FETCH_TIMEOUT_SECONDS = 20.0
MAX_BYTES = 50_000_000


class UnfetchablePictureError(Exception):
    """A picture could not be fetched or opened; the message says why."""


class PictureFetcher:
    """Keeps fetched pictures on disk by the SHA-256 of their bytes, so that memory holds one chunk of each."""

    def __init__(self, client: httpx.AsyncClient, directory: Path, *, at_once: int = 8) -> None:
        """Fetches at most `at_once` pictures at a time into `directory`."""
        self._client = client
        self._directory = directory
        self._turns = asyncio.Semaphore(at_once)
        directory.mkdir(parents=True, exist_ok=True)

    async def fetch(self, picture: PictureFetch) -> PictureFetch:
        """Returns the record completed with what was fetched.

        Raises `UnfetchablePictureError` when there is no readable picture; the record is filled in all the same.
        """
        if picture.sha256 is not None and (self._directory / picture.sha256).exists():
            return picture
        async with self._turns:
            try:
                await self._download(picture)
            except (httpx.HTTPError, httpx.InvalidURL, UnreadablePictureError) as error:
                picture.error = f"{type(error).__name__}: {error}"
                raise UnfetchablePictureError(picture.error) from error
        if picture.error is not None:
            raise UnfetchablePictureError(picture.error)
        return picture

    async def _download(self, picture: PictureFetch) -> None:
        with tempfile.NamedTemporaryFile(dir=self._directory, suffix=".part", delete=False) as file:
            unfinished = Path(file.name)
            try:
                digest = hashlib.sha256()
                size = 0
                async with self._client.stream(
                    "GET", picture.url, timeout=FETCH_TIMEOUT_SECONDS, follow_redirects=True
                ) as response:
                    picture.status = response.status_code
                    if not response.is_success:
                        picture.error = f"the URL answered {response.status_code}"
                        return
                    async for chunk in response.aiter_bytes():
                        size += len(chunk)
                        if size > MAX_BYTES:
                            picture.error = f"larger than {MAX_BYTES} bytes"
                            return
                        digest.update(chunk)
                        file.write(chunk)
                file.flush()
                picture.bytes = size
                check_picture(unfinished)
                picture.sha256 = digest.hexdigest()
                unfinished.replace(self._directory / picture.sha256)
            finally:
                unfinished.unlink(missing_ok=True)
