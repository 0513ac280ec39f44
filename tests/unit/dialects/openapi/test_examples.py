"""The examples of answers are what the code makes; that they are valid is in tests/contract/openapi."""

from datetime import UTC, datetime

from standardwebhooks import Webhook

from stillmotion.dialects.openapi.examples import components, estimated, message
from stillmotion.ports.vendor import VendorOrder
from stillmotion.vendors.apiframe import ApiframeVendor


def test_the_estimate_shows_the_very_body_that_the_vendor_would_be_sent() -> None:
    shown = estimated()
    order = VendorOrder(request=shown.route.request, aspect_ratio=shown.aspect_ratio)
    assert shown.envelope == ApiframeVendor("https://api.example", lambda: "key").compose(order)


def test_the_webhook_is_signed_with_the_secret_that_is_shown() -> None:
    secret = components("https://api.example")["WebhookSecret"]["value"]["secret"]
    sent = message("Video Completed")
    sent_at = datetime.fromtimestamp(int(sent.headers["webhook-timestamp"]), UTC)
    signature = Webhook(secret).sign(sent.headers["webhook-id"], sent_at, sent.body.decode())
    assert signature == sent.headers["webhook-signature"]


def test_a_video_is_the_same_in_every_dialect() -> None:
    shown = {name: part["value"] for name, part in components("https://api.example").items()}
    ids = {
        shown["VideoCompleted"]["id"],
        shown["ApiframeJob"]["id"],
        shown["WavespeedCompleted"]["data"]["id"],
        shown["VideoCompletedTold"]["data"]["job_id"],
    }
    assert len(ids) == 1
