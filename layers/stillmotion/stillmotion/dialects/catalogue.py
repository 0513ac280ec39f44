"""Every feature of the API. A new route stands in its feature; a new feature here, and in the composition root."""

from collections.abc import Sequence
from functools import cache
from itertools import chain

from stillmotion.dialects.declared import Declared, Feature


@cache
def features() -> Sequence[type[Feature]]:
    """In the order of the document."""
    from stillmotion.dialects.apiframe.account import ApiframeAccount  # noqa: PLC0415
    from stillmotion.dialects.apiframe.jobs import ApiframeJobs  # noqa: PLC0415
    from stillmotion.dialects.apiframe.orders import ApiframeOrders  # noqa: PLC0415
    from stillmotion.dialects.native.dead_letters import DeadLetterRoutes  # noqa: PLC0415 - few calls need them all
    from stillmotion.dialects.native.keys import Keys  # noqa: PLC0415
    from stillmotion.dialects.native.orders import Orders  # noqa: PLC0415
    from stillmotion.dialects.native.spending import Spending  # noqa: PLC0415
    from stillmotion.dialects.native.steps import Steps  # noqa: PLC0415
    from stillmotion.dialects.native.vendor_webhooks import VendorWebhooks  # noqa: PLC0415
    from stillmotion.dialects.native.videos import Deletion, Videos  # noqa: PLC0415
    from stillmotion.dialects.native.webhooks import Webhooks  # noqa: PLC0415
    from stillmotion.dialects.wavespeed.account import WavespeedAccount, WavespeedWebhooks  # noqa: PLC0415
    from stillmotion.dialects.wavespeed.orders import WavespeedOrders  # noqa: PLC0415
    from stillmotion.dialects.wavespeed.predictions import WavespeedPredictions  # noqa: PLC0415
    from stillmotion.dialects.wavespeed.uploads import WavespeedUploads  # noqa: PLC0415

    return (
        *(Orders, Videos, Deletion, Steps, Webhooks, Spending, Keys, DeadLetterRoutes, VendorWebhooks),
        *(ApiframeOrders, ApiframeJobs, ApiframeAccount),
        *(WavespeedOrders, WavespeedUploads, WavespeedPredictions, WavespeedAccount, WavespeedWebhooks),
    )


def declared() -> Sequence[Declared]:
    """Every route."""
    return list(chain.from_iterable(feature.declared() for feature in features()))
