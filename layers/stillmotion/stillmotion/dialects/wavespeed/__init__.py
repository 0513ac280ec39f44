"""`/api/v3`: WaveSpeed's dialect, so that its clients work with a change of base URL and key.

What WaveSpeed does with a parameter that it does not know is not documented. Here it is refused: the caller would pay
for another video than the one that was meant. The parameters of WaveSpeed's own model are taken, and beside them the
fields of a request that say how it is carried out (`edge.request.HandlingFields`).

Sources: wavespeed.ai/docs; wavespeed-python (client.py).
"""

from typing import Literal

from stillmotion.dialects.declared import Dialect

Model = Literal["luma/ray-2-flash-i2v"]
MODEL: Model = "luma/ray-2-flash-i2v"
WAVESPEED = Dialect(
    prefix="/api/v3/",
    error="WavespeedError",
    nothing=f"There is nothing at this address. The one model here is {MODEL}.",
)
TAG = "WaveSpeed's dialect"
UNKNOWN_PARAMETER = "is not a parameter here"
