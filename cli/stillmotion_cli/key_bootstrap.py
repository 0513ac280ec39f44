"""`stillmotion keys bootstrap`: the first key of a deployed stack, written into its table by whoever may deploy it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from stillmotion.aws.items import api_key_item
from stillmotion.domain.access import TENANT_RULE, is_tenant
from stillmotion.domain.keys import ApiKey
from stillmotion.services.keys.minting import mint
from stillmotion_cli import text
from stillmotion_cli.address import KEY_VARIABLE, URL_VARIABLE
from stillmotion_cli.failures import Misuse, NoAnswer, told_to
from stillmotion_cli.key_records import Key
from stillmotion_cli.keys import AsJson, show_once
from stillmotion_cli.surroundings import surroundings_of

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_dynamodb import DynamoDBClient

# The AWS CLI takes it too; boto3 by itself knows AWS_DEFAULT_REGION only.
REGION_VARIABLE = "AWS_REGION"

# ruff: noqa: PLC0415 - half a second for boto3, which the other commands do not have to wait for


class Deployed:
    """A deployed stack, seen with the caller's own credentials."""

    def __init__(self, cloudformation: "CloudFormationClient", dynamodb: "DynamoDBClient", stack: str) -> None:
        self._dynamodb = dynamodb
        (described,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
        self._outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", ())}
        given = {each["ParameterKey"]: each["ParameterValue"] for each in described.get("Parameters", ())}
        if "JobsTableName" not in self._outputs:
            raise Misuse(f"{stack} is no stack of Stillmotion, or is not deployed yet.")
        self.owner = given.get("InboxTenant", "default")
        self.api_url = self._outputs.get("ApiUrl", "")

    def put(self, key: ApiKey) -> None:
        """Writes a key that is not there."""
        self._dynamodb.put_item(
            TableName=self._outputs["JobsTableName"],
            Item=api_key_item(key),
            ConditionExpression="attribute_not_exists(pk)",
        )


def find(stack: str, region: str | None, profile: str | None) -> Deployed:
    """A stack by its name, where AWS's own tools would look for it."""
    import boto3

    session = boto3.Session(region_name=region, profile_name=profile)
    return Deployed(session.client("cloudformation"), session.client("dynamodb"), stack)


def bootstrap(
    context: typer.Context,
    *,
    stack: Annotated[str, typer.Option(help="The deployed stack's name, such as stillmotion-dev.")],
    name: Annotated[str, typer.Option("--name", help="What the key is for, to know it by.")] = "bootstrap",
    tenant: Annotated[str | None, typer.Option(help="Whose key it is; the stack owner's unless told.")] = None,
    region: Annotated[
        str | None, typer.Option(help="The stack's region; as AWS's own tools find it unless told.")
    ] = None,
    profile: Annotated[str | None, typer.Option(help="Which of your AWS profiles to use.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make an admin key of a deployed stack with your own AWS credentials, and show it once."""
    surroundings, errors = surroundings_of(context), Console(stderr=True)
    with told_to(errors):
        if tenant is not None and not is_tenant(tenant):
            raise Misuse(f"The tenant {TENANT_RULE}.")
        with _aws_errors_explained():
            deployed = find(stack, region or surroundings.environment.get(REGION_VARIABLE), profile)
            key, record = mint(tenant or deployed.owner, surroundings.now(), name=name)
            deployed.put(record)
        shown = Key(
            id=record.id,
            prefix=record.prefix,
            tenant=record.tenant,
            created_at=record.created_at,
            name=record.name,
            scopes=record.scopes,
            key=key,
        )
        raw = {"id": shown.id, "tenant": shown.tenant, "name": shown.name, "key": key, "api_url": deployed.api_url}
        show_once(errors, shown, raw, as_json=as_json)
        hint = f"To use it: export {URL_VARIABLE}={deployed.api_url} {KEY_VARIABLE}=<the key>"
        errors.print(text.clean(hint), markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _aws_errors_explained() -> Iterator[None]:
    """AWS's refusals as Misuse, and its silence as NoAnswer."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

    try:
        yield
    except NoRegionError as error:
        step = f"Give it as --region eu-central-1, or set {REGION_VARIABLE}."
        raise Misuse("No region says where the stack is.", next_step=step) from error
    except NoCredentialsError as error:
        step = "Give a profile as --profile, or set AWS_PROFILE."
        raise Misuse("There are no AWS credentials.", next_step=step) from error
    except ClientError as error:
        refusal = error.response["Error"]
        raise Misuse(f"AWS refused it: {refusal.get('Code')}: {refusal.get('Message')}") from error
    except BotoCoreError as error:
        raise NoAnswer(f"AWS could not be asked: {error}") from error
