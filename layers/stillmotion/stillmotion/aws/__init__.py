"""The ports on AWS: DynamoDB, S3, Step Functions, EventBridge, Secrets Manager, over boto3."""
