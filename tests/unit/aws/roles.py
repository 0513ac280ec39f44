"""The functions as the composition root makes them, over a table that lets each do what its role in the template says.

Moto enforces no policies, so that a request is held against the role before it is sent. What AWS's documents say of
DynamoDB: an item of a transaction needs the permission for its own action, and `dynamodb:LeadingKeys` is the partition
key. That in a transaction it is the item's own and not all items', nothing here can show: the first order of a new
stack does (docs/operations.md).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from botocore.awsrequest import AWSResponse
from tests.deliveries import ROOT, RecordingDeliveryQueue, ScriptedPoster
from tests.fakes import RecordingEventBus, ScriptedDownloader
from tests.unit.aws.wire import TABLE, Sent, refusal
from tests.unit.services.test_dead_letters import MemoryQueue
from tests.unit.template.document import JsonObject, Template
from tests.world import World

from stillmotion import composition
from stillmotion.aws.clients import AwsClients
from stillmotion.aws.items import job_item
from stillmotion.aws.secrets import VendorKeys
from stillmotion.aws.table import Put, Table
from stillmotion.domain.job.records import Job
from stillmotion.services.keys.minting import mint
from stillmotion.services.webhooks.signing_secrets import SigningSecrets

Asked = tuple[str, str]
"""An action, such as `dynamodb:PutItem`, and the partition key of the item."""
OF_TABLE = {"Fn::GetAtt": ["JobsTable", "Arn"]}


class Roles:
    """Who acts, what each function has done to which kind of item, and what its role would have refused."""

    def __init__(self, template: Template) -> None:
        self._template = template
        self._acting: str | None = None
        self.done: set[tuple[str, str, str]] = set()
        self.refused: list[tuple[str, str, str]] = []

    @contextmanager
    def acting(self, function: str) -> Iterator[None]:
        """Whatever is asked of the table in here, a function asks by its logical id; nobody else is held to a role."""
        self._acting = function
        try:
            yield
        finally:
            self._acting = None

    def __call__(self, sent: Sent) -> AWSResponse | None:
        """The refusal of a request that is not allowed."""
        if self._acting is None:
            return None
        for action, key in asked(sent):
            self.done.add((self._acting, action, kind_of(key)))
            if not any(fnmatchcase(key, pattern) for pattern in allowed(self._template, self._acting, action)):
                self.refused.append((self._acting, action, key))
        return refusal("AccessDeniedException") if self.refused else None

    def kinds(self, function: str, action: str) -> set[str]:
        """The kinds of items that a function has done this to, as the template writes them: `job#*`."""
        return {kind for who, what, kind in self.done if (who, what) == (function, action)}


def allowed(template: Template, function: str, action: str) -> set[str]:
    """The patterns of the keys that a function's role allows this on; `*` where it has no condition."""
    found: set[str] = set()
    for statement in template.statements():
        if statement.owner == function and action in statement.actions and OF_TABLE in statement.resources:
            conditions: JsonObject = statement.body.get("Condition", {})
            like = conditions.get("ForAllValues:StringLike", {"dynamodb:LeadingKeys": ["*"]})
            found |= set(like["dynamodb:LeadingKeys"])
    return found


def kind_of(key: str) -> str:
    return f"{key.partition('#')[0]}#*"


def asked(sent: Sent) -> Iterator[Asked]:
    """What a request does to which items; lists are of indexes, and have permissions of their own."""
    if not sent.headers.get("x-amz-target", "").startswith("DynamoDB"):
        return
    members = sent.members
    match sent.operation:
        case "TransactWriteItems":
            for write in members["TransactItems"]:
                for kind, member in write.items():
                    yield f"dynamodb:{kind}Item", _key(member)
        case "BatchGetItem":
            for key in members["RequestItems"][TABLE]["Keys"]:
                yield "dynamodb:BatchGetItem", key["pk"]["S"]
        case _ if "Item" in members or "Key" in members:
            yield f"dynamodb:{sent.operation}", _key(members)


def _key(member: JsonObject) -> str:
    key: str = (member.get("Item") or member["Key"])["pk"]["S"]
    return key


@dataclass
class Stage:
    """A stack whose table is DynamoDB's, and all else in memory. Its scenes are played by the functions."""

    clients: AwsClients
    roles: Roles
    world: World = field(default_factory=World)
    queue: RecordingDeliveryQueue = field(default_factory=RecordingDeliveryQueue)
    bus: RecordingEventBus = field(default_factory=RecordingEventBus)
    poster: ScriptedPoster = field(default_factory=lambda: ScriptedPoster(204))
    downloads: ScriptedDownloader = field(default_factory=ScriptedDownloader)
    dead_letters: MemoryQueue = field(default_factory=MemoryQueue)
    webhook_secret: str = ""

    def put(self, job: Job) -> Job:
        """Puts a job there as it is: the given of a scene."""
        Table(self.clients, TABLE).write([Put(job_item(job, "given"))], token="given")
        return job

    def key(self, **fields: Any) -> str:
        """An API key of the tenant that owns the stack; an admin's unless told otherwise."""
        key, record = mint("default", self.world.clock.now(), **fields)
        composition.api_keys().put(record)
        return key

    @property
    def ports(self) -> dict[str, Callable[[], object]]:
        """What the composition root is given in place of its own: all but what is in the table."""
        return {
            "aws": lambda: self.clients,
            "objects": lambda: self.world.objects,
            "pictures": lambda: self.world.pictures,
            "vendors": lambda: self.world.vendors,
            "workflow": lambda: self.world.workflow,
            "delivery_queue": lambda: self.queue,
            "event_bus": lambda: self.bus,
            "signing_secrets": lambda: SigningSecrets(lambda: [ROOT]),
            "secret": lambda: _Secret(VendorKeys(wavespeed_webhook_secret=self.webhook_secret)),
        }


@dataclass
class _Secret:
    found: VendorKeys

    def keys(self) -> VendorKeys:
        return self.found
