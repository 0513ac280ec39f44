"""The rules of Stillmotion as values and functions of values: no AWS, no HTTP, no clock."""
