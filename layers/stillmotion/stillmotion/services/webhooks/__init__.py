"""How receivers learn of a job: events on the bus, and the outbound webhooks that follow them."""
