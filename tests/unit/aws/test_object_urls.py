"""Which object a URL leads to: every form that S3 knows, and nothing that only looks like one."""

import boto3
import pytest
from tests.unit.aws.wire import ACCESS_KEY_ID, CLIENTS, NASTY_KEYS, REGION, SECRET_ACCESS_KEY

from stillmotion.aws.clients import AwsClients
from stillmotion.aws.object_urls import place_of
from stillmotion.aws.objects import S3ObjectStore
from stillmotion.ports.objects import ObjectPlace

BUCKET = "stillmotion-input-1x2y"
LOCAL = "http://127.0.0.1:4566"
AT_LOCAL = AwsClients(boto3.Session(ACCESS_KEY_ID, SECRET_ACCESS_KEY, region_name=REGION), endpoint_url=LOCAL)


@pytest.mark.parametrize(
    "host",
    [
        "s3.eu-central-1.amazonaws.com",
        "s3-eu-central-1.amazonaws.com",
        "s3.amazonaws.com",
        "s3-external-1.amazonaws.com",
        "s3.us-gov-west-1.amazonaws.com",
        "s3-fips.us-east-1.amazonaws.com",
        "s3-fips.dualstack.us-east-1.amazonaws.com",
        "s3.dualstack.ap-south-2.amazonaws.com",
        "s3.cn-north-1.amazonaws.com.cn",
        "s3.eusc-de-east-1.amazonaws.eu",
        "S3.EU-Central-1.AmazonAWS.com",
        "s3.eu-central-1.amazonaws.com.",
        "s3.eu-central-1.amazonaws.com:443",
    ],
)
def test_an_object_is_known_by_its_buckets_host_and_by_its_path(host: str) -> None:
    expected = ObjectPlace(BUCKET, "uploads/acme/a b.jpg")
    assert place_of(f"https://{BUCKET}.{host}/uploads/acme/a%20b.jpg?X-Amz-Signature=1", BUCKET) == expected
    assert place_of(f"https://{host}/{BUCKET}/uploads/acme/a%20b.jpg?X-Amz-Signature=1", BUCKET) == expected


@pytest.mark.parametrize("host", ["s3-accelerate.amazonaws.com", "s3-accelerate.dualstack.amazonaws.com"])
def test_an_accelerated_host_is_the_buckets_own(host: str) -> None:
    assert place_of(f"https://{BUCKET}.{host}/a.jpg", BUCKET) == ObjectPlace(BUCKET, "a.jpg")


def test_the_version_is_the_one_that_the_url_names() -> None:
    url = f"https://{BUCKET}.s3.amazonaws.com/a.jpg?X-Amz-Date=1&versionId=3sL4kqtJlcpXroDTDmJ%2BrmSpXd3dIbrHY&x=2"
    assert place_of(url, BUCKET) == ObjectPlace(BUCKET, "a.jpg", "3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY")


# The local stack's buckets have no dots: their names are CloudFormation's.
@pytest.mark.parametrize(
    ("clients", "buckets"),
    [(CLIENTS, (BUCKET, "dotted.bucket")), (AT_LOCAL, (BUCKET,))],
    ids=["aws", "endpoint"],
)
@pytest.mark.parametrize("key", NASTY_KEYS, ids=ascii)
def test_what_this_stack_signs_leads_back_to_the_object(
    clients: AwsClients, buckets: tuple[str, ...], key: str
) -> None:
    for bucket in buckets:
        url = S3ObjectStore(clients).signed_get(bucket, key, seconds=60, version_id="v-1")
        assert place_of(url, bucket, clients.s3.meta.endpoint_url) == ObjectPlace(bucket, key, "v-1")


@pytest.mark.parametrize(
    "url",
    [
        f"https://{BUCKET}.example/a.jpg",
        f"https://{BUCKET}.s3.eu-central-1.amazonaws.com.example/a.jpg",
        f"https://{BUCKET}.s3.eu-central-1.evilamazonaws.com/a.jpg",
        f"https://{BUCKET}.s3-website.eu-central-1.amazonaws.com.evil/a.jpg",
        f"https://{BUCKET}.ec2.eu-central-1.amazonaws.com/a.jpg",
        f"https://x{BUCKET}.s3.amazonaws.com/a.jpg",
        f"https://x.{BUCKET}.s3.amazonaws.com/a.jpg",
        f"https://other.s3.amazonaws.com/{BUCKET}/a.jpg",
        f"https://s3.amazonaws.com/other/{BUCKET}/a.jpg",
        f"https://s3.amazonaws.com/{BUCKET}",
        f"https://s3.amazonaws.com/{BUCKET}x/a.jpg",
        f"https://cdn.example/{BUCKET}/a.jpg",
        f"https://{BUCKET}.s3.amazonaws.com:8443/a.jpg",
        f"https://{BUCKET}.s3.amazonaws.com:port/a.jpg",
        f"https://user@{BUCKET}.s3.amazonaws.com/a.jpg",
        f"https://{BUCKET}.s3.amazonaws.com@cdn.example/a.jpg",
        f"http://{BUCKET}.s3.amazonaws.com/a.jpg",
        f"https://{BUCKET}.s3.amazonaws.com/%FF.jpg",
        f"{LOCAL}/{BUCKET}/a.jpg",
        "https://[/a.jpg",
        "",
    ],
)
def test_any_other_url_is_none_of_the_buckets(url: str) -> None:
    assert place_of(url, BUCKET) is None


@pytest.mark.parametrize(
    "url",
    [
        f"http://127.0.0.1:4567/{BUCKET}/a.jpg",
        f"https://127.0.0.1:4566/{BUCKET}/a.jpg",
        f"http://user@127.0.0.1:4566/{BUCKET}/a.jpg",
        f"{LOCAL}/other/a.jpg",
        f"{LOCAL}/_aws/{BUCKET}/a.jpg",
    ],
)
def test_another_place_on_this_machine_is_none_of_the_buckets(url: str) -> None:
    assert place_of(url, BUCKET, LOCAL) is None
