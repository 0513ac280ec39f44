"""The API, in each dialect that people's clients already speak."""
