"""What outsiders send, as pydantic models. The domain and the functions of the pipeline import nothing from here."""
