"""How a job is sent to a vendor: the choice of the vendor, its rate limits, the order, and the one POST."""
