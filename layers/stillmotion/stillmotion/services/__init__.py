"""The use cases: each takes its ports and answers with data."""
